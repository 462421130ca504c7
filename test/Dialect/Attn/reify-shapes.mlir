// RUN: attn-opt %s --resolve-ranked-shaped-type-result-dims --canonicalize --cse -mlir-print-local-scope | FileCheck %s

// [B, M, H, Dv] in memory; lse [B, H, M]; weights [B, H, M, N].
// CHECK-LABEL: func.func @sdpa(
// CHECK-SAME:    %[[Q:.+]]: tensor<?x?x?x16xf32>, %[[K:.+]]: tensor<?x?x?x16xf32>, %[[V:.+]]: tensor<?x?x?x?xf32>
// CHECK-DAG:     %[[C0:.+]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.+]] = arith.constant 1 : index
// CHECK-DAG:     %[[C2:.+]] = arith.constant 2 : index
// CHECK-DAG:     %[[C3:.+]] = arith.constant 3 : index
// CHECK-DAG:     %[[B:.+]] = tensor.dim %[[Q]], %[[C0]]
// CHECK-DAG:     %[[H:.+]] = tensor.dim %[[Q]], %[[C1]]
// CHECK-DAG:     %[[M:.+]] = tensor.dim %[[Q]], %[[C2]]
// CHECK-DAG:     %[[N:.+]] = tensor.dim %[[K]], %[[C1]]
// CHECK-DAG:     %[[DV:.+]] = tensor.dim %[[V]], %[[C3]]
// CHECK-NOT:     attn.sdpa
// CHECK:         return %[[B]], %[[M]], %[[H]], %[[DV]], %[[M]], %[[N]]
func.func @sdpa(%q: tensor<?x?x?x16xf32>, %k: tensor<?x?x?x16xf32>, %v: tensor<?x?x?x?xf32>) -> (index, index, index, index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %o, %l, %p = attn.sdpa %q, %k, %v layout(bhsd, bshd, bhsd, bshd) returns(lse, weights)
    : tensor<?x?x?x16xf32>, tensor<?x?x?x16xf32>, tensor<?x?x?x?xf32> -> tensor<?x?x?x?xf32>, tensor<?x?x?xf32>, tensor<?x?x?x?xf32>
  %b = tensor.dim %o, %c0 : tensor<?x?x?x?xf32>
  %m = tensor.dim %o, %c1 : tensor<?x?x?x?xf32>
  %h = tensor.dim %o, %c2 : tensor<?x?x?x?xf32>
  %d = tensor.dim %o, %c3 : tensor<?x?x?x?xf32>
  %lm = tensor.dim %l, %c2 : tensor<?x?x?xf32>
  %n = tensor.dim %p, %c3 : tensor<?x?x?x?xf32>
  return %b, %m, %h, %d, %lm, %n : index, index, index, index, index, index
}

// Parts [P, B, M, H, Dv] in memory, the output [B, H, M, Dv].
// CHECK-LABEL: func.func @merge(
// CHECK-SAME:    %[[O:.+]]: tensor<?x?x?x?x?xf32>, %[[L:.+]]: tensor<?x?x?x?xf32>
// CHECK-DAG:     %[[C2:.+]] = arith.constant 2 : index
// CHECK-DAG:     %[[C3:.+]] = arith.constant 3 : index
// CHECK-DAG:     %[[C4:.+]] = arith.constant 4 : index
// CHECK-DAG:     %[[H:.+]] = tensor.dim %[[L]], %[[C2]]
// CHECK-DAG:     %[[M:.+]] = tensor.dim %[[L]], %[[C3]]
// CHECK-DAG:     %[[DV:.+]] = tensor.dim %[[O]], %[[C4]]
// CHECK-NOT:     attn.merge
// CHECK:         return %[[H]], %[[DV]], %[[M]]
func.func @merge(%o: tensor<?x?x?x?x?xf32>, %l: tensor<?x?x?x?xf32>) -> (index, index, index) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %r, %lse = attn.merge %o, %l layout(bshd, bhsd) : tensor<?x?x?x?x?xf32>, tensor<?x?x?x?xf32> -> tensor<?x?x?x?xf32>, tensor<?x?x?xf32>
  %h = tensor.dim %r, %c1 : tensor<?x?x?x?xf32>
  %d = tensor.dim %r, %c3 : tensor<?x?x?x?xf32>
  %m = tensor.dim %lse, %c2 : tensor<?x?x?xf32>
  return %h, %d, %m : index, index, index
}

// The pool [pages, S, Hkv, D] in memory.
// CHECK-LABEL: func.func @gather_pages(
// CHECK-SAME:    %[[P:.+]]: tensor<?x16x?x8xf32>, %[[T:.+]]: tensor<?x?xi32>, %{{.+}}: tensor<?xi32>
// CHECK-DAG:     %[[C0:.+]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.+]] = arith.constant 1 : index
// CHECK-DAG:     %[[C2:.+]] = arith.constant 2 : index
// CHECK-DAG:     %[[B:.+]] = tensor.dim %[[T]], %[[C0]]
// CHECK-DAG:     %[[PAGES:.+]] = tensor.dim %[[T]], %[[C1]]
// CHECK-DAG:     %[[H:.+]] = tensor.dim %[[P]], %[[C2]]
// CHECK-DAG:     %[[N:.+]] = affine.apply affine_map<()[s0] -> (s0 * 16)>()[%[[PAGES]]]
// CHECK:         return %[[B]], %[[H]], %[[N]]
func.func @gather_pages(%p: tensor<?x16x?x8xf32>, %t: tensor<?x?xi32>, %l: tensor<?xi32>) -> (index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %k = attn.gather_pages %p, %t, %l layout(bshd, bhsd) : tensor<?x16x?x8xf32>, tensor<?x?xi32>, tensor<?xi32> -> tensor<?x?x?x8xf32>
  %b = tensor.dim %k, %c0 : tensor<?x?x?x8xf32>
  %h = tensor.dim %k, %c1 : tensor<?x?x?x8xf32>
  %n = tensor.dim %k, %c2 : tensor<?x?x?x8xf32>
  return %b, %h, %n : index, index, index
}

// CHECK-LABEL: func.func @mha(
// CHECK-SAME:    %[[X:.+]]: tensor<?x?x8xf32>, %[[C:.+]]: tensor<?x?x8xf32>, %{{.+}}: tensor<8x8xf32>, %[[WO:.+]]: tensor<?x8xf32>
// CHECK-DAG:     %[[C0:.+]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.+]] = arith.constant 1 : index
// CHECK-DAG:     %[[C4:.+]] = arith.constant 4 : index
// CHECK-DAG:     %[[M:.+]] = tensor.dim %[[X]], %[[C1]]
// CHECK-DAG:     %[[E:.+]] = tensor.dim %[[WO]], %[[C0]]
// CHECK-DAG:     %[[N:.+]] = tensor.dim %[[C]], %[[C1]]
// CHECK:         return %[[M]], %[[E]], %[[C4]], %[[N]]
func.func @mha(%x: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %wo: tensor<?x8xf32>) -> (index, index, index, index) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %y, %p = attn.mha %x context(%c) weights(%w, %w, %w, %wo) heads(4) returns(weights)
    : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<?x8xf32> -> tensor<?x?x?xf32>, tensor<?x?x?x?xf32>
  %m = tensor.dim %y, %c1 : tensor<?x?x?xf32>
  %e = tensor.dim %y, %c2 : tensor<?x?x?xf32>
  %h = tensor.dim %p, %c1 : tensor<?x?x?x?xf32>
  %n = tensor.dim %p, %c3 : tensor<?x?x?x?xf32>
  return %m, %e, %h, %n : index, index, index, index
}

// CHECK-LABEL: func.func @heads(
// CHECK-SAME:    %[[X:.+]]: tensor<?x?x?xf32>, %[[G:.+]]: tensor<?x?x?x?xf32>
// CHECK-DAG:     %[[D:.+]] = affine.apply affine_map<()[s0] -> (s0 floordiv 4)>()[%[[E:.+]]]
// CHECK-DAG:     %[[E]] = tensor.dim %[[X]], %c2
// CHECK-DAG:     %[[GE:.+]] = affine.apply affine_map<()[s0, s1] -> (s0 * s1)>
// CHECK-DAG:     %[[GD:.+]] = tensor.dim %[[G]], %c3
// CHECK:         return %[[D]], %[[GE]], %[[GD]], %[[GD]]
func.func @heads(%x: tensor<?x?x?xf32>, %g: tensor<?x?x?x?xf32>, %t: tensor<?x?xf32>, %w: tensor<?xf32>) -> (index, index, index, index) {
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %s = attn.split_heads %x heads(4) : tensor<?x?x?xf32> -> tensor<?x4x?x?xf32>
  %d = tensor.dim %s, %c3 : tensor<?x4x?x?xf32>
  %r = attn.merge_heads %g : tensor<?x?x?x?xf32> -> tensor<?x?x?xf32>
  %e = tensor.dim %r, %c2 : tensor<?x?x?xf32>
  %turned = attn.rope %g, %t, %t layout(bhsd) : tensor<?x?x?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>
  %td = tensor.dim %turned, %c3 : tensor<?x?x?x?xf32>
  %normed = attn.qk_norm %g, %w eps(1.0e-6) : tensor<?x?x?x?xf32>, tensor<?xf32>
  %nd = tensor.dim %normed, %c3 : tensor<?x?x?x?xf32>
  return %d, %e, %td, %nd : index, index, index, index
}
