// Whole blocks on both ways, judged by the reference: operands and results of
// every op within the bound.

// DEFINE: %{decoder} = --input=2x19x24xf32=random:1 --input=48x24xf32=random:2 --input=7x24xf32=random:3 \
// DEFINE:   --input=48xf32=random:4 --input=7xf32=random:5 --input=19x2xf32=random:6 --input=19x2xf32=random:7 --input=6xf32=random:8
// DEFINE: %{cross} = --input=3x5x7xf16=random:11 --input=3x33x9xf16=random:12 --input=12x7xf16=random:13 --input=12x9xf16=random:14 \
// DEFINE:   --input=15x9xf16=random:15 --input=4x15xf16=random:16 --input=3x1x1x33xi1=random:17
// DEFINE: %{by_hand} = --input=2x19x24xf64=random:21 --input=2x19x8xf64=random:22 --input=19x4xf64=random:23 --input=19x4xf64=random:24

// RUN: attn-run %s --entry=decoder --target=cpu --check %{decoder} | FileCheck %s --check-prefix=DECODER
// RUN: attn-run %s --entry=decoder --target=linalg --check %{decoder} | FileCheck %s --check-prefix=DECODER
// RUN: attn-run %s --entry=cross --target=cpu --check %{cross} | FileCheck %s --check-prefix=CROSS
// RUN: attn-run %s --entry=cross --target=linalg --check %{cross} | FileCheck %s --check-prefix=CROSS
// RUN: attn-run %s --entry=by_hand --target=cpu --check %{by_hand} | FileCheck %s --check-prefix=HAND
// RUN: attn-run %s --entry=by_hand --target=linalg --check %{by_hand} | FileCheck %s --check-prefix=HAND

// DECODER: check: attn.mha at {{.*}}, output: ok
// DECODER: check: attn.mha at {{.*}}, weights: ok
func.func @decoder(%x: tensor<?x?x24xf32>, %w: tensor<48x24xf32>, %wo: tensor<7x24xf32>, %b: tensor<48xf32>, %bo: tensor<7xf32>,
    %cos: tensor<?x2xf32>, %sin: tensor<?x2xf32>, %g: tensor<6xf32>) -> (tensor<?x?x7xf32>, tensor<?x4x?x?xf32>) {
  %y, %p = attn.mha %x packed(%w, %wo) bias(%b, %bo) heads(4) kv_heads(2) rope(%cos, %sin : tensor<?x2xf32>, tensor<?x2xf32>) interleaved
      qk_norm(%g, %g : tensor<6xf32>, tensor<6xf32>) eps(1.0e-6) causal(top_left) returns(weights)
    : tensor<?x?x24xf32>, tensor<48x24xf32>, tensor<7x24xf32>, tensor<48xf32>, tensor<7xf32> -> tensor<?x?x7xf32>, tensor<?x4x?x?xf32>
  return %y, %p : tensor<?x?x7xf32>, tensor<?x4x?x?xf32>
}

// D = 4, Dv = 5, three rows of keep that differ.
// CROSS: check: attn.mha at {{.*}}, output: ok
func.func @cross(%x: tensor<3x5x7xf16>, %c: tensor<3x?x9xf16>, %wq: tensor<12x7xf16>, %wk: tensor<12x9xf16>, %wv: tensor<15x9xf16>,
    %wo: tensor<4x15xf16>, %keep: tensor<3x1x1x?xi1>) -> tensor<3x5x4xf16> {
  %y = attn.mha %x context(%c) weights(%wq, %wk, %wv, %wo) heads(3) keep(%keep : tensor<3x1x1x?xi1>)
    : tensor<3x5x7xf16>, tensor<3x?x9xf16>, tensor<12x7xf16>, tensor<12x9xf16>, tensor<15x9xf16>, tensor<4x15xf16> -> tensor<3x5x4xf16>
  return %y : tensor<3x5x4xf16>
}

// Heads that a person splits, turns and merges; the moves are folded.
// HAND-DAG: check: attn.rope at {{.*}}, result: ok
// HAND-DAG: check: attn.sdpa at {{.*}}, output: ok
func.func @by_hand(%x: tensor<2x?x24xf64>, %c: tensor<2x?x8xf64>, %cos: tensor<?x4xf64>, %sin: tensor<?x4xf64>) -> tensor<2x?x24xf64> {
  %q = attn.split_heads %x heads(3) : tensor<2x?x24xf64> -> tensor<2x3x?x8xf64>
  %k = attn.split_heads %c heads(1) : tensor<2x?x8xf64> -> tensor<2x1x?x8xf64>
  %r = attn.rope %q, %cos, %sin layout(bhsd) : tensor<2x3x?x8xf64>, tensor<?x4xf64>, tensor<?x4xf64>
  %o = attn.sdpa %r, %k, %k causal(bottom_right) : tensor<2x3x?x8xf64>, tensor<2x1x?x8xf64>, tensor<2x1x?x8xf64> -> tensor<2x3x?x8xf64>
  %y = attn.merge_heads %o : tensor<2x3x?x8xf64> -> tensor<2x?x24xf64>
  return %y : tensor<2x?x24xf64>
}
