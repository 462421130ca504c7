// Transposes and reshapes that follow each other become one or none.

// RUN: attn-opt %s --attn-optimize-fold-moves --remarks-filter=attn-optimize 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: attn-opt %s --attn-optimize=without=fold-moves | FileCheck %s --check-prefix=OFF

// There and back, and reshapes that undo each other.
// CHECK-LABEL: func.func @nothing(
// CHECK-SAME:    %[[X:.+]]: tensor<2x3x4x5xf32>
// CHECK-NEXT:    %[[Y:.+]] = tensor.collapse_shape %[[X]]
// CHECK-NEXT:    return %[[Y]]
// REMARK: [Passed] FoldMoves | Category:attn-optimize | Remark="2 of 2 transposes and 2 of 3 reshapes are gone: 1920 bytes moved and 0 FLOP less"
// OFF-LABEL: func.func @nothing(
// OFF-COUNT-2: linalg.transpose
func.func @nothing(%x: tensor<2x3x4x5xf32>) -> tensor<2x3x20xf32> {
  %e = tensor.empty() : tensor<2x4x3x5xf32>
  %t = linalg.transpose ins(%x : tensor<2x3x4x5xf32>) outs(%e : tensor<2x4x3x5xf32>) permutation = [0, 2, 1, 3]
  %f = tensor.empty() : tensor<2x3x4x5xf32>
  %u = linalg.transpose ins(%t : tensor<2x4x3x5xf32>) outs(%f : tensor<2x3x4x5xf32>) permutation = [0, 2, 1, 3]
  %c = tensor.collapse_shape %u [[0], [1], [2, 3]] : tensor<2x3x4x5xf32> into tensor<2x3x20xf32>
  %r = tensor.expand_shape %c [[0], [1], [2, 3]] output_shape [2, 3, 4, 5] : tensor<2x3x20xf32> into tensor<2x3x4x5xf32>
  %d = tensor.collapse_shape %r [[0], [1], [2, 3]] : tensor<2x3x4x5xf32> into tensor<2x3x20xf32>
  return %d : tensor<2x3x20xf32>
}

// A generic that only transposes joins the transpose before it: x[d, a, c, b].
// CHECK-LABEL: func.func @generic(
// CHECK-SAME:    %[[X:.+]]: tensor<?x3x4x5xf32>
// CHECK:         %[[Y:.+]] = linalg.transpose ins(%[[X]] : {{.*}} permutation = [3, 0, 2, 1]
// CHECK-NEXT:    return %[[Y]]
// REMARK: [Passed] {{.*}}1 of 2 transposes and 0 of 0 reshapes are gone: 480 bytes moved for each index of dynamic sizes and 0 FLOP less
func.func @generic(%x: tensor<?x3x4x5xf32>, %n: index) -> tensor<5x?x4x3xf32> {
  %e = tensor.empty(%n) : tensor<?x4x3x5xf32>
  %t = linalg.transpose ins(%x : tensor<?x3x4x5xf32>) outs(%e : tensor<?x4x3x5xf32>) permutation = [0, 2, 1, 3]
  %f = tensor.empty(%n) : tensor<5x?x4x3xf32>
  %u = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (d, a, b, c)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%t : tensor<?x4x3x5xf32>) outs(%f : tensor<5x?x4x3xf32>) {
  ^bb0(%i: f32, %o: f32):
    linalg.yield %i : f32
  } -> tensor<5x?x4x3xf32>
  return %u : tensor<5x?x4x3xf32>
}

// Alone, or one that computes: untouched.
// CHECK-LABEL: func.func @computes(
// CHECK:         linalg.generic
// REMARK-NOT: reshapes
func.func @computes(%x: tensor<3x4xf32>) -> tensor<4x3xf32> {
  %f = tensor.empty() : tensor<4x3xf32>
  %u = linalg.generic {indexing_maps = [affine_map<(a, b) -> (b, a)>, affine_map<(a, b) -> (a, b)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<3x4xf32>) outs(%f : tensor<4x3xf32>) {
  ^bb0(%i: f32, %o: f32):
    %n = arith.negf %i : f32
    linalg.yield %n : f32
  } -> tensor<4x3xf32>
  return %u : tensor<4x3xf32>
}
