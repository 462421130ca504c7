// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A decoder's attention: 8 query heads share 2 key/value heads, and a token looks
// at itself and the 63 before it.  bottom_right aligns the last query with the
// last key, so the same function serves a prompt and its continuation from a
// cache.  Tensors are [batch, position, head, channel] in memory, as projections
// leave them: layout says so, nothing is transposed.
//
//   attn-run examples/02-gqa-causal.mlir --check --input=1x37x8x64xf32=random:1 \
//     --input=1x200x2x64xf32=random:2 --input=1x200x2x64xf32=random:3

func.func @decoder(%q: tensor<1x?x8x64xf32>, %k: tensor<1x?x2x64xf32>, %v: tensor<1x?x2x64xf32>)
    -> tensor<1x?x8x64xf32> {
  %o = attn.sdpa %q, %k, %v causal(bottom_right) window(63, 0) layout(bshd, bshd, bshd, bshd)
      : tensor<1x?x8x64xf32>, tensor<1x?x2x64xf32>, tensor<1x?x2x64xf32> -> tensor<1x?x8x64xf32>
  return %o : tensor<1x?x8x64xf32>
}
