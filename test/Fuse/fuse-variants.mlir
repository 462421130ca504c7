// RUN: attn-opt %s --attn-fuse-variants | FileCheck %s

!q = tensor<2x8x?x64xf32>
!half = tensor<2x8x?x64xf16>

// n <= m; the scale is 1 / sqrt(64)
// CHECK-LABEL: func @causal_top_left
// CHECK:         %[[SCALE:.+]] = arith.constant 1.250000e-01 : f32
// CHECK:         attn.sdpa {{.*}} scale(%[[SCALE]]) :
// CHECK-SAME:    mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]]) {
// CHECK-NEXT:      %[[KEEP:.+]] = arith.cmpi sle, %[[N]], %[[M]] : index
// CHECK-NEXT:      attn.yield %[[KEEP]] : i1
func.func @causal_top_left(%q: !q, %k: !q) -> !q {
  %o = attn.sdpa %q, %k, %k causal(top_left) : !q, !q, !q -> !q
  return %o : !q
}

// n - m <= N - M
// CHECK-LABEL: func @causal_bottom_right
// CHECK-SAME:  %[[Q:.+]]: tensor<2x8x?x64xf32>, %[[K:.+]]: tensor<2x8x?x64xf32>
// CHECK:         %[[QUERIES:.+]] = tensor.dim %[[Q]]
// CHECK:         %[[KEYS:.+]] = tensor.dim %[[K]]
// CHECK:         %[[OFFSET:.+]] = arith.subi %[[KEYS]], %[[QUERIES]]
// CHECK:         attn.sdpa {{.*}} captures(%[[OFFSET]][] : index)
// CHECK-SAME:    mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]], %[[OFF:.+]]) {
// CHECK-NEXT:      %[[DIFF:.+]] = arith.subi %[[N]], %[[M]] : index
// CHECK-NEXT:      %[[KEEP:.+]] = arith.cmpi sle, %[[DIFF]], %[[OFF]] : index
// CHECK-NEXT:      attn.yield %[[KEEP]] : i1
func.func @causal_bottom_right(%q: !q, %k: !q) -> !q {
  %o = attn.sdpa %q, %k, %k causal(bottom_right) : !q, !q, !q -> !q
  return %o : !q
}

// n - m <= 100 - 40
// CHECK-LABEL: func @causal_static_offset
// CHECK:         mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]]) {
// CHECK-NEXT:      %[[DIFF:.+]] = arith.subi %[[N]], %[[M]] : index
// CHECK-NEXT:      %[[OFF:.+]] = arith.constant 60 : index
// CHECK-NEXT:      arith.cmpi sle, %[[DIFF]], %[[OFF]] : index
func.func @causal_static_offset(%q: tensor<1x1x40x64xf32>, %k: tensor<1x1x100x64xf32>) -> tensor<1x1x40x64xf32> {
  %o = attn.sdpa %q, %k, %k causal(bottom_right)
    : tensor<1x1x40x64xf32>, tensor<1x1x100x64xf32>, tensor<1x1x100x64xf32> -> tensor<1x1x40x64xf32>
  return %o : tensor<1x1x40x64xf32>
}

// n - m <= kv_lens[b] - M and n < kv_lens[b]
// CHECK-LABEL: func @causal_in_a_cache
// CHECK-SAME:  %[[Q:.+]]: tensor<2x8x?x64xf32>, %{{.*}}: tensor<2x8x?x64xf32>, %[[LENS:.+]]: tensor<2xi32>
// CHECK:         %[[QUERIES:.+]] = tensor.dim %[[Q]]
// CHECK:         attn.sdpa {{.*}} captures(%[[LENS]][b] : tensor<2xi32>, %[[QUERIES]][] : index)
// CHECK-SAME:    mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]], %[[L:.+]], %[[MM:.+]]) {
// CHECK-NEXT:      %[[DIFF:.+]] = arith.subi %[[N]], %[[M]] : index
// CHECK-NEXT:      %[[LEN:.+]] = arith.index_cast %[[L]] : i32 to index
// CHECK-NEXT:      %[[OFF:.+]] = arith.subi %[[LEN]], %[[MM]] : index
// CHECK-NEXT:      %[[BELOW:.+]] = arith.cmpi sle, %[[DIFF]], %[[OFF]] : index
// CHECK-NEXT:      %[[INSIDE:.+]] = arith.cmpi slt, %[[N]], %[[LEN]] : index
// CHECK-NEXT:      arith.andi %[[BELOW]], %[[INSIDE]] : i1
func.func @causal_in_a_cache(%q: !q, %k: !q, %lens: tensor<2xi32>) -> !q {
  %o = attn.sdpa %q, %k, %k causal(bottom_right) kv_lens(%lens : tensor<2xi32>) : !q, !q, !q -> !q
  return %o : !q
}

// -7 <= n - m, and n - m <= r unless r < 0
// CHECK-LABEL: func @window
// CHECK:         mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]], %[[R:.+]]) {
// CHECK-NEXT:      %[[DIFF:.+]] = arith.subi %[[N]], %[[M]] : index
// CHECK-NEXT:      %[[LOW:.+]] = arith.constant -7 : index
// CHECK-NEXT:      %[[LEFT:.+]] = arith.cmpi sge, %[[DIFF]], %[[LOW]] : index
// CHECK-NEXT:      %[[ZERO:.+]] = arith.constant 0 : index
// CHECK-NEXT:      %[[OPEN:.+]] = arith.cmpi slt, %[[R]], %[[ZERO]] : index
// CHECK-NEXT:      %[[IN:.+]] = arith.cmpi sle, %[[DIFF]], %[[R]] : index
// CHECK-NEXT:      %[[RIGHT:.+]] = arith.ori %[[OPEN]], %[[IN]] : i1
// CHECK-NEXT:      arith.andi %[[LEFT]], %[[RIGHT]] : i1
func.func @window(%q: !q, %k: !q, %right: index) -> !q {
  %o = attn.sdpa %q, %k, %k window(7, %right) : !q, !q, !q -> !q
  return %o : !q
}

// n - m <= o, and n - (m + o) >= -l unless l < 0; the right size adds nothing
// CHECK-LABEL: func @window_behind_an_offset
// CHECK-SAME:  %[[O:[^,]+]]: index, %[[L:[^,]+]]: index
// CHECK:         captures(%[[O]][] : index, %[[L]][] : index)
// CHECK-SAME:    mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]], %[[OFF:.+]], %[[LEFT:.+]]) {
// CHECK-NEXT:      %[[DIFF:.+]] = arith.subi %[[N]], %[[M]] : index
// CHECK-NEXT:      %[[BELOW:.+]] = arith.cmpi sle, %[[DIFF]], %[[OFF]] : index
// CHECK-NEXT:      %[[ZERO:.+]] = arith.constant 0 : index
// CHECK-NEXT:      %[[OPEN:.+]] = arith.cmpi slt, %[[LEFT]], %[[ZERO]] : index
// CHECK-NEXT:      %[[LOW:.+]] = arith.subi %[[ZERO]], %[[LEFT]] : index
// CHECK-NEXT:      %[[DIST:.+]] = arith.subi %[[DIFF]], %[[OFF]] : index
// CHECK-NEXT:      %[[IN:.+]] = arith.cmpi sge, %[[DIST]], %[[LOW]] : index
// CHECK-NEXT:      %[[KEEP:.+]] = arith.ori %[[OPEN]], %[[IN]] : i1
// CHECK-NEXT:      arith.andi %[[BELOW]], %[[KEEP]] : i1
func.func @window_behind_an_offset(%q: !q, %k: !q, %offset: index, %left: index, %right: index) -> !q {
  %o = attn.sdpa %q, %k, %k causal(%offset) window(%left, %right) : !q, !q, !q -> !q
  return %o : !q
}

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

// CHECK-LABEL: func @keep
// CHECK:         captures(%{{.*}}[b, 0, 0, n] : tensor<2x1x1x?xi1>)
// CHECK-SAME:    mask(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[KEEP:.+]]) {
// CHECK-NEXT:      attn.yield %[[KEEP]] : i1
func.func @keep(%q: !q, %k: !q, %keep: tensor<2x1x1x?xi1>) -> !q {
  %o = attn.sdpa %q, %k, %k keep(%keep : tensor<2x1x1x?xi1>) : !q, !q, !q -> !q
  return %o : !q
}

// Softcap, score region, alibi, additive; then keep, mask region, causal,
// window, kv_lens. The user's captures stay in front, equal ones are shared.
// CHECK-LABEL: func @in_order
// CHECK-SAME:  %[[C:[^,]+]]: f32, %[[SLOPE:[^,]+]]: tensor<8xf32>, %[[T:[^,]+]]: tensor<2x1x?x?xf32>, %[[KEEP:[^,]+]]: tensor<?x?xi1>, %[[LENS:[^,]+]]: tensor<2xindex>, %[[SINK:[^,]+]]: tensor<8xf32>, %[[X:[^,]+]]: tensor<8xf32>
// CHECK:         attn.sdpa {{.*}} scale(%[[C]]) sinks(%[[SINK]] : tensor<8xf32>)
// CHECK-SAME:      captures(%[[X]][h] : {{[^,]*}}, %[[SLOPE]][h] : {{[^,]*}}, %[[C]][] : f32, %[[T]][b, 0, m, n] : {{[^,]*}}, %[[KEEP]][m, n] : {{[^,]*}}, %[[LENS]][b] : {{[^,)]*}}) layout(bshd, bshd, bshd, bshd) returns(lse)
// CHECK-SAME:    score(%[[S:.+]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[SX:.+]], %[[SSLOPE:.+]], %[[SC:.+]], %[[ST:.+]], %{{.*}}, %{{.*}}) {
// CHECK:           %[[CAPPED:.+]] = arith.select
// CHECK-NEXT:      %[[USER:.+]] = arith.mulf %[[CAPPED]], %[[SX]] : f32
// CHECK:           %[[BIAS:.+]] = arith.mulf %[[SSLOPE]], %{{.*}} : f32
// CHECK-NEXT:      %[[A:.+]] = arith.subf %[[USER]], %[[BIAS]] : f32
// CHECK-NEXT:      %[[R:.+]] = arith.addf %[[A]], %[[ST]] : f32
// CHECK-NEXT:      attn.yield %[[R]] : f32
// CHECK-NEXT:    } mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[K:.+]], %[[L:.+]]) {
// CHECK-NEXT:      %[[NE:.+]] = arith.cmpi ne, %[[M]], %[[N]] : index
// CHECK-NEXT:      %[[K1:.+]] = arith.andi %[[K]], %[[NE]] : i1
// CHECK-NEXT:      %[[LE:.+]] = arith.cmpi sle, %[[N]], %[[M]] : index
// CHECK-NEXT:      %[[K2:.+]] = arith.andi %[[K1]], %[[LE]] : i1
// CHECK:           %[[GE:.+]] = arith.cmpi sge
// CHECK-NEXT:      %[[K3:.+]] = arith.andi %[[K2]], %[[GE]] : i1
// CHECK-NEXT:      %[[LT:.+]] = arith.cmpi slt, %[[N]], %[[L]] : index
// CHECK-NEXT:      %[[K4:.+]] = arith.andi %[[K3]], %[[LT]] : i1
// CHECK-NEXT:      attn.yield %[[K4]] : i1
func.func @in_order(%q: tensor<2x?x8x64xf32>, %k: tensor<2x?x8x64xf32>, %c: f32, %slope: tensor<8xf32>, %t: tensor<2x1x?x?xf32>,
                    %keep: tensor<?x?xi1>, %lens: tensor<2xindex>, %sink: tensor<8xf32>, %x: tensor<8xf32>) -> (tensor<2x?x8x64xf32>, tensor<2x8x?xf32>) {
  %o, %lse = attn.sdpa %q, %k, %k scale(%c) softcap(%c) causal(top_left) window(9, 3) alibi(%slope : tensor<8xf32>)
      additive(%t : tensor<2x1x?x?xf32>) keep(%keep : tensor<?x?xi1>) kv_lens(%lens : tensor<2xindex>) sinks(%sink : tensor<8xf32>)
      captures(%x[h] : tensor<8xf32>, %slope[h] : tensor<8xf32>) layout(bshd, bshd, bshd, bshd) returns(lse)
    : tensor<2x?x8x64xf32>, tensor<2x?x8x64xf32>, tensor<2x?x8x64xf32> -> tensor<2x?x8x64xf32>, tensor<2x8x?xf32>
    score(%s, %b, %h, %m, %n, %cx, %cs) {
      %r = arith.mulf %s, %cx : f32
      attn.yield %r : f32
    } mask(%b, %h, %m, %n, %cx, %cs) {
      %r = arith.cmpi ne, %m, %n : index
      attn.yield %r : i1
    }
  return %o, %lse : tensor<2x?x8x64xf32>, tensor<2x8x?xf32>
}

// No bound and no cap: no region. 1 / sqrt(D) with D known at run time.
// CHECK-LABEL: func @nothing_to_do
// CHECK:         %[[D:.+]] = tensor.dim
// CHECK:         %[[I:.+]] = arith.index_cast %[[D]] : index to i64
// CHECK:         %[[F:.+]] = arith.sitofp %[[I]] : i64 to f64
// CHECK:         %[[ROOT:.+]] = math.sqrt %[[F]] : f64
// CHECK:         %[[SCALE:.+]] = arith.divf %{{.*}}, %[[ROOT]] : f64
// CHECK:         attn.sdpa %{{[^)]*}} scale(%[[SCALE]]) : {{.*}} -> tensor<1x1x4x?xf64>{{$}}
func.func @nothing_to_do(%q: tensor<1x1x4x?xf64>) -> tensor<1x1x4x?xf64> {
  %c = arith.constant 0.0 : f64
  %o = attn.sdpa %q, %q, %q softcap(%c) window(-1, -1) : tensor<1x1x4x?xf64>, tensor<1x1x4x?xf64>, tensor<1x1x4x?xf64> -> tensor<1x1x4x?xf64>
  return %o : tensor<1x1x4x?xf64>
}

// Only regions: nothing to expand.
// CHECK-LABEL: func @regions_stay
// CHECK-SAME:  %[[S:[^,]+]]: f32
// CHECK-NOT:     arith.constant
// CHECK:         attn.sdpa {{.*}} scale(%[[S]]) :
// CHECK-SAME:    mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]]) {
// CHECK-NEXT:      arith.cmpi ne, %[[M]], %[[N]] : index
func.func @regions_stay(%q: !q, %s: f32) -> !q {
  %o = attn.sdpa %q, %q, %q scale(%s) : !q, !q, !q -> !q mask(%b, %h, %m, %n) {
    %r = arith.cmpi ne, %m, %n : index
    attn.yield %r : i1
  }
  return %o : !q
}
