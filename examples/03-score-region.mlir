// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Any rule as code: a score falls with the logarithm of the distance, at a slope
// that each head has for itself; a query sees its own block of 64 keys and the
// first 4 keys of all.  No tensor of queries times keys is made.
//
//   attn-run examples/03-score-region.mlir --check --input=1x4x300x64xf32=random:1 \
//     --input=1x4x300x64xf32=random:2 --input=1x4x300x64xf32=random:3 --input=4xf32=0.5

func.func @blocks_and_first_keys(%q: tensor<1x4x?x64xf32>, %k: tensor<1x4x?x64xf32>,
                                 %v: tensor<1x4x?x64xf32>, %slopes: tensor<4xf32>)
    -> tensor<1x4x?x64xf32> {
  %o = attn.sdpa %q, %k, %v captures(%slopes[h] : tensor<4xf32>)
      : tensor<1x4x?x64xf32>, tensor<1x4x?x64xf32>, tensor<1x4x?x64xf32> -> tensor<1x4x?x64xf32>
      score(%s, %b, %h, %m, %n, %slope) {
        %one = arith.constant 1.0 : f32
        %left = arith.maxui %m, %n : index
        %right = arith.minui %m, %n : index
        %far = arith.subi %left, %right : index
        %far32 = arith.index_cast %far : index to i32
        %distance = arith.sitofp %far32 : i32 to f32
        %above = arith.addf %distance, %one : f32
        %log = math.log %above : f32
        %fall = arith.mulf %slope, %log : f32
        %r = arith.subf %s, %fall : f32
        attn.yield %r : f32
      } mask(%b, %h, %m, %n, %slope) {
        %block = arith.constant 64 : index
        %first = arith.constant 4 : index
        %mine = arith.divui %m, %block : index
        %its = arith.divui %n, %block : index
        %near = arith.cmpi eq, %mine, %its : index
        %start = arith.cmpi ult, %n, %first : index
        %keep = arith.ori %near, %start : i1
        attn.yield %keep : i1
      }
  return %o : tensor<1x4x?x64xf32>
}
