// RUN: attn-opt %s --attn-fuse-variants | FileCheck %s

!q = tensor<2x8x?x64xf32>
!half = tensor<2x8x?x64xf16>

// c tanh(s / c), or s where c = 0
// CHECK-LABEL: func @softcap
// CHECK:         score(%[[S:.+]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[C:.+]]) {
// CHECK-NEXT:      %[[X:.+]] = arith.divf %[[S]], %[[C]] : f32
// CHECK-NEXT:      %[[T:.+]] = math.tanh %[[X]] : f32
// CHECK-NEXT:      %[[CAPPED:.+]] = arith.mulf %[[C]], %[[T]] : f32
// CHECK-NEXT:      %[[ZERO:.+]] = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:      %[[OFF:.+]] = arith.cmpf oeq, %[[C]], %[[ZERO]] : f32
// CHECK-NEXT:      %[[R:.+]] = arith.select %[[OFF]], %[[S]], %[[CAPPED]] : f32
// CHECK-NEXT:      attn.yield %[[R]] : f32
func.func @softcap(%q: !q, %k: !q, %c: f32) -> !q {
  %o = attn.sdpa %q, %k, %k softcap(%c) : !q, !q, !q -> !q
  return %o : !q
}

// A constant stands inside the region: 30 tanh(s / 30)
// CHECK-LABEL: func @softcap_constant
// CHECK-NOT:     captures
// CHECK:         score(%[[S:[^,]+]], {{.*}}) {
// CHECK-NEXT:      %[[C:.+]] = arith.constant 3.000000e+01 : f32
// CHECK-NEXT:      arith.divf %[[S]], %[[C]] : f32
// CHECK-NOT:       arith.select
// CHECK:           attn.yield
func.func @softcap_constant(%q: !q, %k: !q) -> !q {
  %c = arith.constant 30.0 : f32
  %o = attn.sdpa %q, %k, %k softcap(%c) : !q, !q, !q -> !q
  return %o : !q
}

// s - slope[h] |n - m|, in f32 for f16
// CHECK-LABEL: func @alibi
// CHECK:         captures(%{{.*}}[h] : tensor<8xf16>)
// CHECK:         score(%[[S:.+]], %{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]], %[[SLOPE:.+]]) {
// CHECK-NEXT:      %[[DIFF:.+]] = arith.subi %[[N]], %[[M]] : index
// CHECK-NEXT:      %[[I:.+]] = arith.index_cast %[[DIFF]] : index to i32
// CHECK-NEXT:      %[[F:.+]] = arith.sitofp %[[I]] : i32 to f32
// CHECK-NEXT:      %[[A:.+]] = math.absf %[[F]] : f32
// CHECK-NEXT:      %[[WIDE:.+]] = arith.extf %[[SLOPE]] : f16 to f32
// CHECK-NEXT:      %[[P:.+]] = arith.mulf %[[WIDE]], %[[A]] : f32
// CHECK-NEXT:      %[[R:.+]] = arith.subf %[[S]], %[[P]] : f32
// CHECK-NEXT:      attn.yield %[[R]] : f32
// CHECK-NOT:     mask
func.func @alibi(%q: !half, %k: !half, %slope: tensor<8xf16>) -> !half {
  %o = attn.sdpa %q, %k, %k alibi(%slope : tensor<8xf16>) : !half, !half, !half -> !half
  return %o : !half
}

// s + t[h, 0, n]
// CHECK-LABEL: func @additive
// CHECK:         captures(%{{.*}}[h, 0, n] : tensor<8x1x?xf16>)
// CHECK-SAME:    score(%[[S:.+]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[T:.+]]) {
// CHECK-NEXT:      %[[WIDE:.+]] = arith.extf %[[T]] : f16 to f32
// CHECK-NEXT:      %[[R:.+]] = arith.addf %[[S]], %[[WIDE]] : f32
// CHECK-NEXT:      attn.yield %[[R]] : f32
func.func @additive(%q: !half, %k: !half, %t: tensor<8x1x?xf16>) -> !half {
  %o = attn.sdpa %q, %k, %k additive(%t : tensor<8x1x?xf16>) : !half, !half, !half -> !half
  return %o : !half
}

// The lowest f64 becomes the lowest f32, which drops nothing; -inf stays.
// CHECK-LABEL: func @additive_wider
// CHECK:         score(%[[S:.+]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[T:.+]]) {
// CHECK-NEXT:      %[[LOWEST:.+]] = arith.constant -3.402823{{.*}}E+38 : f64
// CHECK-NEXT:      %[[FLOOR:.+]] = arith.maximumf %[[T]], %[[LOWEST]] : f64
// CHECK-NEXT:      %[[INF:.+]] = arith.constant 0xFFF0000000000000 : f64
// CHECK-NEXT:      %[[DROPS:.+]] = arith.cmpf oeq, %[[T]], %[[INF]] : f64
// CHECK-NEXT:      %[[V:.+]] = arith.select %[[DROPS]], %[[T]], %[[FLOOR]] : f64
// CHECK-NEXT:      %[[NARROW:.+]] = arith.truncf %[[V]] : f64 to f32
// CHECK-NEXT:      arith.addf %[[S]], %[[NARROW]] : f32
func.func @additive_wider(%q: !q, %k: !q, %t: tensor<?xf64>) -> !q {
  %o = attn.sdpa %q, %k, %k additive(%t : tensor<?xf64>) : !q, !q, !q -> !q
  return %o : !q
}
