// RUN: attn-opt %s --split-input-file --verify-diagnostics
// One function per constraint of dialects/attn/README.md, named after it.

func.func @split_heads_c1(%x: tensor<2x5x8xf32>) {
  // expected-error@+1 {{'attn.split_heads' op expects heads * head size (12) to equal row size (8)}}
  %h = attn.split_heads %x heads(4) : tensor<2x5x8xf32> -> tensor<2x4x5x3xf32>
  return
}

// -----

func.func @split_heads_c1_length(%x: tensor<2x5x8xf32>) {
  // expected-error@+1 {{'attn.split_heads' op expects length of heads (6) to equal length of rows (5)}}
  %h = attn.split_heads %x heads(4) : tensor<2x5x8xf32> -> tensor<2x4x6x2xf32>
  return
}

// -----

func.func @split_heads_c1_rank(%x: tensor<5x8xf32>) {
  // expected-error@+1 {{'attn.split_heads' op expects rows of rank 3, but got 'tensor<5x8xf32>'}}
  %h = attn.split_heads %x heads(4) : tensor<5x8xf32> -> tensor<1x4x5x2xf32>
  return
}

// -----

func.func @split_heads_c2(%x: tensor<2x5x8xf32>) {
  // expected-error@+1 {{'attn.split_heads' op expects heads of the result (4) to equal the heads attribute (2)}}
  %h = attn.split_heads %x heads(2) : tensor<2x5x8xf32> -> tensor<2x4x5x2xf32>
  return
}

// -----

func.func @split_heads_c3(%x: tensor<2x5x9xf32>) {
  // expected-error@+1 {{'attn.split_heads' op expects row size (9) to be a multiple of the heads (2)}}
  %h = attn.split_heads %x heads(2) : tensor<2x5x9xf32> -> tensor<2x2x5x?xf32>
  return
}

// -----

func.func @merge_heads_c1(%h: tensor<2x4x5x2xf32>) {
  // expected-error@+1 {{'attn.merge_heads' op expects heads * head size (8) to equal row size (9)}}
  %x = attn.merge_heads %h : tensor<2x4x5x2xf32> -> tensor<2x5x9xf32>
  return
}

// -----

func.func @merge_heads_c1_type(%h: tensor<2x4x5x2xf32>) {
  // expected-error@+1 {{'attn.merge_heads' op expects result of element type 'f32', but got 'tensor<2x5x8xf16>'}}
  %x = attn.merge_heads %h : tensor<2x4x5x2xf32> -> tensor<2x5x8xf16>
  return
}

// -----

func.func @rope_c1(%x: tensor<2x4x5x8xf32>, %c: tensor<5x4xf32>, %s: tensor<5x3xf32>) {
  // expected-error@+1 {{'attn.rope' op expects cos and sin tables of one floating-point type, but got 'tensor<5x4xf32>' and 'tensor<5x3xf32>'}}
  %r = attn.rope %x, %c, %s layout(bhsd) : tensor<2x4x5x8xf32>, tensor<5x4xf32>, tensor<5x3xf32>
  return
}

// -----

func.func @rope_c2(%x: tensor<2x4x5x8xf32>, %c: tensor<20xf32>, %s: tensor<20xf32>) {
  // expected-error@+1 {{'attn.rope' op expects tables [S, R/2] or [B, S, R/2], but got 'tensor<20xf32>'}}
  %r = attn.rope %x, %c, %s layout(bhsd) : tensor<2x4x5x8xf32>, tensor<20xf32>, tensor<20xf32>
  return
}

// -----

func.func @rope_c2_batch(%x: tensor<2x4x5x8xf32>, %c: tensor<3x5x4xf32>, %s: tensor<3x5x4xf32>) {
  // expected-error@+1 {{'attn.rope' op expects batch of the tables (3) to equal batch of x (2)}}
  %r = attn.rope %x, %c, %s layout(bhsd) : tensor<2x4x5x8xf32>, tensor<3x5x4xf32>, tensor<3x5x4xf32>
  return
}

// -----

func.func @rope_c2_layout(%x: tensor<2x4x5x8xf32>, %c: tensor<5x4xf32>, %s: tensor<5x4xf32>) {
  // expected-error@+1 {{'attn.rope' op expects length of the tables (5) to equal length of x (4)}}
  %r = attn.rope %x, %c, %s layout(bshd) : tensor<2x4x5x8xf32>, tensor<5x4xf32>, tensor<5x4xf32>
  return
}

// -----

func.func @rope_c3(%x: tensor<2x4x5x8xf32>, %c: tensor<5x5xf32>, %s: tensor<5x5xf32>) {
  // expected-error@+1 {{'attn.rope' op expects at most 8 channels to turn, but the tables hold 10}}
  %r = attn.rope %x, %c, %s layout(bhsd) : tensor<2x4x5x8xf32>, tensor<5x5xf32>, tensor<5x5xf32>
  return
}

// -----

func.func @rope_c4(%x: tensor<4x5x8xf32>, %c: tensor<5x4xf32>, %s: tensor<5x4xf32>) {
  // expected-error@+1 {{'attn.rope' op expects x of rank 4, but got 'tensor<4x5x8xf32>'}}
  %r = attn.rope %x, %c, %s layout(bhsd) : tensor<4x5x8xf32>, tensor<5x4xf32>, tensor<5x4xf32>
  return
}

// -----

func.func @qk_norm_c1(%x: tensor<f32>, %g: tensor<8xf32>) {
  // expected-error@+1 {{'attn.qk_norm' op expects x of rank >= 1, but got 'tensor<f32>'}}
  %r = attn.qk_norm %x, %g eps(1.0e-6) : tensor<f32>, tensor<8xf32>
  return
}

// -----

func.func @qk_norm_c1_type(%x: tensor<2x4x5x8xf32>, %g: tensor<8xi32>) {
  // expected-error@+1 {{'attn.qk_norm' op expects gamma of type f64, f32, f16 or bf16, but got 'tensor<8xi32>'}}
  %r = attn.qk_norm %x, %g eps(1.0e-6) : tensor<2x4x5x8xf32>, tensor<8xi32>
  return
}

// -----

func.func @qk_norm_c2(%x: tensor<2x4x5x8xf32>, %g: tensor<4xf32>) {
  // expected-error@+1 {{'attn.qk_norm' op expects size of gamma (4) to equal the head size (8)}}
  %r = attn.qk_norm %x, %g eps(1.0e-6) : tensor<2x4x5x8xf32>, tensor<4xf32>
  return
}

// -----

func.func @qk_norm_c3(%x: tensor<2x4x5x8xf32>, %g: tensor<8xf32>) {
  // expected-error@+1 {{'attn.qk_norm' op expects a finite eps >= 0, but got -1.0}}
  %r = attn.qk_norm %x, %g eps(-1.0) : tensor<2x4x5x8xf32>, tensor<8xf32>
  return
}
