// RUN: attn-opt %s --attn-linalg=all --split-input-file --verify-diagnostics

func.func @named_variants(%q: tensor<1x2x5x8xf32>) -> tensor<1x2x5x8xf32> {
  // expected-error @below {{'attn.sdpa' op expects named variants to be expanded before attn-linalg: run attn-fuse-variants first}}
  %o = attn.sdpa %q, %q, %q causal(top_left) : tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32> -> tensor<1x2x5x8xf32>
  return %o : tensor<1x2x5x8xf32>
}

// -----

func.func @unsplit_block(%x: tensor<1x5x8xf32>, %w: tensor<8x8xf32>) -> tensor<1x5x8xf32> {
  // expected-error @below {{'attn.mha' op expects blocks to be split before attn-linalg: run attn-split-heads first}}
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(2)
    : tensor<1x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<1x5x8xf32>
  return %y : tensor<1x5x8xf32>
}
