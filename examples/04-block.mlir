// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A decoder's whole attention block: one weight for the projections of queries,
// keys and values, 8 query heads over 2 key/value heads, rotary embedding, a
// causal mask.  Heads are never transposed in memory, keys and values never
// repeated.  What is marked attn.weight is packed once, before the first call.
//
//   attn-run examples/04-block.mlir --check --input=2x50x256xf32=random:1 \
//     --input=384x256xf32=random:2 --input=256x256xf32=random:3 \
//     --input=50x16xf32=random:4 --input=50x16xf32=random:5

func.func @block(%x: tensor<?x?x256xf32>, %wqkv: tensor<384x256xf32> {attn.weight},
                 %wo: tensor<256x256xf32> {attn.weight}, %cos: tensor<?x16xf32>, %sin: tensor<?x16xf32>)
    -> tensor<?x?x256xf32> {
  %y = attn.mha %x packed(%wqkv, %wo) heads(8) kv_heads(2)
      rope(%cos, %sin : tensor<?x16xf32>, tensor<?x16xf32>) causal(top_left)
      : tensor<?x?x256xf32>, tensor<384x256xf32>, tensor<256x256xf32> -> tensor<?x?x256xf32>
  return %y : tensor<?x?x256xf32>
}
