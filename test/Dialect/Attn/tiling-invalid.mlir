// RUN: not attn-opt %s --transform-interpreter --split-input-file 2>&1 | FileCheck %s

// A tile would place the diagonal anew: named variants are expanded first.
func.func @named_variant(%q: tensor<1x4x48x16xf32>) -> tensor<1x4x48x16xf32> {
  // CHECK: error: 'attn.sdpa' op expects named variants to be expanded before tiling: run attn-fuse-variants first
  %o = attn.sdpa %q, %q, %q causal(bottom_right) : tensor<1x4x48x16xf32>, tensor<1x4x48x16xf32>, tensor<1x4x48x16xf32> -> tensor<1x4x48x16xf32>
  return %o : tensor<1x4x48x16xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %sdpa = transform.structured.match ops{["attn.sdpa"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %sdpa tile_sizes [0, 1, 0] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Three query heads of a group of four, or of two groups: no slice of K is both.
func.func @several_grouped_heads(%q: tensor<1x8x48x16xf32>, %k: tensor<1x2x48x16xf32>) -> tensor<1x8x48x16xf32> {
  // CHECK: error: 'attn.sdpa' op expects tiles of query heads that share one key head
  %o = attn.sdpa %q, %k, %k : tensor<1x8x48x16xf32>, tensor<1x2x48x16xf32>, tensor<1x2x48x16xf32> -> tensor<1x8x48x16xf32>
  return %o : tensor<1x8x48x16xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %sdpa = transform.structured.match ops{["attn.sdpa"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %sdpa tile_sizes [0, 3, 0] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
