// RUN: attn-opt %s --split-input-file --verify-diagnostics
// One function per constraint of dialects/attn/README.md, named after it.

func.func @sdpa_c1(%q: tensor<2x4x5x8xf32>, %k: tensor<2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects key of rank 4, but got 'tensor<2x6x8xf32>'}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c1_output(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects output of rank 4, but got 'tensor<2x5x32xf32>'}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x5x32xf32>
  return
}

// -----

func.func @sdpa_c2(%q: tensor<2x4x5x8xi8>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects query of type f64, f32, f16 or bf16, but got 'tensor<2x4x5x8xi8>'}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xi8>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c2_mixed(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xbf16>) {
  // expected-error@+1 {{'attn.sdpa' op expects value of element type 'f32', but got 'tensor<2x2x6x8xbf16>'}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xbf16> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c3_batch(%q: tensor<2x4x5x8xf32>, %k: tensor<1x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects key batch (1) to equal query batch (2)}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<1x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c3_heads(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x4x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects value heads (4) to equal key heads (2)}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x4x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c3_length(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x7x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects value length (7) to equal key length (6)}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x7x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c3_head_size(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x9xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects key head size (9) to equal query head size (8)}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<2x2x6x9xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c3_layout(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects value heads (2) to equal key heads (6)}}
  %o = attn.sdpa %q, %k, %v layout(bhsd, bshd, bhsd, bhsd)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c4(%q: tensor<2x4x5x8xf32>, %k: tensor<2x3x6x8xf32>, %v: tensor<2x3x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects query heads (4) to be a multiple of key heads (3)}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<2x3x6x8xf32>, tensor<2x3x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c5(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x3xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects output head size (8) to equal value head size (3)}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x3xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c5_length(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects output length (6) to equal query length (5)}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x6x8xf32>
  return
}

// -----

func.func @sdpa_c6(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects lse of shape [2, 4, 5], but got 'tensor<2x4x6xf32>'}}
  %o, %l = attn.sdpa %q, %k, %v returns(lse)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>, tensor<2x4x6xf32>
  return
}

// -----

func.func @sdpa_c6_type(%q: tensor<2x4x5x8xf16>, %k: tensor<2x2x6x8xf16>, %v: tensor<2x2x6x8xf16>) {
  // expected-error@+1 {{'attn.sdpa' op expects weights of element type 'f32', but got 'tensor<2x4x5x6xf16>'}}
  %o, %p = attn.sdpa %q, %k, %v returns(weights)
    : tensor<2x4x5x8xf16>, tensor<2x2x6x8xf16>, tensor<2x2x6x8xf16> -> tensor<2x4x5x8xf16>, tensor<2x4x5x6xf16>
  return
}

// -----

func.func @sdpa_c7(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects a layout that permutes (b, h, s, d), but got affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d2)>}}
  %o = "attn.sdpa"(%q, %k, %v) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>, layouts = [affine_map<(b, h, s, d) -> (b, h, s, d)>, affine_map<(b, h, s, d) -> (b, h, s, d)>, affine_map<(b, h, s, d) -> (b, h, s, s)>, affine_map<(b, h, s, d) -> (b, h, s, d)>]}> ({}, {})
    : (tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32>) -> tensor<2x4x5x8xf32>
  return
}
