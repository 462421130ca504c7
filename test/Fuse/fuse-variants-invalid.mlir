// RUN: attn-opt %s --attn-fuse-variants --split-input-file --verify-diagnostics

// In a tile, M is no longer the number of queries that bottom_right means.
func.func @already_tiled(%q: tensor<1x1x48x64xf32>, %k: tensor<1x1x?x64xf32>, %b: index) -> tensor<1x1x48x64xf32> {
  // expected-error@+1 {{'attn.sdpa' op expects named variants to be expanded before the op is tiled}}
  %o = attn.sdpa %q, %k, %k causal(bottom_right) tile(%b, %b, %b) : tensor<1x1x48x64xf32>, tensor<1x1x?x64xf32>, tensor<1x1x?x64xf32> -> tensor<1x1x48x64xf32>
  return %o : tensor<1x1x48x64xf32>
}
