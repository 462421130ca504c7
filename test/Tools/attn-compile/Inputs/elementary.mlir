// Every function of the math dialect on floating point that is not an instruction of every CPU, and those that are.
func.func @of_f32(%q: tensor<1x2x?x32xf32>) -> tensor<1x2x?x32xf32> {
  %o = attn.sdpa %q, %q, %q : tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x2x?x32xf32>
    score(%s, %b, %h, %m, %n) {
      %k = arith.constant 3 : i32
      %u0 = math.acos %s : f32
      %u1 = math.acosh %u0 : f32
      %u2 = math.asin %u1 : f32
      %u3 = math.asinh %u2 : f32
      %u4 = math.atan %u3 : f32
      %u5 = math.atanh %u4 : f32
      %u6 = math.cbrt %u5 : f32
      %u7 = math.ceil %u6 : f32
      %u8 = math.cos %u7 : f32
      %u9 = math.cosh %u8 : f32
      %u10 = math.erf %u9 : f32
      %u11 = math.erfc %u10 : f32
      %u12 = math.exp %u11 : f32
      %u13 = math.exp2 %u12 : f32
      %u14 = math.expm1 %u13 : f32
      %u15 = math.floor %u14 : f32
      %u16 = math.log %u15 : f32
      %u17 = math.log10 %u16 : f32
      %u18 = math.log1p %u17 : f32
      %u19 = math.log2 %u18 : f32
      %u20 = math.round %u19 : f32
      %u21 = math.roundeven %u20 : f32
      %u22 = math.rsqrt %u21 : f32
      %u23 = math.sin %u22 : f32
      %u24 = math.sinh %u23 : f32
      %u25 = math.sqrt %u24 : f32
      %u26 = math.tan %u25 : f32
      %u27 = math.tanh %u26 : f32
      %u28 = math.trunc %u27 : f32
      %p = math.powf %u28, %s : f32
      %a = math.atan2 %p, %s : f32
      %i = math.fpowi %a, %k : f32, i32
      %sin, %cos = math.sincos %i : f32
      %c = math.clampf %sin to [%cos, %s] : f32
      %r = arith.remf %c, %cos : f32
      attn.yield %r : f32
    }
  return %o : tensor<1x2x?x32xf32>
}
func.func @of_f64(%q: tensor<1x2x?x32xf64>) -> tensor<1x2x?x32xf64> {
  %o = attn.sdpa %q, %q, %q : tensor<1x2x?x32xf64>, tensor<1x2x?x32xf64>, tensor<1x2x?x32xf64> -> tensor<1x2x?x32xf64>
    score(%s, %b, %h, %m, %n) {
      %k = arith.constant 3 : i32
      %u0 = math.acos %s : f64
      %u1 = math.acosh %u0 : f64
      %u2 = math.asin %u1 : f64
      %u3 = math.asinh %u2 : f64
      %u4 = math.atan %u3 : f64
      %u5 = math.atanh %u4 : f64
      %u6 = math.cbrt %u5 : f64
      %u7 = math.ceil %u6 : f64
      %u8 = math.cos %u7 : f64
      %u9 = math.cosh %u8 : f64
      %u10 = math.erf %u9 : f64
      %u11 = math.erfc %u10 : f64
      %u12 = math.exp %u11 : f64
      %u13 = math.exp2 %u12 : f64
      %u14 = math.expm1 %u13 : f64
      %u15 = math.floor %u14 : f64
      %u16 = math.log %u15 : f64
      %u17 = math.log10 %u16 : f64
      %u18 = math.log1p %u17 : f64
      %u19 = math.log2 %u18 : f64
      %u20 = math.round %u19 : f64
      %u21 = math.roundeven %u20 : f64
      %u22 = math.rsqrt %u21 : f64
      %u23 = math.sin %u22 : f64
      %u24 = math.sinh %u23 : f64
      %u25 = math.sqrt %u24 : f64
      %u26 = math.tan %u25 : f64
      %u27 = math.tanh %u26 : f64
      %u28 = math.trunc %u27 : f64
      %p = math.powf %u28, %s : f64
      %a = math.atan2 %p, %s : f64
      %i = math.fpowi %a, %k : f64, i32
      %sin, %cos = math.sincos %i : f64
      %c = math.clampf %sin to [%cos, %s] : f64
      %r = arith.remf %c, %cos : f64
      attn.yield %r : f64
    }
  return %o : tensor<1x2x?x32xf64>
}
func.func @of_f16(%q: tensor<1x2x?x32xf16>) -> tensor<1x2x?x32xf16> {
  %o = attn.sdpa %q, %q, %q : tensor<1x2x?x32xf16>, tensor<1x2x?x32xf16>, tensor<1x2x?x32xf16> -> tensor<1x2x?x32xf16>
    score(%s, %b, %h, %m, %n) {
      %k = arith.constant 3 : i32
      %u0 = math.acos %s : f32
      %u1 = math.acosh %u0 : f32
      %u2 = math.asin %u1 : f32
      %u3 = math.asinh %u2 : f32
      %u4 = math.atan %u3 : f32
      %u5 = math.atanh %u4 : f32
      %u6 = math.cbrt %u5 : f32
      %u7 = math.ceil %u6 : f32
      %u8 = math.cos %u7 : f32
      %u9 = math.cosh %u8 : f32
      %u10 = math.erf %u9 : f32
      %u11 = math.erfc %u10 : f32
      %u12 = math.exp %u11 : f32
      %u13 = math.exp2 %u12 : f32
      %u14 = math.expm1 %u13 : f32
      %u15 = math.floor %u14 : f32
      %u16 = math.log %u15 : f32
      %u17 = math.log10 %u16 : f32
      %u18 = math.log1p %u17 : f32
      %u19 = math.log2 %u18 : f32
      %u20 = math.round %u19 : f32
      %u21 = math.roundeven %u20 : f32
      %u22 = math.rsqrt %u21 : f32
      %u23 = math.sin %u22 : f32
      %u24 = math.sinh %u23 : f32
      %u25 = math.sqrt %u24 : f32
      %u26 = math.tan %u25 : f32
      %u27 = math.tanh %u26 : f32
      %u28 = math.trunc %u27 : f32
      %p = math.powf %u28, %s : f32
      %a = math.atan2 %p, %s : f32
      %i = math.fpowi %a, %k : f32, i32
      %sin, %cos = math.sincos %i : f32
      %c = math.clampf %sin to [%cos, %s] : f32
      %r = arith.remf %c, %cos : f32
      attn.yield %r : f32
    }
  return %o : tensor<1x2x?x32xf16>
}
