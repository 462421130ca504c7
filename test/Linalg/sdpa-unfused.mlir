// RUN: attn-opt %s --attn-linalg --canonicalize --cse --split-input-file | FileCheck %s

// The steps, each on one buffer: S = sum_d Q K; S = scale * S; max = max_n S;
// S = exp(S - max), -1 if dropped; sum = sum_n S; acc = sum_n S V;
// O = acc / (sum or 1).
// CHECK: #[[$Q:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)>
// CHECK: #[[$K:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d3, d4)>
// CHECK: #[[$S:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
// CHECK-LABEL: func.func @equal_heads(
// CHECK-SAME: %[[Q:.+]]: tensor<2x4x?x8xf32>, %[[K:.+]]: tensor<2x4x?x8xf32>, %[[V:.+]]: tensor<2x4x?x6xf32>
// CHECK-DAG: %[[ONE:.+]] = arith.constant 1.000000e+00 : f32
// CHECK-DAG: %[[ZERO:.+]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG: %[[DROPPED:.+]] = arith.constant -1.000000e+00 : f32
// CHECK-DAG: %[[LOWEST:.+]] = arith.constant 0xFF800000 : f32
// 1 / sqrt(8)
// CHECK-DAG: %[[SCALE:.+]] = arith.constant 0.353553385 : f32
// CHECK: %[[FILLED:.+]] = linalg.fill ins(%[[ZERO]] : f32) outs(%{{.+}} : tensor<2x4x?x?xf32>)
// CHECK: %[[DOT:.+]] = linalg.generic {indexing_maps = [#[[$Q]], #[[$K]], #[[$S]]], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
// CHECK-SAME: ins(%[[Q]], %[[K]] : {{.+}}) outs(%[[FILLED]]
// CHECK: %[[SCORES:.+]] = linalg.generic {{.+}} outs(%[[DOT]]
// CHECK-NEXT: ^bb0(%[[S:.+]]: f32):
// CHECK-NEXT: %[[SCALED:.+]] = arith.mulf %[[S]], %[[SCALE]]
// CHECK-NEXT: linalg.yield %[[SCALED]]
// CHECK: %[[MAXINIT:.+]] = linalg.fill ins(%[[LOWEST]]
// CHECK: %[[MAX:.+]] = linalg.generic {{.+}}"reduction"]} ins(%[[SCORES]] : {{.+}}) outs(%[[MAXINIT]]
// CHECK: arith.maximumf
// CHECK: %[[P:.+]] = linalg.generic {{.+}} ins(%[[MAX]] : {{.+}}) outs(%[[SCORES]]
// CHECK-NEXT: ^bb0(%[[MAXI:.+]]: f32, %[[SI:.+]]: f32):
// CHECK-NEXT: %[[DISTANCE:.+]] = arith.subf %[[SI]], %[[MAXI]]
// CHECK-NEXT: %[[EXP:.+]] = math.exp %[[DISTANCE]]
// CHECK-NEXT: %[[IS:.+]] = arith.cmpf oeq, %[[SI]], %[[LOWEST]]
// CHECK-NEXT: %[[PI:.+]] = arith.select %[[IS]], %[[DROPPED]], %[[EXP]]
// CHECK-NEXT: linalg.yield %[[PI]]
// CHECK: %[[SUM:.+]] = linalg.generic {{.+}}"reduction"]} ins(%[[P]]
// CHECK-NEXT: ^bb0(%[[PJ:.+]]: f32, %[[SOFAR:.+]]: f32):
// CHECK-NEXT: %[[ISJ:.+]] = arith.cmpf olt, %[[PJ]], %[[ZERO]]
// CHECK-NEXT: %[[ADDED:.+]] = arith.select %[[ISJ]], %[[ZERO]], %[[PJ]]
// CHECK-NEXT: arith.addf %[[SOFAR]], %[[ADDED]]
// CHECK: %[[ACC:.+]] = linalg.generic {{.+}}"parallel", "parallel", "parallel", "reduction", "parallel"]} ins(%[[P]], %[[V]]
// CHECK-NEXT: ^bb0(%[[PK:.+]]: f32, %[[VK:.+]]: f32, %[[OK:.+]]: f32):
// CHECK-NEXT: %[[PV:.+]] = arith.mulf %[[PK]], %[[VK]]
// CHECK-NEXT: %[[ISK:.+]] = arith.cmpf olt, %[[PK]], %[[ZERO]]
// CHECK-NEXT: %[[PVK:.+]] = arith.select %[[ISK]], %[[ZERO]], %[[PV]]
// CHECK-NEXT: arith.addf %[[OK]], %[[PVK]]
// CHECK: %[[DENOMINATOR:.+]] = linalg.generic {{.+}} ins(%[[MAX]], %[[SUM]]
// CHECK-NEXT: ^bb0(%{{.+}}: f32, %[[SUMI:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT: %[[EMPTY:.+]] = arith.cmpf oeq, %[[SUMI]], %[[ZERO]]
// CHECK-NEXT: arith.select %[[EMPTY]], %[[ONE]], %[[SUMI]]
// CHECK: %[[O:.+]] = linalg.generic {{.+}} ins(%[[ACC]], %[[DENOMINATOR]]
// CHECK: arith.divf
// CHECK: return %[[O]]
func.func @equal_heads(%q: tensor<2x4x?x8xf32>, %k: tensor<2x4x?x8xf32>, %v: tensor<2x4x?x6xf32>) -> tensor<2x4x?x6xf32> {
  %o = attn.sdpa %q, %k, %v : tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32>, tensor<2x4x?x6xf32> -> tensor<2x4x?x6xf32>
  return %o : tensor<2x4x?x6xf32>
}

// -----

// Query head h = 3 hkv + g reads key head hkv: (b, hkv, g, m, n, d).
// CHECK-DAG: #[[$Q:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3, d5)>
// CHECK-DAG: #[[$K:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d4, d5)>
// CHECK-DAG: #[[$S:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3, d4)>
// CHECK-LABEL: func.func @shared_heads(
// CHECK-SAME: %[[Q:.+]]: tensor<1x6x5x8xf32>, %[[K:.+]]: tensor<1x2x7x8xf32>, %[[V:.+]]: tensor<1x2x7x8xf32>
// CHECK: %[[GROUPED:.+]] = tensor.expand_shape %[[Q]] {{\[\[}}0], [1, 2], [3], [4]] output_shape [1, 2, 3, 5, 8]
// CHECK: %[[DOT:.+]] = linalg.generic {indexing_maps = [#[[$Q]], #[[$K]], #[[$S]]]{{.+}} ins(%[[GROUPED]], %[[K]]
// CHECK: tensor.collapse_shape %[[DOT]] {{\[\[}}0], [1, 2], [3], [4]] : tensor<1x2x3x5x7xf32> into tensor<1x6x5x7xf32>
// CHECK: %[[P:.+]] = tensor.expand_shape {{.+}} output_shape [1, 2, 3, 5, 7]
// CHECK: %[[ACC:.+]] = linalg.generic {indexing_maps = [#[[$S]], #[[$K]], #[[$Q]]]{{.+}} ins(%[[P]], %[[V]]
// CHECK: tensor.collapse_shape %[[ACC]]
func.func @shared_heads(%q: tensor<1x6x5x8xf32>, %k: tensor<1x2x7x8xf32>, %v: tensor<1x2x7x8xf32>) -> tensor<1x6x5x8xf32> {
  %o = attn.sdpa %q, %k, %v : tensor<1x6x5x8xf32>, tensor<1x2x7x8xf32>, tensor<1x2x7x8xf32> -> tensor<1x6x5x8xf32>
  return %o : tensor<1x6x5x8xf32>
}

// -----

// H / Hkv at run time, where no head at all is allowed; K and V are repeated,
// since no map says "h floordiv group".
// CHECK-LABEL: func.func @heads_at_run_time(
// CHECK-SAME: %[[Q:.+]]: tensor<1x?x5x8xf32>, %[[K:.+]]: tensor<1x?x7x8xf32>
// CHECK-DAG: %[[C1:.+]] = arith.constant 1 : index
// CHECK: %[[HKV:.+]] = tensor.dim %[[K]], %[[C1]]
// CHECK: %[[DIVISOR:.+]] = arith.maxui %[[HKV]], %[[C1]]
// CHECK: %[[GROUP:.+]] = arith.divui %{{.+}}, %[[DIVISOR]]
// CHECK: %[[REPEATED:.+]] = linalg.generic
// CHECK: %[[H:.+]] = linalg.index 1
// CHECK: %[[SHARED:.+]] = arith.divui %[[H]], %[[GROUP]]
// CHECK: tensor.extract %[[K]][%{{.+}}, %[[SHARED]], %{{.+}}, %{{.+}}]
// CHECK: linalg.generic {{.+}} ins(%[[Q]], %[[REPEATED]]
// CHECK-NOT: tensor.expand_shape
func.func @heads_at_run_time(%q: tensor<1x?x5x8xf32>, %k: tensor<1x?x7x8xf32>) -> tensor<1x?x5x8xf32> {
  %o = attn.sdpa %q, %k, %k : tensor<1x?x5x8xf32>, tensor<1x?x7x8xf32>, tensor<1x?x7x8xf32> -> tensor<1x?x5x8xf32>
  return %o : tensor<1x?x5x8xf32>
}

// -----

// A layout permutes the maps and nothing moves: Q[b,m,h,d], K[b,h,d,n],
// V[b,n,h,d], O[b,m,h,d].
// CHECK-DAG: #[[$Q:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d1, d4)>
// CHECK-DAG: #[[$K:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d4, d3)>
// CHECK-DAG: #[[$V:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d3, d1, d4)>
// CHECK-DAG: #[[$O:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1, d3)>
// CHECK-LABEL: func.func @layouts(
// CHECK-SAME: %[[Q:.+]]: tensor<1x5x2x8xf32>, %[[K:.+]]: tensor<1x2x8x7xf32>, %[[V:.+]]: tensor<1x7x2x8xf32>
// CHECK-NOT: transpose
// CHECK: linalg.generic {indexing_maps = [#[[$Q]], #[[$K]], {{.+}} ins(%[[Q]], %[[K]]
// CHECK: linalg.generic {indexing_maps = [{{.+}}, #[[$V]], {{.+}} ins(%{{.+}}, %[[V]]
// CHECK: %[[O:.+]] = linalg.generic {indexing_maps = [{{.+}}, #[[$O]]]{{.+}} outs(%{{.+}} : tensor<1x5x2x8xf32>)
// CHECK: return %[[O]]
func.func @layouts(%q: tensor<1x5x2x8xf32>, %k: tensor<1x2x8x7xf32>, %v: tensor<1x7x2x8xf32>) -> tensor<1x5x2x8xf32> {
  %o = attn.sdpa %q, %k, %v layout(bshd, bhds, bshd, bshd)
    : tensor<1x5x2x8xf32>, tensor<1x2x8x7xf32>, tensor<1x7x2x8xf32> -> tensor<1x5x2x8xf32>
  return %o : tensor<1x5x2x8xf32>
}

// -----

// bf16: products, softmax and sums in f32, one rounding at the end.
// CHECK-LABEL: func.func @rounds_once(
// CHECK-COUNT-2: arith.extf %{{.+}} : bf16 to f32
// CHECK: arith.mulf {{.+}} : f32
// CHECK: math.exp {{.+}} : f32
// CHECK: arith.extf %{{.+}} : bf16 to f32
// CHECK-NOT: arith.truncf
// CHECK: %[[O:.+]] = arith.divf {{.+}} : f32
// CHECK-NEXT: arith.truncf %[[O]] : f32 to bf16
// CHECK-NOT: arith.truncf
// CHECK: return
func.func @rounds_once(%q: tensor<1x2x5x8xbf16>) -> tensor<1x2x5x8xbf16> {
  %o = attn.sdpa %q, %q, %q : tensor<1x2x5x8xbf16>, tensor<1x2x5x8xbf16>, tensor<1x2x5x8xbf16> -> tensor<1x2x5x8xbf16>
  return %o : tensor<1x2x5x8xbf16>
}

// -----

// f64 in, f64 throughout.
// CHECK-LABEL: func.func @double(
// CHECK-NOT: f32
// CHECK: math.exp {{.+}} : f64
// CHECK-NOT: f32
// CHECK: return
func.func @double(%q: tensor<1x2x5x8xf64>) -> tensor<1x2x5x8xf64> {
  %o = attn.sdpa %q, %q, %q : tensor<1x2x5x8xf64>, tensor<1x2x5x8xf64>, tensor<1x2x5x8xf64> -> tensor<1x2x5x8xf64>
  return %o : tensor<1x2x5x8xf64>
}

// -----

// LSE = max + log(sum), without the sink; O and weights are divided by
// sum + exp(sink - max) in f64; a row without a kept key has sum = 0.
// CHECK-LABEL: func.func @all_results(
// CHECK-SAME: %[[SINKS:[^ ]+]]: tensor<2xf16>
// CHECK-DAG: %[[ONE:.+]] = arith.constant 1.000000e+00 : f64
// CHECK-DAG: %[[ZERO:.+]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG: %[[LOWEST:.+]] = arith.constant 0xFF800000 : f32
// CHECK: %[[MAX:.+]] = linalg.generic {{.+}}iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
// CHECK: arith.maximumf
// CHECK: %[[P:.+]] = linalg.generic {{.+}} ins(%[[MAX]]
// CHECK: %[[SUM:.+]] = linalg.generic {{.+}}iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%[[P]]
// CHECK: %[[DENOMINATOR:.+]] = linalg.generic {{.+}} ins(%[[MAX]], %[[SINKS]], %[[SUM]]
// CHECK-NEXT: ^bb0(%[[MAXI:.+]]: f32, %[[SINKI:.+]]: f16, %[[SUMI:.+]]: f32, %{{.+}}: f64):
// CHECK-NEXT: %[[WIDESUM:.+]] = arith.extf %[[SUMI]]
// CHECK-NEXT: %[[SINK:.+]] = arith.extf %[[SINKI]]
// CHECK-NEXT: %[[WIDEMAX:.+]] = arith.extf %[[MAXI]]
// CHECK-NEXT: %[[DISTANCE:.+]] = arith.subf %[[SINK]], %[[WIDEMAX]]
// CHECK-NEXT: %[[EXP:.+]] = math.exp %[[DISTANCE]]
// CHECK-NEXT: %[[ALL:.+]] = arith.addf %[[WIDESUM]], %[[EXP]]
// CHECK-NEXT: %[[EMPTY:.+]] = arith.cmpf oeq, %[[SUMI]], %[[ZERO]]
// CHECK-NEXT: arith.select %[[EMPTY]], %[[ONE]], %[[ALL]]
// CHECK: %[[O:.+]] = linalg.generic {{.+}} ins(%{{.+}}, %[[DENOMINATOR]]
// CHECK: %[[LSE:.+]] = linalg.generic {{.+}} ins(%[[MAX]], %[[SUM]]
// CHECK-NEXT: ^bb0(%[[MAXJ:.+]]: f32, %[[SUMJ:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT: %[[LOG:.+]] = math.log %[[SUMJ]]
// CHECK-NEXT: %[[SOME:.+]] = arith.addf %[[MAXJ]], %[[LOG]]
// CHECK-NEXT: %[[NONE:.+]] = arith.cmpf oeq, %[[SUMJ]], %[[ZERO]]
// CHECK-NEXT: arith.select %[[NONE]], %[[LOWEST]], %[[SOME]]
// CHECK: %[[W:.+]] = linalg.generic {{.+}} ins(%[[P]], %[[DENOMINATOR]]
// CHECK-NEXT: ^bb0(%[[PI:.+]]: f32, %[[DI:.+]]: f64, %{{.+}}: f32):
// CHECK-NEXT: %[[WIDEP:.+]] = arith.extf %[[PI]]
// CHECK-NEXT: %[[WIDEW:.+]] = arith.divf %[[WIDEP]], %[[DI]]
// CHECK-NEXT: %[[WI:.+]] = arith.truncf %[[WIDEW]]
// CHECK-NEXT: %[[DROPPED:.+]] = arith.cmpf olt, %[[PI]], %[[ZERO]]
// CHECK-NEXT: arith.select %[[DROPPED]], %[[ZERO]], %[[WI]]
// CHECK: return %[[O]], %[[LSE]], %[[W]]
func.func @all_results(%sinks: tensor<2xf16>, %q: tensor<1x2x5x8xf16>, %k: tensor<1x2x7x8xf16>)
    -> (tensor<1x2x5x8xf16>, tensor<1x2x5xf32>, tensor<1x2x5x7xf32>) {
  %o, %l, %w = attn.sdpa %q, %k, %k sinks(%sinks : tensor<2xf16>) returns(lse, weights)
    : tensor<1x2x5x8xf16>, tensor<1x2x7x8xf16>, tensor<1x2x7x8xf16> -> tensor<1x2x5x8xf16>, tensor<1x2x5xf32>, tensor<1x2x5x7xf32>
  return %o, %l, %w : tensor<1x2x5x8xf16>, tensor<1x2x5xf32>, tensor<1x2x5x7xf32>
}
