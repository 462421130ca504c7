// RUN: attn-opt %s --attn-linalg --canonicalize --cse --split-input-file -mlir-print-local-scope | FileCheck %s
// This lowering cannot fail.

// y[b,h,s,d] = x[b, s, 64 h + d].
// CHECK-LABEL: func.func @split(
// CHECK-SAME: %[[X:.+]]: tensor<2x?x768xf32>
// CHECK: %[[APART:.+]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1], [2, 3]] output_shape [2, %{{.+}}, 12, 64]
// CHECK: %[[HEADS:.+]] = linalg.transpose ins(%[[APART]] : tensor<2x?x12x64xf32>) outs(%{{.+}} : tensor<2x12x?x64xf32>) permutation = [0, 2, 1, 3]
// CHECK: return %[[HEADS]]
func.func @split(%x: tensor<2x?x768xf32>) -> tensor<2x12x?x64xf32> {
  %h = attn.split_heads %x heads(12) : tensor<2x?x768xf32> -> tensor<2x12x?x64xf32>
  return %h : tensor<2x12x?x64xf32>
}

// -----

// y[b, s, 64 h + d] = x[b,h,s,d].
// CHECK-LABEL: func.func @merge(
// CHECK-SAME: %[[X:.+]]: tensor<2x12x?x64xf32>
// CHECK: %[[ROWS:.+]] = linalg.transpose ins(%[[X]] : tensor<2x12x?x64xf32>) outs(%{{.+}} : tensor<2x?x12x64xf32>) permutation = [0, 2, 1, 3]
// CHECK: %[[MERGED:.+]] = tensor.collapse_shape %[[ROWS]] {{\[\[}}0], [1], [2, 3]] : tensor<2x?x12x64xf32> into tensor<2x?x768xf32>
// CHECK: return %[[MERGED]]
func.func @merge(%x: tensor<2x12x?x64xf32>) -> tensor<2x?x768xf32> {
  %y = attn.merge_heads %x : tensor<2x12x?x64xf32> -> tensor<2x?x768xf32>
  return %y : tensor<2x?x768xf32>
}

// -----

// The width of a row is known at run time: D = E / 4.
// CHECK-LABEL: func.func @dynamic_width(
// CHECK-SAME: %[[X:.+]]: tensor<?x?x?xf32>
// CHECK: %[[E:.+]] = tensor.dim %[[X]], %c2
// CHECK: %[[D:.+]] = affine.apply affine_map<()[s0] -> (s0 floordiv 4)>()[%[[E]]]
// CHECK: tensor.expand_shape %[[X]] {{.+}} output_shape [%{{.+}}, %{{.+}}, 4, %[[D]]]
// CHECK: linalg.transpose
func.func @dynamic_width(%x: tensor<?x?x?xf32>) -> tensor<?x4x?x?xf32> {
  %h = attn.split_heads %x heads(4) : tensor<?x?x?xf32> -> tensor<?x4x?x?xf32>
  return %h : tensor<?x4x?x?xf32>
}

// -----

// Operand and result know different sizes.
// CHECK-LABEL: func.func @mixed_knowledge(
// CHECK: tensor.expand_shape {{.+}} into tensor<?x?x4x8xf32>
// CHECK: %[[SPLIT:.+]] = linalg.transpose {{.+}} outs(%{{.+}} : tensor<2x4x?x8xf32>)
// CHECK: tensor.collapse_shape {{.+}} into tensor<2x?x?xf32>
// CHECK: %[[MERGED:.+]] = tensor.cast {{.+}} to tensor<2x5x32xf32>
// CHECK: return %[[SPLIT]], %[[MERGED]]
func.func @mixed_knowledge(%x: tensor<?x?x32xf32>, %h: tensor<2x?x?x8xf32>) -> (tensor<2x4x?x8xf32>, tensor<2x5x32xf32>) {
  %a = attn.split_heads %x heads(4) : tensor<?x?x32xf32> -> tensor<2x4x?x8xf32>
  %b = attn.merge_heads %h : tensor<2x?x?x8xf32> -> tensor<2x5x32xf32>
  return %a, %b : tensor<2x4x?x8xf32>, tensor<2x5x32xf32>
}
