// Heads that were repeated for attention are read once.

// RUN: attn-opt %s --attn-optimize-drop-repeats --canonicalize --remarks-filter=attn-optimize 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: attn-opt %s --attn-optimize=without=drop-repeats | FileCheck %s --check-prefix=OFF

#bhnd = affine_map<(b, h, n, d) -> (b, h, n, d)>
#group = affine_map<(b, h, n, d) -> (b, h floordiv 3, n, d)>
#mqa = affine_map<(b, h, n, d) -> (b, n, d)>
#bnhd = affine_map<(b, h, n, d) -> (b, n, h, d)>

// Broadcast to [B, Hkv, G, N, D], then flat.
// CHECK-LABEL: func.func @broadcast(
// CHECK-SAME:    %[[Q:.+]]: tensor<1x8x?x4xf32>, %[[K:.+]]: tensor<1x2x?x4xf32>, %[[V:.+]]: tensor<1x2x?x5xf32>
// CHECK-NEXT:    attn.sdpa %[[Q]], %[[K]], %[[V]] : tensor<1x8x?x4xf32>, tensor<1x2x?x4xf32>, tensor<1x2x?x5xf32>
// REMARK: [Passed] DropRepeats | Category:attn-optimize | Remark="each head of K and V was there 4 times: {{[0-9]+}} bytes moved for each index of dynamic sizes and 0 FLOP less"
// OFF-LABEL: func.func @broadcast(
// OFF-COUNT-2: linalg.broadcast
func.func @broadcast(%q: tensor<1x8x?x4xf32>, %k: tensor<1x2x?x4xf32>, %v: tensor<1x2x?x5xf32>, %n: index) -> tensor<1x8x?x5xf32> {
  %e = tensor.empty(%n) : tensor<1x2x4x?x4xf32>
  %kb = linalg.broadcast ins(%k : tensor<1x2x?x4xf32>) outs(%e : tensor<1x2x4x?x4xf32>) dimensions = [2]
  %kr = tensor.collapse_shape %kb [[0], [1, 2], [3], [4]] : tensor<1x2x4x?x4xf32> into tensor<1x8x?x4xf32>
  %f = tensor.empty(%n) : tensor<1x2x4x?x5xf32>
  %vb = linalg.broadcast ins(%v : tensor<1x2x?x5xf32>) outs(%f : tensor<1x2x4x?x5xf32>) dimensions = [2]
  %vr = tensor.collapse_shape %vb [[0], [1, 2], [3], [4]] : tensor<1x2x4x?x5xf32> into tensor<1x8x?x5xf32>
  %o = attn.sdpa %q, %kr, %vr : tensor<1x8x?x4xf32>, tensor<1x8x?x4xf32>, tensor<1x8x?x5xf32> -> tensor<1x8x?x5xf32>
  return %o : tensor<1x8x?x5xf32>
}

// By an indexing map, out of [B, N, Hkv, D] by a transpose.
// CHECK-LABEL: func.func @maps(
// CHECK-SAME:    %[[Q:.+]]: tensor<2x6x?x4xf16>, %[[K:.+]]: tensor<2x?x2x4xf16>
// CHECK-NEXT:    attn.sdpa %[[Q]], %[[K]], %[[K]] layout(bhsd, bshd, bshd, bhsd)
// REMARK: [Passed] {{.*}}3 times
func.func @maps(%q: tensor<2x6x?x4xf16>, %k: tensor<2x?x2x4xf16>, %n: index) -> tensor<2x6x?x4xf16> {
  %e = tensor.empty(%n) : tensor<2x2x?x4xf16>
  %t = linalg.transpose ins(%k : tensor<2x?x2x4xf16>) outs(%e : tensor<2x2x?x4xf16>) permutation = [0, 2, 1, 3]
  %f = tensor.empty(%n) : tensor<2x6x?x4xf16>
  %r = linalg.generic {indexing_maps = [#group, #bhnd], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%t : tensor<2x2x?x4xf16>) outs(%f : tensor<2x6x?x4xf16>) {
  ^bb0(%i: f16, %o: f16):
    linalg.yield %i : f16
  } -> tensor<2x6x?x4xf16>
  %o = attn.sdpa %q, %r, %r : tensor<2x6x?x4xf16>, tensor<2x6x?x4xf16>, tensor<2x6x?x4xf16> -> tensor<2x6x?x4xf16>
  return %o : tensor<2x6x?x4xf16>
}

// One head for all, which has no dimension; the other by tiles of one head.
// CHECK-LABEL: func.func @one_head(
// CHECK-SAME:    %[[Q:.+]]: tensor<2x3x7x4xf32>, %[[K:.+]]: tensor<2x9x4xf32>, %[[V:.+]]: tensor<2x1x9x4xf32>
// CHECK:         %[[H:.+]] = tensor.expand_shape %[[K]] {{\[\[}}0, 1], [2], [3]] output_shape [2, 1, 9, 4]
// CHECK:         attn.sdpa %[[Q]], %[[H]], %[[V]] : tensor<2x3x7x4xf32>, tensor<2x1x9x4xf32>, tensor<2x1x9x4xf32>
// REMARK: [Passed] {{.*}}3 times: 2304 bytes moved and 0 FLOP less
func.func @one_head(%q: tensor<2x3x7x4xf32>, %k: tensor<2x9x4xf32>, %v: tensor<2x1x9x4xf32>) -> tensor<2x3x7x4xf32> {
  %e = tensor.empty() : tensor<2x3x9x4xf32>
  %r = linalg.generic {indexing_maps = [#mqa, #bhnd], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%k : tensor<2x9x4xf32>) outs(%e : tensor<2x3x9x4xf32>) {
  ^bb0(%i: f32, %o: f32):
    linalg.yield %i : f32
  } -> tensor<2x3x9x4xf32>
  %t = tensor.concat dim(1) %v, %v, %v : (tensor<2x1x9x4xf32>, tensor<2x1x9x4xf32>, tensor<2x1x9x4xf32>) -> tensor<2x3x9x4xf32>
  %o = attn.sdpa %q, %r, %t : tensor<2x3x7x4xf32>, tensor<2x3x9x4xf32>, tensor<2x3x9x4xf32> -> tensor<2x3x7x4xf32>
  return %o : tensor<2x3x7x4xf32>
}

// Batch and heads were one dimension for a while: (b * 6 + h) floordiv 3.
// CHECK-LABEL: func.func @flat(
// CHECK-SAME:    %[[Q:.+]]: tensor<2x6x7x4xf32>, %[[K:.+]]: tensor<2x2x9x4xf32>
// CHECK-NEXT:    attn.sdpa %[[Q]], %[[K]], %[[K]] :
// REMARK: [Passed] {{.*}}3 times
func.func @flat(%q: tensor<2x6x7x4xf32>, %k: tensor<2x2x9x4xf32>) -> tensor<2x6x7x4xf32> {
  %e = tensor.empty() : tensor<2x2x3x9x4xf32>
  %b = linalg.broadcast ins(%k : tensor<2x2x9x4xf32>) outs(%e : tensor<2x2x3x9x4xf32>) dimensions = [2]
  %c = tensor.collapse_shape %b [[0, 1, 2], [3], [4]] : tensor<2x2x3x9x4xf32> into tensor<12x9x4xf32>
  %r = tensor.expand_shape %c [[0, 1], [2], [3]] output_shape [2, 6, 9, 4] : tensor<12x9x4xf32> into tensor<2x6x9x4xf32>
  %o = attn.sdpa %q, %r, %r : tensor<2x6x7x4xf32>, tensor<2x6x9x4xf32>, tensor<2x6x9x4xf32> -> tensor<2x6x7x4xf32>
  return %o : tensor<2x6x7x4xf32>
}

// Head h is head h mod 2.
// CHECK-LABEL: func.func @tiles(
// CHECK:         tensor.concat
// REMARK: [Missed] {{.*}}repeated heads of K and V stay: they are tiles, for which query heads would have to move
func.func @tiles(%q: tensor<2x6x7x4xf32>, %k: tensor<2x2x9x4xf32>) -> tensor<2x6x7x4xf32> {
  %t = tensor.concat dim(1) %k, %k, %k : (tensor<2x2x9x4xf32>, tensor<2x2x9x4xf32>, tensor<2x2x9x4xf32>) -> tensor<2x6x9x4xf32>
  %o = attn.sdpa %q, %t, %t : tensor<2x6x7x4xf32>, tensor<2x6x9x4xf32>, tensor<2x6x9x4xf32> -> tensor<2x6x7x4xf32>
  return %o : tensor<2x6x7x4xf32>
}

// K alone; and tiles of two heads, whose order is another.
// CHECK-LABEL: func.func @keys_alone(
// CHECK:         linalg.generic
// CHECK:         tensor.concat
// REMARK: [Missed] {{.*}}repeated heads of K stay: those of V do not repeat alike
// REMARK-NOT: Passed
func.func @keys_alone(%q: tensor<2x6x7x4xf32>, %k: tensor<2x2x9x4xf32>, %v: tensor<2x2x9x4xf32>) -> tensor<2x6x7x4xf32> {
  %e = tensor.empty() : tensor<2x6x9x4xf32>
  %r = linalg.generic {indexing_maps = [#group, #bhnd], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%k : tensor<2x2x9x4xf32>) outs(%e : tensor<2x6x9x4xf32>) {
  ^bb0(%i: f32, %o: f32):
    linalg.yield %i : f32
  } -> tensor<2x6x9x4xf32>
  %t = tensor.concat dim(1) %v, %v, %v : (tensor<2x2x9x4xf32>, tensor<2x2x9x4xf32>, tensor<2x2x9x4xf32>) -> tensor<2x6x9x4xf32>
  %o = attn.sdpa %q, %r, %t : tensor<2x6x7x4xf32>, tensor<2x6x9x4xf32>, tensor<2x6x9x4xf32> -> tensor<2x6x7x4xf32>
  return %o : tensor<2x6x7x4xf32>
}
