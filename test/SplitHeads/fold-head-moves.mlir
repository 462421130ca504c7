// RUN: attn-opt %s --attn-split-heads --canonicalize --remarks-filter="attn-split-heads" -mlir-print-local-scope 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// This pass cannot fail.

// The moves that a person writes around attention become layout maps, through
// norm and rope as well.
// CHECK-LABEL: func.func @split_norm_rope_merge(
// CHECK-NOT:     linalg.transpose
// CHECK:         %[[X:.+]] = tensor.expand_shape %{{.+}} {{\[\[0\], \[1\], \[2, 3\]\]}} {{.*}} into tensor<2x?x12x64xf32>
// CHECK:         %[[N:.+]] = attn.qk_norm %[[X]], %{{.+}} : tensor<2x?x12x64xf32>
// CHECK:         %[[Q:.+]] = attn.rope %[[N]], %{{.+}} layout(bshd) : tensor<2x?x12x64xf32>
// CHECK:         %[[K:.+]] = tensor.expand_shape {{.*}} into tensor<2x?x4x64xf32>
// CHECK:         %[[O:.+]] = attn.sdpa %[[Q]], %[[K]], %[[K]] layout(bshd, bshd, bshd, bshd)
// CHECK-SAME:      -> tensor<2x?x12x64xf32>
// CHECK:         %[[Y:.+]] = tensor.collapse_shape %[[O]] {{\[\[0\], \[1\], \[2, 3\]\]}}
// CHECK:         return %[[Y]]
func.func @split_norm_rope_merge(%x: tensor<2x?x768xf32>, %c: tensor<2x?x256xf32>, %cos: tensor<?x32xf32>, %g: tensor<64xf32>)
    -> tensor<2x?x768xf32> {
  %q = attn.split_heads %x heads(12) : tensor<2x?x768xf32> -> tensor<2x12x?x64xf32>
  %n = attn.qk_norm %q, %g eps(1.0e-6) : tensor<2x12x?x64xf32>, tensor<64xf32>
  %r = attn.rope %n, %cos, %cos layout(bhsd) : tensor<2x12x?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
  %k = attn.split_heads %c heads(4) : tensor<2x?x256xf32> -> tensor<2x4x?x64xf32>
  %o = attn.sdpa %r, %k, %k : tensor<2x12x?x64xf32>, tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32> -> tensor<2x12x?x64xf32>
  %y = attn.merge_heads %o : tensor<2x12x?x64xf32> -> tensor<2x?x768xf32>
  return %y : tensor<2x?x768xf32>
}

// The result has a size that the operand does not say: the cast is seen through.
// CHECK-LABEL: func.func @split_dynamic_columns(
// CHECK-NOT:     linalg.transpose
// CHECK:         affine.apply affine_map<()[s0] -> (s0 floordiv 4)>
// CHECK-NOT:     linalg.transpose
// CHECK:         attn.sdpa %{{.+}}, %{{.+}}, %{{.+}} layout(bshd, bshd, bshd, bhsd)
func.func @split_dynamic_columns(%x: tensor<?x?x?xf32>) -> tensor<?x4x?x8xf32> {
  %q = attn.split_heads %x heads(4) : tensor<?x?x?xf32> -> tensor<?x4x?x8xf32>
  %o = attn.sdpa %q, %q, %q : tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32> -> tensor<?x4x?x8xf32>
  return %o : tensor<?x4x?x8xf32>
}

// K as [D, N, B, H] in memory, by a transpose that is no involution:
// dimension i of K is dimension p[i] of the tensor, p = [2, 3, 1, 0].
// CHECK-LABEL: func.func @any_permutation(
// CHECK-SAME:    %[[Q:.+]]: tensor<2x4x5x8xf32>, %[[T:.+]]: tensor<8x6x2x4xf32>, %[[V:.+]]: tensor<2x4x6x8xf32>
// CHECK-NOT:     linalg.transpose
// CHECK:         %[[O:.+]] = attn.sdpa %[[Q]], %[[T]], %[[V]] layout(bhsd, dsbh, bhsd, hsdb)
// CHECK-SAME:      -> tensor<4x5x8x2xf32>
// CHECK:         return %[[O]]
func.func @any_permutation(%q: tensor<2x4x5x8xf32>, %t: tensor<8x6x2x4xf32>, %v: tensor<2x4x6x8xf32>) -> tensor<4x5x8x2xf32> {
  %e = tensor.empty() : tensor<2x4x6x8xf32>
  %k = linalg.transpose ins(%t : tensor<8x6x2x4xf32>) outs(%e : tensor<2x4x6x8xf32>) permutation = [2, 3, 1, 0]
  %o = attn.sdpa %q, %k, %v : tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32> -> tensor<2x4x5x8xf32>
  %f = tensor.empty() : tensor<4x5x8x2xf32>
  %y = linalg.transpose ins(%o : tensor<2x4x5x8xf32>) outs(%f : tensor<4x5x8x2xf32>) permutation = [1, 2, 3, 0]
  return %y : tensor<4x5x8x2xf32>
}

// Without attention beside them the moves are reshapes and copies.
// CHECK-LABEL: func.func @split_alone(
// CHECK:         %[[E:.+]] = tensor.expand_shape %{{.+}} {{\[\[0\], \[1\], \[2, 3\]\]}}
// CHECK:         %[[T:.+]] = linalg.transpose ins(%[[E]] : tensor<2x?x4x8xf32>) {{.*}} permutation = [0, 2, 1, 3]
// CHECK:         return %[[T]] : tensor<2x4x?x8xf32>
func.func @split_alone(%x: tensor<2x?x32xf32>) -> tensor<2x4x?x8xf32> {
  %h = attn.split_heads %x heads(4) : tensor<2x?x32xf32> -> tensor<2x4x?x8xf32>
  return %h : tensor<2x4x?x8xf32>
}

// CHECK-LABEL: func.func @merge_alone(
// CHECK:         %[[T:.+]] = linalg.transpose ins(%{{.+}} : tensor<2x4x?x8xf32>) {{.*}} permutation = [0, 2, 1, 3]
// CHECK:         %[[Y:.+]] = tensor.collapse_shape %[[T]] {{\[\[0\], \[1\], \[2, 3\]\]}}
// CHECK:         return %[[Y]] : tensor<2x?x32xf32>
func.func @merge_alone(%h: tensor<2x4x?x8xf32>) -> tensor<2x?x32xf32> {
  %x = attn.merge_heads %h : tensor<2x4x?x8xf32> -> tensor<2x?x32xf32>
  return %x : tensor<2x?x32xf32>
}

// Somebody else reads the output as [B, H, M, D]: one of the two needs a copy.
// CHECK-LABEL: func.func @output_read_twice(
// CHECK:         %[[O:.+]] = attn.sdpa
// CHECK:         linalg.transpose ins(%[[O]] :
// REMARK:      remark: [Missed] HeadMove
// REMARK-SAME: the output of attn.sdpa has other uses than this transpose
func.func @output_read_twice(%q: tensor<2x4x5x8xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x5x32xf32>) {
  %o = attn.sdpa %q, %q, %q : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  %y = attn.merge_heads %o : tensor<2x4x5x8xf32> -> tensor<2x5x32xf32>
  return %o, %y : tensor<2x4x5x8xf32>, tensor<2x5x32xf32>
}

// The turned heads are also returned: the transpose stays before the rope,
// while the values still fold.
// CHECK-LABEL: func.func @heads_read_elsewhere(
// CHECK:         %[[T:.+]] = linalg.transpose
// CHECK:         %[[R:.+]] = attn.rope %[[T]], %{{.+}} layout(bhsd)
// CHECK:         attn.sdpa %[[R]], %[[R]], %{{.+}} layout(bhsd, bhsd, bshd, bhsd)
// REMARK:      remark: [Missed] HeadMove
// REMARK-SAME: the transposed heads have other uses than attention
func.func @heads_read_elsewhere(%x: tensor<2x5x32xf32>, %cos: tensor<5x4xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>) {
  %h = attn.split_heads %x heads(4) : tensor<2x5x32xf32> -> tensor<2x4x5x8xf32>
  %r = attn.rope %h, %cos, %cos layout(bhsd) : tensor<2x4x5x8xf32>, tensor<5x4xf32>, tensor<5x4xf32>
  %o = attn.sdpa %r, %r, %h : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  return %r, %o : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>
}
