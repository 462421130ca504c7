// RUN: attn-opt %s --split-input-file --verify-diagnostics
// One function per constraint of dialects/attn/README.md, named after it.

func.func @sdpa_c14(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %c: f32) {
  // expected-error@+1 {{'attn.sdpa' op expects one map per capture (1), but got 0}}
  %o = "attn.sdpa"(%q, %k, %v, %c) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0>, resultSegmentSizes = array<i32: 1, 0, 0>}> ({}, {})
    : (tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32>, f32) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c15(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %t: tensor<4x5xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects capture #0 to be indexed by 2 expressions of (b, h, m, n), but got 1}}
  %o = attn.sdpa %q, %k, %v captures(%t[h] : tensor<4x5xf32>)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c16(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects the score region to be one block with arguments ('f32', 'index', 'index', 'index', 'index'), but got ('f64')}}
  %o = "attn.sdpa"(%q, %k, %v) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>}> ({
    ^bb0(%s: f64):
      attn.yield %s : f64
  }, {})
    : (tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c17(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects the mask region to yield 'i1'}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
    mask(%b, %h, %m, %n) {
      attn.yield %n : index
    }
  return
}

// -----

func.func @sdpa_c17_empty(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects the score region to yield 'f32'}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
    score(%s, %b, %h, %m, %n) {
    }
  return
}

// -----

func.func private @unknown(f32) -> f32
func.func @sdpa_c18(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects only scalar ops without side effects in the score region, but got 'func.call'}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
    score(%s, %b, %h, %m, %n) {
      // expected-note@+1 {{op here}}
      %r = func.call @unknown(%s) : (f32) -> f32
      attn.yield %r : f32
    }
  return
}

// -----

func.func @sdpa_c18_vector(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects only scalar ops without side effects in the score region, but got 'vector.broadcast'}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
    score(%s, %b, %h, %m, %n) {
      // expected-note@+1 {{op here}}
      %r = vector.broadcast %s : f32 to vector<4xf32>
      attn.yield %s : f32
    }
  return
}

// -----

func.func @sdpa_c19(%q: tensor<2x4x5x0xf32>, %k: tensor<2x2x6x0xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects an explicit scale where the head size is 0}}
  %o = attn.sdpa %q, %k, %v
    : tensor<2x4x5x0xf32>, tensor<2x2x6x0xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c20(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %i: index) {
  // expected-error@+1 {{'attn.sdpa' op expects tile offsets (b, h, m), but got 2}}
  %o = attn.sdpa %q, %k, %v tile(%i, %i)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c21(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %t: vector<4xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects capture #0 to be a scalar or a ranked tensor of scalars, but got 'vector<4xf32>'}}
  %o = attn.sdpa %q, %k, %v captures(%t[h] : vector<4xf32>)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c21_unranked(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %t: tensor<*xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects capture #0 to be a scalar or a ranked tensor of scalars, but got 'tensor<*xf32>'}}
  %o = attn.sdpa %q, %k, %v captures(%t[h] : tensor<*xf32>)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c21_unsigned(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %t: tensor<4xui8>) {
  // expected-error@+1 {{'attn.sdpa' op expects capture #0 to be a scalar or a ranked tensor of scalars, but got 'tensor<4xui8>'}}
  %o = attn.sdpa %q, %k, %v captures(%t[h] : tensor<4xui8>)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c22(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %t: tensor<2x5xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects dimension 1 of capture #0 to hold every n (6), but got 'tensor<2x5xi32>'}}
  %o = attn.sdpa %q, %k, %v captures(%t[b, n] : tensor<2x5xi32>)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c23(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects 4 layouts, but got 3}}
  %o = "attn.sdpa"(%q, %k, %v) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>, layouts = [affine_map<(b, h, s, d) -> (b, h, s, d)>, affine_map<(b, h, s, d) -> (b, h, s, d)>, affine_map<(b, h, s, d) -> (b, h, s, d)>]}> ({}, {})
    : (tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32>) -> tensor<2x4x5x8xf32>
  return
}
