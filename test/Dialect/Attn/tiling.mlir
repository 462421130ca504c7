// RUN: attn-opt %s --transform-interpreter --canonicalize --cse --split-input-file -mlir-print-local-scope | FileCheck %s
// attn.sdpa is cut over batch, head and query by schedules written by hand;
// the regions of a tile see positions in the whole problem.

// K and V are sliced by b and by h floordiv (8 / 2), never by key or channel;
// the tile's place goes on to `tile`, by which the regions and captures go.
// CHECK-LABEL: func.func @grouped_query(
// CHECK-SAME:    %[[Q:.+]]: tensor<2x8x96x16xf32>, %[[K:.+]]: tensor<2x2x?x16xf32>, %[[V:.+]]: tensor<2x?x2x4xf32>
// CHECK:         scf.forall (%[[B:.+]], %[[H:.+]], %[[I:.+]]) in (2, 8, 3)
// CHECK-DAG:       %[[M:.+]] = affine.apply affine_map<(d0) -> (d0 * 32)>(%[[I]])
// CHECK-DAG:       %[[G:.+]] = affine.apply affine_map<()[s0] -> (s0 floordiv 4)>()[%[[H]]]
// CHECK-DAG:       %[[QT:.+]] = tensor.extract_slice %[[Q]][%[[B]], %[[H]], %[[M]], 0] [1, 1, 32, 16]
// CHECK-DAG:       %[[KT:.+]] = tensor.extract_slice %[[K]][%[[B]], %[[G]], 0, 0] [1, 1, %{{.+}}, 16]
// CHECK-DAG:       %[[VT:.+]] = tensor.extract_slice %[[V]][%[[B]], 0, %[[G]], 0] [1, %{{.+}}, 1, 4]
// CHECK:           %[[O:.+]], %[[L:.+]] = attn.sdpa %[[QT]], %[[KT]], %[[VT]] captures(%{{.+}}[h] : tensor<8xf32>) layout(bhsd, bhsd, bshd, bshd) tile(%[[B]], %[[H]], %[[M]]) returns(lse)
// CHECK-SAME:        tensor<1x1x32x16xf32>, tensor<1x1x?x16xf32>, tensor<1x?x1x4xf32> -> tensor<1x32x1x4xf32>, tensor<1x1x32xf32> score(
// CHECK:           tensor.parallel_insert_slice %[[O]] into %{{.+}}[%[[B]], %[[M]], %[[H]], 0] [1, 32, 1, 4]
// CHECK:           tensor.parallel_insert_slice %[[L]] into %{{.+}}[%[[B]], %[[H]], %[[M]]] [1, 1, 32]
func.func @grouped_query(%q: tensor<2x8x96x16xf32>, %k: tensor<2x2x?x16xf32>, %v: tensor<2x?x2x4xf32>, %slope: tensor<8xf32>)
    -> (tensor<2x96x8x4xf32>, tensor<2x8x96xf32>) {
  %o, %l = attn.sdpa %q, %k, %v captures(%slope[h] : tensor<8xf32>) layout(bhsd, bhsd, bshd, bshd) returns(lse)
    : tensor<2x8x96x16xf32>, tensor<2x2x?x16xf32>, tensor<2x?x2x4xf32> -> tensor<2x96x8x4xf32>, tensor<2x8x96xf32>
    score(%s, %b, %h, %m, %n, %sl) {
      %r = arith.mulf %s, %sl : f32
      attn.yield %r : f32
    }
  return %o, %l : tensor<2x96x8x4xf32>, tensor<2x8x96xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %sdpa = transform.structured.match ops{["attn.sdpa"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %sdpa tile_sizes [1, 1, 32] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Cut twice: the inner tile's place is the sum. 50 = 32 + 18 queries; the sink
// of each head goes with its tile.
// CHECK-LABEL: func.func @twice(
// CHECK:         scf.forall (%[[J:.+]]) in (2)
// CHECK:           %[[H:.+]] = affine.apply affine_map<(d0) -> (d0 * 2)>(%[[J]])
// CHECK:           scf.forall (%[[I:.+]]) in (2)
// CHECK:             %[[M:.+]] = affine.apply affine_map<(d0) -> (d0 * 32)>(%[[I]])
// CHECK:             attn.sdpa {{.*}} sinks(%{{.+}} : tensor<2xf32>) tile(%{{.+}}, %[[H]], %[[M]]) : tensor<1x2x?x16xf32>
func.func @twice(%q: tensor<1x4x50x16xf32>, %s: tensor<4xf32>) -> tensor<1x4x50x16xf32> {
  %o = attn.sdpa %q, %q, %q sinks(%s : tensor<4xf32>)
    : tensor<1x4x50x16xf32>, tensor<1x4x50x16xf32>, tensor<1x4x50x16xf32> -> tensor<1x4x50x16xf32>
  return %o : tensor<1x4x50x16xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %sdpa = transform.structured.match ops{["attn.sdpa"]} in %root : (!transform.any_op) -> !transform.any_op
    %outer, %l0 = transform.structured.tile_using_forall %sdpa tile_sizes [0, 2, 0] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %inner, %l1 = transform.structured.tile_using_forall %outer tile_sizes [0, 0, 32] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A consumer's loop takes the tile of attention that it reads.
// CHECK-LABEL: func.func @fused_into_consumer(
// CHECK:         scf.forall (%[[I:.+]], %[[H:.+]]) in (3, 4)
// CHECK:           %[[M:.+]] = affine.apply affine_map<(d0) -> (d0 * 16)>(%[[I]])
// CHECK:           attn.sdpa {{.*}} layout(bhsd, bhsd, bhsd, bshd) tile(%{{.+}}, %[[H]], %[[M]]) {{.*}} -> tensor<1x16x1x16xf32>
// CHECK:           linalg.exp
func.func @fused_into_consumer(%q: tensor<1x4x48x16xf32>) -> tensor<1x48x4x16xf32> {
  %o = attn.sdpa %q, %q, %q layout(bhsd, bhsd, bhsd, bshd) : tensor<1x4x48x16xf32>, tensor<1x4x48x16xf32>, tensor<1x4x48x16xf32> -> tensor<1x48x4x16xf32>
  %e = tensor.empty() : tensor<1x48x4x16xf32>
  %y = linalg.exp ins(%o : tensor<1x48x4x16xf32>) outs(%e : tensor<1x48x4x16xf32>) -> tensor<1x48x4x16xf32>
  return %y : tensor<1x48x4x16xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %exp = transform.structured.match ops{["linalg.exp"]} in %root : (!transform.any_op) -> !transform.any_op
    %sdpa = transform.structured.match ops{["attn.sdpa"]} in %root : (!transform.any_op) -> !transform.any_op
    // The consumer's dimensions are b, s, h, d.
    %tiled, %loop = transform.structured.tile_using_forall %exp tile_sizes [0, 16, 1, 0] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %fused, %new = transform.structured.fuse_into_containing_op %sdpa into %loop : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
