// Sizes change together: heads times head size, packed weights, query heads over key heads, open sizes.
// A command that fails as long as a word is there keeps one op; everything else becomes as small as the
// verifier lets it.

// RUN: attn-reduce %s --fails='if grep -q " packed(" %%s; then exit 3; fi' | FileCheck %s --check-prefix=PACKED
// PACKED: func.func @packed({{.*}}: tensor<1x1x1xf32>, {{.*}}: tensor<3x1xf32>, {{.*}}: tensor<1x1xf32>) -> tensor<1x1x1xf32>
// PACKED-NEXT: attn.mha {{.*}} packed({{.*}}) heads(1) :

// Groups of heads that the command insists on stay; the rest goes.
// RUN: attn-reduce %s --fails='if grep -q "heads(6) kv_heads(2)" %%s; then exit 3; fi' | FileCheck %s --check-prefix=GROUPS
// GROUPS: attn.mha {{.*}} heads(6) kv_heads(2) : tensor<1x1x1xf32>, tensor<6x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<1x6xf32> -> tensor<1x1x1xf32>

// RUN: attn-reduce %s --fails='if grep -q merge_heads %%s; then exit 3; fi' | FileCheck %s --check-prefix=MERGE
// MERGE: attn.merge_heads {{.*}} : tensor<1x1x1x1xf32> -> tensor<1x1x1xf32>

// A fault that needs an open size keeps one.
// RUN: attn-reduce %s --fails='if grep -q "attn.sdpa.*x[?]x" %%s; then exit 3; fi' | FileCheck %s --check-prefix=OPEN
// OPEN: attn.sdpa {{.*}} : tensor<1x1x1x1xf32>, tensor<1x1x?x1xf32>, tensor<1x1x?x1xf32> -> tensor<1x1x1x1xf32>

func.func @packed(%x: tensor<2x?x64xf16>, %wqkv: tensor<128x64xf16>, %wo: tensor<64x64xf16>, %bqkv: tensor<128xf16>,
                  %bo: tensor<64xf16>, %cos: tensor<?x4xf32>, %sin: tensor<?x4xf32>, %g: tensor<8xf16>) -> tensor<2x?x64xf16> {
  %y = attn.mha %x packed(%wqkv, %wo) bias(%bqkv, %bo) heads(8) kv_heads(4) rope(%cos, %sin : tensor<?x4xf32>, tensor<?x4xf32>)
      qk_norm(%g, %g : tensor<8xf16>, tensor<8xf16>) eps(1.0e-6) causal(top_left)
    : tensor<2x?x64xf16>, tensor<128x64xf16>, tensor<64x64xf16>, tensor<128xf16>, tensor<64xf16> -> tensor<2x?x64xf16>
  return %y : tensor<2x?x64xf16>
}

func.func @groups(%x: tensor<1x16x24xf32>, %image: tensor<1x40x20xf32>, %wq: tensor<24x24xf32>, %wk: tensor<8x20xf32>,
                  %wv: tensor<16x20xf32>, %wo: tensor<24x48xf32>) -> tensor<1x16x24xf32> {
  %y = attn.mha %x context(%image) weights(%wq, %wk, %wv, %wo) heads(6) kv_heads(2)
    : tensor<1x16x24xf32>, tensor<1x40x20xf32>, tensor<24x24xf32>, tensor<8x20xf32>, tensor<16x20xf32>, tensor<24x48xf32>
    -> tensor<1x16x24xf32>
  return %y : tensor<1x16x24xf32>
}

func.func @by_hand(%q: tensor<2x?x64xf32>, %k: tensor<2x?x32xf32>, %bias: tensor<8x?x?xf32>) -> tensor<2x?x64xf32> {
  %qh = attn.split_heads %q heads(8) : tensor<2x?x64xf32> -> tensor<2x8x?x8xf32>
  %kh = attn.split_heads %k heads(4) : tensor<2x?x32xf32> -> tensor<2x4x?x8xf32>
  %o, %lse = attn.sdpa %qh, %kh, %kh additive(%bias : tensor<8x?x?xf32>) returns(lse)
    : tensor<2x8x?x8xf32>, tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32> -> tensor<2x8x?x8xf32>, tensor<2x8x?xf32>
  %y = attn.merge_heads %o : tensor<2x8x?x8xf32> -> tensor<2x?x64xf32>
  return %y : tensor<2x?x64xf32>
}
