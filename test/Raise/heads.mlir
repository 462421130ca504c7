// Batch and heads in one dimension of the products and apart between them: read apart, so that K and V are not repeated.
// RUN: attn-opt %s --attn-raise=require-raised=2 | FileCheck %s

#all = affine_map<(b, h, m, n) -> (b, h, m, n)>
#keys = affine_map<(b, h, m, n) -> (b, 0, 0, n)>
#group = affine_map<(b, g, r, s, d) -> (b, g, s, d)>
#heads = affine_map<(b, g, r, s, d) -> (b, g, r, s, d)>

// Four query heads share two of keys and values, repeated in the graph; a mask of keys per batch.
// CHECK-LABEL: func.func @grouped(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<3x4x5x8xf32>, %[[K:[^:]*]]: tensor<3x2x7x8xf32>, %[[V:[^:]*]]: tensor<3x2x7x6xf32>, %[[MASK:[^:]*]]: tensor<3x1x1x7xf32>)
// CHECK:         %[[O:.*]], %{{.*}} = attn.sdpa %[[Q]], %[[K]], %[[V]]
// CHECK-SAME:      captures(%[[MASK]][b, 0, 0, n] : tensor<3x1x1x7xf32>)
// CHECK:         tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2], [3]] : tensor<3x4x5x6xf32> into tensor<12x5x6xf32>
func.func @grouped(%q: tensor<3x4x5x8xf32>, %k: tensor<3x2x7x8xf32>, %v: tensor<3x2x7x6xf32>, %mask: tensor<3x1x1x7xf32>) -> tensor<12x5x6xf32> {
  %zero = arith.constant 0.0 : f32
  %ke = tensor.empty() : tensor<3x2x2x7x8xf32>
  %kr = linalg.generic {indexing_maps = [#group, #heads], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
    ins(%k : tensor<3x2x7x8xf32>) outs(%ke : tensor<3x2x2x7x8xf32>) {
    ^bb0(%a: f32, %b: f32):
      linalg.yield %a : f32
  } -> tensor<3x2x2x7x8xf32>
  %ve = tensor.empty() : tensor<3x2x2x7x6xf32>
  %vr = linalg.broadcast ins(%v : tensor<3x2x7x6xf32>) outs(%ve : tensor<3x2x2x7x6xf32>) dimensions = [2]
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<3x4x5x8xf32> into tensor<12x5x8xf32>
  %k3 = tensor.collapse_shape %kr [[0, 1, 2], [3], [4]] : tensor<3x2x2x7x8xf32> into tensor<12x7x8xf32>
  %v3 = tensor.collapse_shape %vr [[0, 1, 2], [3], [4]] : tensor<3x2x2x7x6xf32> into tensor<12x7x6xf32>
  %te = tensor.empty() : tensor<12x8x7xf32>
  %kt = linalg.transpose ins(%k3 : tensor<12x7x8xf32>) outs(%te : tensor<12x8x7xf32>) permutation = [0, 2, 1]
  %se = tensor.empty() : tensor<12x5x7xf32>
  %si = linalg.fill ins(%zero : f32) outs(%se : tensor<12x5x7xf32>) -> tensor<12x5x7xf32>
  %s = linalg.batch_matmul ins(%q3, %kt : tensor<12x5x8xf32>, tensor<12x8x7xf32>) outs(%si : tensor<12x5x7xf32>) -> tensor<12x5x7xf32>
  %s4 = tensor.expand_shape %s [[0, 1], [2], [3]] output_shape [3, 4, 5, 7] : tensor<12x5x7xf32> into tensor<3x4x5x7xf32>
  %e4 = tensor.empty() : tensor<3x4x5x7xf32>
  %masked = linalg.generic {indexing_maps = [#all, #keys, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%s4, %mask : tensor<3x4x5x7xf32>, tensor<3x1x1x7xf32>) outs(%e4 : tensor<3x4x5x7xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %y = arith.addf %a, %b : f32
      linalg.yield %y : f32
  } -> tensor<3x4x5x7xf32>
  %p4 = linalg.softmax dimension(3) ins(%masked : tensor<3x4x5x7xf32>) outs(%e4 : tensor<3x4x5x7xf32>) -> tensor<3x4x5x7xf32>
  %p3 = tensor.collapse_shape %p4 [[0, 1], [2], [3]] : tensor<3x4x5x7xf32> into tensor<12x5x7xf32>
  %oe = tensor.empty() : tensor<12x5x6xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<12x5x6xf32>) -> tensor<12x5x6xf32>
  %o = linalg.batch_matmul ins(%p3, %v3 : tensor<12x5x7xf32>, tensor<12x7x6xf32>) outs(%oi : tensor<12x5x6xf32>) -> tensor<12x5x6xf32>
  return %o : tensor<12x5x6xf32>
}

// Q, K and V come with batch and heads in one: nothing to read apart.
// CHECK-LABEL: func.func @joined(
// CHECK:         attn.sdpa {{.*}} layout(bhsd, bhds, bhsd, bhsd) : tensor<1x12x5x8xf32>, tensor<1x12x8x7xf32>, tensor<1x12x7x6xf32> -> tensor<1x12x5x6xf32>
func.func @joined(%q: tensor<12x5x8xf32>, %k: tensor<12x8x7xf32>, %v: tensor<12x7x6xf32>) -> tensor<12x5x6xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<12x5x7xf32>
  %si = linalg.fill ins(%zero : f32) outs(%se : tensor<12x5x7xf32>) -> tensor<12x5x7xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<12x5x8xf32>, tensor<12x8x7xf32>) outs(%si : tensor<12x5x7xf32>) -> tensor<12x5x7xf32>
  %s4 = tensor.expand_shape %s [[0, 1], [2], [3]] output_shape [3, 4, 5, 7] : tensor<12x5x7xf32> into tensor<3x4x5x7xf32>
  %e4 = tensor.empty() : tensor<3x4x5x7xf32>
  %p4 = linalg.softmax dimension(3) ins(%s4 : tensor<3x4x5x7xf32>) outs(%e4 : tensor<3x4x5x7xf32>) -> tensor<3x4x5x7xf32>
  %p3 = tensor.collapse_shape %p4 [[0, 1], [2], [3]] : tensor<3x4x5x7xf32> into tensor<12x5x7xf32>
  %oe = tensor.empty() : tensor<12x5x6xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<12x5x6xf32>) -> tensor<12x5x6xf32>
  %o = linalg.batch_matmul ins(%p3, %v : tensor<12x5x7xf32>, tensor<12x7x6xf32>) outs(%oi : tensor<12x5x6xf32>) -> tensor<12x5x6xf32>
  return %o : tensor<12x5x6xf32>
}
