// RUN: attn-opt %s --split-input-file --verify-diagnostics
// One function per constraint of dialects/attn/README.md, named after it.

func.func @mha_c1(%x: tensor<5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects x of rank 3, but got 'tensor<5x8xf32>'}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) heads(4)
    : tensor<5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c2(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects 4 weights (wq, wk, wv, wo), but got 3}}
  %y = attn.mha %x weights(%w0, %w1, %w2) heads(4)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c2_packed_context(%x: tensor<2x5x8xf32>, %c: tensor<2x6x8xf32>, %w0: tensor<24x8xf32>, %w1: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects separate weights with a context: a packed projection reads x alone}}
  %y = attn.mha %x context(%c) packed(%w0, %w1) heads(4)
    : tensor<2x5x8xf32>, tensor<2x6x8xf32>, tensor<24x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c2_biases(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>, %b0: tensor<8xf32>, %b1: tensor<8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects 4 biases, but got 2}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) bias(%b0, %b1) heads(4)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c3(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf16>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects every projection operand of element type 'f32', but got 'tensor<8x8xf16>'}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) heads(4)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf16>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c3_rank(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects weight of rank 2, but got 'tensor<8xf32>'}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) heads(4)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c4(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects heads (4) to be a multiple of kv_heads (3)}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) heads(4) kv_heads(3)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c5(%x: tensor<2x5x8xf32>, %c: tensor<2x7x6xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects columns of weight #1 (8) to equal the input size (6)}}
  %y = attn.mha %x context(%c) weights(%w0, %w1, %w2, %w3) heads(4)
    : tensor<2x5x8xf32>, tensor<2x7x6xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c6(%x: tensor<2x5x8xf32>, %w0: tensor<6x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects rows of wq (6) to be a multiple of the heads (4)}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) heads(4)
    : tensor<2x5x8xf32>, tensor<6x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c6_packed(%x: tensor<2x5x8xf32>, %w0: tensor<20x8xf32>, %w1: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects rows of the packed weight (20) to be a multiple of the heads (8)}}
  %y = attn.mha %x packed(%w0, %w1) heads(4) kv_heads(2)
    : tensor<2x5x8xf32>, tensor<20x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c6_head_size(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<12x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects key head size (3) to equal query head size (2)}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) heads(4)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<12x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c7(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<12x8xf32>, %w3: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects columns of the output weight (8) to equal heads * value head size (12)}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) heads(4)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<12x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c8(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>, %b0: tensor<8xf32>, %b1: tensor<8xf32>, %b2: tensor<7xf32>, %b3: tensor<8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects size of bias #2 (7) to equal the rows of its weight (8)}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) bias(%b0, %b1, %b2, %b3) heads(4)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<7xf32>, tensor<8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c9(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects output size (9) to equal rows of the output weight (8)}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) heads(4)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x9xf32>
  return
}

// -----

func.func @mha_c10(%x: tensor<2x5x8xf32>, %w: tensor<8x8xf32>, %t: tensor<5x1xf32>) {
  // expected-error@+1 {{'attn.mha' op expects rope tables and qk_norm weights in pairs}}
  %y = "attn.mha"(%x, %w, %w, %w, %w, %t) <{heads = 4 : i64, operandSegmentSizes = array<i32: 1, 0, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>}> ({}, {})
    : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<5x1xf32>) -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c11(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects weights of shape [2, 4, 5, 5], but got 'tensor<2x4x5x6xf32>'}}
  %y, %p = attn.mha %x weights(%w0, %w1, %w2, %w3) heads(4) returns(weights)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>, tensor<2x4x5x6xf32>
  return
}

// -----

func.func @mha_c12(%x: tensor<2x5x8xf32>, %c: tensor<3x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects context batch (3) to equal input batch (2)}}
  %y = attn.mha %x context(%c) weights(%w0, %w1, %w2, %w3) heads(4)
    : tensor<2x5x8xf32>, tensor<3x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c13(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>, %t: tensor<6x1xf32>) {
  // expected-error@+1 {{'attn.mha' op expects length of the tables (6) to equal length of x (5)}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) heads(4) rope(%t, %t : tensor<6x1xf32>, tensor<6x1xf32>)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c13_channels(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>, %t: tensor<5x2xf32>) {
  // expected-error@+1 {{'attn.mha' op expects at most 2 channels to turn, but the tables hold 4}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) heads(4) rope(%t, %t : tensor<5x2xf32>, tensor<5x2xf32>)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c14(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>, %g: tensor<8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects size of qk_norm weight (8) to equal the head size (2)}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) heads(4) qk_norm(%g, %g : tensor<8xf32>, tensor<8xf32>) eps(1.0e-6)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c14_epsilon(%x: tensor<2x5x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>, %w2: tensor<8x8xf32>, %w3: tensor<8x8xf32>, %g: tensor<2xf32>) {
  // expected-error@+1 {{'attn.mha' op expects a finite eps >= 0, but got -1.0}}
  %y = attn.mha %x weights(%w0, %w1, %w2, %w3) heads(4) qk_norm(%g, %g : tensor<2xf32>, tensor<2xf32>) eps(-1.0)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @mha_c15(%x: tensor<2x5x8xf32>, %w: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op expects weights as a result exactly with returns(weights)}}
  %y = "attn.mha"(%x, %w, %w, %w, %w) <{heads = 4 : i64, returns_weights, operandSegmentSizes = array<i32: 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>}> ({}, {})
    : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<2x5x8xf32>
  return
}
