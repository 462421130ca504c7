// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention of queries over keys and values, batch and lengths dynamic:
// softmax(q k^T / sqrt 64) v.
//
//   attn-run examples/01-sdpa.mlir --check --input=2x4x100x64xf32=random:1 \
//     --input=2x4x130x64xf32=random:2 --input=2x4x130x64xf32=random:3

func.func @sdpa(%q: tensor<?x4x?x64xf32>, %k: tensor<?x4x?x64xf32>, %v: tensor<?x4x?x64xf32>)
    -> tensor<?x4x?x64xf32> {
  %o = attn.sdpa %q, %k, %v
      : tensor<?x4x?x64xf32>, tensor<?x4x?x64xf32>, tensor<?x4x?x64xf32> -> tensor<?x4x?x64xf32>
  return %o : tensor<?x4x?x64xf32>
}
