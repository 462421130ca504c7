// RUN: attn-opt %s --attn-fuse-variants | FileCheck %s

!q = tensor<2x8x?x64xf32>

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

// CHECK-LABEL: func @keep
// CHECK:         captures(%{{.*}}[b, 0, 0, n] : tensor<2x1x1x?xi1>)
// CHECK-SAME:    mask(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[KEEP:.+]]) {
// CHECK-NEXT:      attn.yield %[[KEEP]] : i1
func.func @keep(%q: !q, %k: !q, %keep: tensor<2x1x1x?xi1>) -> !q {
  %o = attn.sdpa %q, %k, %k keep(%keep : tensor<2x1x1x?xi1>) : !q, !q, !q -> !q
  return %o : !q
}
