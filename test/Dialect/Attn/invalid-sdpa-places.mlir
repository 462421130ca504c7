// RUN: attn-opt %s --split-input-file --verify-diagnostics
// One function per constraint of dialects/attn/README.md, named after it.

func.func @sdpa_c24(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects chunked to be >= 1, but got 0}}
  %o = attn.sdpa %q, %k, %k chunked(0) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c24_dilated(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects dilated to be >= 1, but got -2}}
  %o = attn.sdpa %q, %k, %k dilated(-2) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c25(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %p: f32) {
  // expected-error@+1 {{'attn.sdpa' op expects prefix to be an index or a tensor of integers, but got 'f32'}}
  %o = attn.sdpa %q, %k, %k causal(top_left) prefix(%p : f32) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c25_size(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %p: tensor<3xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects size of prefix (3) to equal B (2)}}
  %o = attn.sdpa %q, %k, %k causal(top_left) prefix(%p : tensor<3xi32>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c25_element(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %p: tensor<2xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects prefix of signless integer type, but got 'tensor<2xf32>'}}
  %o = attn.sdpa %q, %k, %k causal(top_left) prefix(%p : tensor<2xf32>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c25_alone(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %p: index) {
  // expected-error@+1 {{'attn.sdpa' op expects causal(...) beside prefix, but got none}}
  %o = attn.sdpa %q, %k, %k prefix(%p : index) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c26(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %d: tensor<5xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects documents of two tensors where queries (5) and keys (6) differ in number, but got one}}
  %o = attn.sdpa %q, %k, %k documents(%d : tensor<5xi32>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c26_count(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %d: tensor<5xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects documents of one tensor or of two (of the queries, of the keys), but got 3}}
  %o = attn.sdpa %q, %k, %k documents(%d, %d, %d : tensor<5xi32>, tensor<5xi32>, tensor<5xi32>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c26_offset(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x5x8xf32>, %d: tensor<5xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects documents of two tensors (of the queries, of the keys) where causal has an offset, but got one}}
  %o = attn.sdpa %q, %k, %k causal(bottom_right) documents(%d : tensor<5xi32>) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c26_rank(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x5x8xf32>, %d: tensor<2x1x5xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects documents of rank 1 or 2, but got 'tensor<2x1x5xi32>'}}
  %o = attn.sdpa %q, %k, %k documents(%d : tensor<2x1x5xi32>) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c26_shape(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %d: tensor<5xi32>, %e: tensor<2x5xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects documents of keys of shape [2, 6], but got 'tensor<2x5xi32>'}}
  %o = attn.sdpa %q, %k, %k documents(%d, %e : tensor<5xi32>, tensor<2x5xi32>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c26_element(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x5x8xf32>, %d: tensor<5xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects documents of signless integer type, but got 'tensor<5xf32>'}}
  %o = attn.sdpa %q, %k, %k documents(%d : tensor<5xf32>) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c26_elements(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %d: tensor<5xi32>, %e: tensor<6xi64>) {
  // expected-error@+1 {{'attn.sdpa' op expects documents of one element type, but got 'tensor<5xi32>' and 'tensor<6xi64>'}}
  %o = attn.sdpa %q, %k, %k documents(%d, %e : tensor<5xi32>, tensor<6xi64>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c27(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<3x2xi1>) {
  // expected-error@+1 {{'attn.sdpa' op expects block_sparse with two block sizes >= 1 (rows, columns)}}
  %o = attn.sdpa %q, %k, %k block_sparse(%t : tensor<3x2xi1>, 2, 0) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c27_rank(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<2xi1>) {
  // expected-error@+1 {{'attn.sdpa' op expects block_sparse of rank 2 to 4, but got 'tensor<2xi1>'}}
  %o = attn.sdpa %q, %k, %k block_sparse(%t : tensor<2xi1>, 2, 3) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c27_shape(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<2x2xi1>) {
  // expected-error@+1 {{'attn.sdpa' op expects block_sparse to broadcast to [B, H, M / rows, N / columns] = [2, 4, 3, 2], but got 'tensor<2x2xi1>'}}
  %o = attn.sdpa %q, %k, %k block_sparse(%t : tensor<2x2xi1>, 2, 3) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c27_element(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<3x2xi8>) {
  // expected-error@+1 {{'attn.sdpa' op expects block_sparse of element type 'i1', but got 'tensor<3x2xi8>'}}
  %o = attn.sdpa %q, %k, %k block_sparse(%t : tensor<3x2xi8>, 2, 3) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c28(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<5xi4>) {
  // expected-error@+1 {{'attn.sdpa' op expects at most 4 queries in a tree of 'i4', but got 5}}
  %o = attn.sdpa %q, %k, %k causal(bottom_right) tree(%t : tensor<5xi4>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c28_shape(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<3x5xi64>) {
  // expected-error@+1 {{'attn.sdpa' op expects tree of shape [2, 5], but got 'tensor<3x5xi64>'}}
  %o = attn.sdpa %q, %k, %k causal(bottom_right) tree(%t : tensor<3x5xi64>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c28_element(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<5xf64>) {
  // expected-error@+1 {{'attn.sdpa' op expects tree of signless integer type, but got 'tensor<5xf64>'}}
  %o = attn.sdpa %q, %k, %k causal(bottom_right) tree(%t : tensor<5xf64>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c28_alone(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<5xi64>) {
  // expected-error@+1 {{'attn.sdpa' op expects causal(...) beside tree, but got none}}
  %o = attn.sdpa %q, %k, %k tree(%t : tensor<5xi64>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c29(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<2x32xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects rows of relative_bias (2) to equal H (4)}}
  %o = attn.sdpa %q, %k, %k relative_bias(%t : tensor<2x32xf32>, 128) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c29_rank(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<4xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects relative_bias of rank 2, but got 'tensor<4xf32>'}}
  %o = attn.sdpa %q, %k, %k relative_bias(%t : tensor<4xf32>, 128) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c29_element(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<4x32xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects relative_bias of type f64, f32, f16 or bf16, but got 'tensor<4x32xi32>'}}
  %o = attn.sdpa %q, %k, %k relative_bias(%t : tensor<4x32xi32>, 128) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c29_buckets(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<4x?xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects relative_bias with a known number of buckets, at least 2, but got 'tensor<4x?xf32>'}}
  %o = attn.sdpa %q, %k, %k relative_bias(%t : tensor<4x?xf32>, 128) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c29_ways(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<4x2xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects relative_bias with a known number of buckets, even and at least 4, but got 'tensor<4x2xf32>'}}
  %o = attn.sdpa %q, %k, %k relative_bias(%t : tensor<4x2xf32>, 128, bidirectional) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c29_distance(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %t: tensor<4x32xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects relative_bias with a distance beyond its 16 exact buckets, but got 16}}
  %o = attn.sdpa %q, %k, %k relative_bias(%t : tensor<4x32xf32>, 16) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c30(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %a: tensor<3xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects ragged of two tensors (of the queries, of the keys), but got 1}}
  %o = attn.sdpa %q, %k, %k ragged(%a : tensor<3xi32>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c30_rank(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %a: tensor<3xi32>, %b: tensor<1x3xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects ragged of rank 1, but got 'tensor<1x3xi32>'}}
  %o = attn.sdpa %q, %k, %k ragged(%a, %b : tensor<3xi32>, tensor<1x3xi32>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c30_element(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %a: tensor<3xi32>, %b: tensor<3xf32>) {
  // expected-error@+1 {{'attn.sdpa' op expects ragged of signless integer type, but got 'tensor<3xf32>'}}
  %o = attn.sdpa %q, %k, %k ragged(%a, %b : tensor<3xi32>, tensor<3xf32>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c30_size(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %a: tensor<3xi32>, %b: tensor<4xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects size of ragged keys (4) to equal size of ragged queries (3)}}
  %o = attn.sdpa %q, %k, %k ragged(%a, %b : tensor<3xi32>, tensor<4xi32>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c30_offset(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %a: tensor<3xi32>, %b: tensor<3xi32>, %i: index) {
  // expected-error@+1 {{'attn.sdpa' op expects no causal(%offset) beside ragged}}
  %o = attn.sdpa %q, %k, %k causal(%i) ragged(%a, %b : tensor<3xi32>, tensor<3xi32>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c30_chunked(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %a: tensor<3xi32>, %b: tensor<3xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects no chunked beside ragged}}
  %o = attn.sdpa %q, %k, %k chunked(4) ragged(%a, %b : tensor<3xi32>, tensor<3xi32>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @sdpa_c30_lengths(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %a: tensor<3xi32>, %b: tensor<3xi32>, %l: tensor<2xi32>) {
  // expected-error@+1 {{'attn.sdpa' op expects no kv_lens beside ragged}}
  %o = attn.sdpa %q, %k, %k kv_lens(%l : tensor<2xi32>) ragged(%a, %b : tensor<3xi32>, tensor<3xi32>) : tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32> -> tensor<2x4x5x8xf32>
  return
}
