// RUN: attn-opt %s --split-input-file --verify-diagnostics
// One function per constraint of dialects/attn/README.md, named after it.

func.func @gather_pages_c1(%p: tensor<9x16x8xf32>, %t: tensor<3x4xi32>, %l: tensor<3xi32>) {
  // expected-error@+1 {{'attn.gather_pages' op expects pool of rank 4, but got 'tensor<9x16x8xf32>'}}
  %r = attn.gather_pages %p, %t, %l : tensor<9x16x8xf32>, tensor<3x4xi32>, tensor<3xi32> -> tensor<3x2x64x8xf32>
  return
}

// -----

func.func @gather_pages_c1_table(%p: tensor<9x2x16x8xf32>, %t: tensor<12xi32>, %l: tensor<3xi32>) {
  // expected-error@+1 {{'attn.gather_pages' op expects table of rank 2, but got 'tensor<12xi32>'}}
  %r = attn.gather_pages %p, %t, %l : tensor<9x2x16x8xf32>, tensor<12xi32>, tensor<3xi32> -> tensor<3x2x64x8xf32>
  return
}

// -----

func.func @gather_pages_c1_lens(%p: tensor<9x2x16x8xf32>, %t: tensor<3x4xi32>, %l: tensor<3x1xi32>) {
  // expected-error@+1 {{'attn.gather_pages' op expects lens of rank 1, but got 'tensor<3x1xi32>'}}
  %r = attn.gather_pages %p, %t, %l : tensor<9x2x16x8xf32>, tensor<3x4xi32>, tensor<3x1xi32> -> tensor<3x2x64x8xf32>
  return
}

// -----

func.func @gather_pages_c1_result(%p: tensor<9x2x16x8xf32>, %t: tensor<3x4xi32>, %l: tensor<3xi32>) {
  // expected-error@+1 {{'attn.gather_pages' op expects result of rank 4, but got 'tensor<3x128x8xf32>'}}
  %r = attn.gather_pages %p, %t, %l : tensor<9x2x16x8xf32>, tensor<3x4xi32>, tensor<3xi32> -> tensor<3x128x8xf32>
  return
}

// -----

func.func @gather_pages_c2(%p: tensor<9x2x16x8xi8>, %t: tensor<3x4xi32>, %l: tensor<3xi32>) {
  // expected-error@+1 {{'attn.gather_pages' op expects pool of type f64, f32, f16 or bf16, but got 'tensor<9x2x16x8xi8>'}}
  %r = attn.gather_pages %p, %t, %l : tensor<9x2x16x8xi8>, tensor<3x4xi32>, tensor<3xi32> -> tensor<3x2x64x8xi8>
  return
}

// -----

func.func @gather_pages_c2_result(%p: tensor<9x2x16x8xf32>, %t: tensor<3x4xi32>, %l: tensor<3xi32>) {
  // expected-error@+1 {{'attn.gather_pages' op expects result of element type 'f32', but got 'tensor<3x2x64x8xf16>'}}
  %r = attn.gather_pages %p, %t, %l : tensor<9x2x16x8xf32>, tensor<3x4xi32>, tensor<3xi32> -> tensor<3x2x64x8xf16>
  return
}

// -----

func.func @gather_pages_c3(%p: tensor<9x2x16x8xf32>, %t: tensor<3x4xf32>, %l: tensor<3xi32>) {
  // expected-error@+1 {{'attn.gather_pages' op expects table of signless integer type, but got 'tensor<3x4xf32>'}}
  %r = attn.gather_pages %p, %t, %l : tensor<9x2x16x8xf32>, tensor<3x4xf32>, tensor<3xi32> -> tensor<3x2x64x8xf32>
  return
}

// -----

func.func @gather_pages_c3_lens(%p: tensor<9x2x16x8xf32>, %t: tensor<3x4xi32>, %l: tensor<3xi1>) {
  // expected-error@+1 {{'attn.gather_pages' op expects lens of signless integer type, but got 'tensor<3xi1>'}}
  %r = attn.gather_pages %p, %t, %l : tensor<9x2x16x8xf32>, tensor<3x4xi32>, tensor<3xi1> -> tensor<3x2x64x8xf32>
  return
}

// -----

func.func @gather_pages_c4(%p: tensor<9x2x16x8xf32>, %t: tensor<3x4xi32>, %l: tensor<3xi32>) {
  // expected-error@+1 {{'attn.gather_pages' op expects result of shape [3, 2, 64, 8], but got 'tensor<3x2x60x8xf32>'}}
  %r = attn.gather_pages %p, %t, %l : tensor<9x2x16x8xf32>, tensor<3x4xi32>, tensor<3xi32> -> tensor<3x2x60x8xf32>
  return
}

// -----

func.func @gather_pages_c4_lens(%p: tensor<9x2x16x8xf32>, %t: tensor<3x4xi32>, %l: tensor<2xi32>) {
  // expected-error@+1 {{'attn.gather_pages' op expects size of lens (2) to equal B (3)}}
  %r = attn.gather_pages %p, %t, %l : tensor<9x2x16x8xf32>, tensor<3x4xi32>, tensor<2xi32> -> tensor<3x2x64x8xf32>
  return
}
