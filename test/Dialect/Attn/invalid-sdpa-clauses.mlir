// RUN: attn-opt %s --split-input-file --verify-diagnostics
// One function per constraint of dialects/attn/README.md, named after it.

func.func @sdpa_c8(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %s: f64) {
  // expected-error@+1 {{'attn.sdpa' op expects scale of type 'f32', but got 'f64'}}
  %o = "attn.sdpa"(%q, %k, %v, %s) <{operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>}> ({}, {})
    : (tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32>, f64) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c8_softcap(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %s: f16) {
  // expected-error@+1 {{'attn.sdpa' op expects softcap of type 'f32', but got 'f16'}}
  %o = "attn.sdpa"(%q, %k, %v, %s) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>}> ({}, {})
    : (tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32>, f16) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c9(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %i: index) {
  // expected-error@+1 {{'attn.sdpa' op expects a causal offset exactly with causal(%offset)}}
  %o = "attn.sdpa"(%q, %k, %v, %i) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>}> ({}, {})
    : (tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32>, index) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c9_missing(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects a causal offset exactly with causal(%offset)}}
  %o = "attn.sdpa"(%q, %k, %v) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>, causal = 2 : i32}> ({}, {})
    : (tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c10(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects window sizes >= -1 (-1: unbounded), but got -2}}
  %o = attn.sdpa %q, %k, %v window(-2, 0)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c10_count(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects a window of two sizes (left, right)}}
  %o = attn.sdpa %q, %k, %v window(3)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c11(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %s: tensor<2xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects size of alibi (2) to equal H (4)}}
  %o = attn.sdpa %q, %k, %v alibi(%s : tensor<2xf32>)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c11_sinks(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %s: tensor<4xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects sinks of type f64, f32, f16 or bf16, but got 'tensor<4xi32>'}}
  %o = attn.sdpa %q, %k, %v sinks(%s : tensor<4xi32>)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c12(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %l: tensor<4xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects size of kv_lens (4) to equal B (2)}}
  %o = attn.sdpa %q, %k, %v kv_lens(%l : tensor<4xi32>)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c12_type(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %l: tensor<2xui32>) {
  // expected-error@+1 {{'attn.sdpa' op expects kv_lens of signless integer type, but got 'tensor<2xui32>'}}
  %o = attn.sdpa %q, %k, %v kv_lens(%l : tensor<2xui32>)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c13(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %t: tensor<4x5x7xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects additive to broadcast to [B, H, M, N] = [2, 4, 5, 6], but got 'tensor<4x5x7xf32>'}}
  %o = attn.sdpa %q, %k, %v additive(%t : tensor<4x5x7xf32>)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c13_rank(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %t: tensor<1x1x1x1x6xi1>) {
  // expected-error@+1 {{'attn.sdpa' op expects keep to broadcast to [B, H, M, N] = [2, 4, 5, 6], but got 'tensor<1x1x1x1x6xi1>'}}
  %o = attn.sdpa %q, %k, %v keep(%t : tensor<1x1x1x1x6xi1>)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c13_keep_type(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %t: tensor<6xi8>) {
  // expected-error@+1 {{'attn.sdpa' op expects keep of element type 'i1', but got 'tensor<6xi8>'}}
  %o = attn.sdpa %q, %k, %v keep(%t : tensor<6xi8>)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c13_additive_type(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>, %t: tensor<6xi1>) {
  // expected-error@+1 {{'attn.sdpa' op expects additive of type f64, f32, f16 or bf16, but got 'tensor<6xi1>'}}
  %o = attn.sdpa %q, %k, %v additive(%t : tensor<6xi1>)
    : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}
