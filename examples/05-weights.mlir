// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention to look at: beside the output, the log-sum-exp of each row and the
// weights themselves, [batch, head, query, key], of 8 heads that see only the
// past.  Asking for the weights costs the matrix; docs/heads.md shows them.
//
//   attn-run examples/05-weights.mlir --check --input=1x8x12x32xf32=random:1 \
//     --input=1x8x12x32xf32=random:2 --input=1x8x12x32xf32=random:3

func.func @look(%q: tensor<1x8x?x32xf32>, %k: tensor<1x8x?x32xf32>, %v: tensor<1x8x?x32xf32>)
    -> (tensor<1x8x?x32xf32>, tensor<1x8x?xf32>, tensor<1x8x?x?xf32>) {
  %o, %lse, %p = attn.sdpa %q, %k, %v causal(top_left) returns(lse, weights)
      : tensor<1x8x?x32xf32>, tensor<1x8x?x32xf32>, tensor<1x8x?x32xf32>
      -> tensor<1x8x?x32xf32>, tensor<1x8x?xf32>, tensor<1x8x?x?xf32>
  return %o, %lse, %p : tensor<1x8x?x32xf32>, tensor<1x8x?xf32>, tensor<1x8x?x?xf32>
}
