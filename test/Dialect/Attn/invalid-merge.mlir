// RUN: attn-opt %s --split-input-file --verify-diagnostics
// One function per constraint of dialects/attn/README.md, named after it.

func.func @merge_c1(%o: tensor<1x4x2x8xf32>, %l: tensor<3x1x4x2xf32>) {
  // expected-error@+1 {{'attn.merge' op expects parts of rank 5, but got 'tensor<1x4x2x8xf32>'}}
  %r = attn.merge %o, %l : tensor<1x4x2x8xf32>, tensor<3x1x4x2xf32> -> tensor<1x4x2x8xf32>
  return
}

// -----

func.func @merge_c1_lses(%o: tensor<3x1x4x2x8xf32>, %l: tensor<3x4x2xf32>) {
  // expected-error@+1 {{'attn.merge' op expects lses of the parts of rank 4, but got 'tensor<3x4x2xf32>'}}
  %r = attn.merge %o, %l : tensor<3x1x4x2x8xf32>, tensor<3x4x2xf32> -> tensor<1x4x2x8xf32>
  return
}

// -----

func.func @merge_c1_output(%o: tensor<3x1x4x2x8xf32>, %l: tensor<3x1x4x2xf32>) {
  // expected-error@+1 {{'attn.merge' op expects output of rank 4, but got 'tensor<4x2x8xf32>'}}
  %r = attn.merge %o, %l : tensor<3x1x4x2x8xf32>, tensor<3x1x4x2xf32> -> tensor<4x2x8xf32>
  return
}

// -----

func.func @merge_c2(%o: tensor<3x1x4x2x8xi32>, %l: tensor<3x1x4x2xf32>) {
  // expected-error@+1 {{'attn.merge' op expects parts of type f64, f32, f16 or bf16, but got 'tensor<3x1x4x2x8xi32>'}}
  %r = attn.merge %o, %l : tensor<3x1x4x2x8xi32>, tensor<3x1x4x2xf32> -> tensor<1x4x2x8xf32>
  return
}

// -----

func.func @merge_c2_output(%o: tensor<3x1x4x2x8xf32>, %l: tensor<3x1x4x2xf32>) {
  // expected-error@+1 {{'attn.merge' op expects an output that accumulates in 'f32' as the parts do, but got 'tensor<1x4x2x8xf64>'}}
  %r = attn.merge %o, %l : tensor<3x1x4x2x8xf32>, tensor<3x1x4x2xf32> -> tensor<1x4x2x8xf64>
  return
}

// -----

func.func @merge_c2_lses(%o: tensor<3x1x4x2x8xbf16>, %l: tensor<3x1x4x2xbf16>) {
  // expected-error@+1 {{'attn.merge' op expects lses of the parts of element type 'f32', but got 'tensor<3x1x4x2xbf16>'}}
  %r = attn.merge %o, %l : tensor<3x1x4x2x8xbf16>, tensor<3x1x4x2xbf16> -> tensor<1x4x2x8xbf16>
  return
}

// -----

func.func @merge_c3(%o: tensor<3x1x4x2x8xf32>, %l: tensor<2x1x4x2xf32>) {
  // expected-error@+1 {{'attn.merge' op expects lses of the parts of shape [3, 1, 4, 2], but got 'tensor<2x1x4x2xf32>'}}
  %r = attn.merge %o, %l : tensor<3x1x4x2x8xf32>, tensor<2x1x4x2xf32> -> tensor<1x4x2x8xf32>
  return
}

// -----

func.func @merge_c4(%o: tensor<3x1x4x2x8xf32>, %l: tensor<3x1x4x2xf32>) {
  // expected-error@+1 {{'attn.merge' op expects output of shape [1, 4, 2, 8], but got 'tensor<1x4x2x7xf32>'}}
  %r = attn.merge %o, %l : tensor<3x1x4x2x8xf32>, tensor<3x1x4x2xf32> -> tensor<1x4x2x7xf32>
  return
}

// -----

func.func @merge_c4_layout(%o: tensor<3x1x4x2x8xf32>, %l: tensor<3x1x4x2xf32>) {
  // expected-error@+1 {{'attn.merge' op expects output of shape [1, 2, 4, 8], but got 'tensor<1x4x2x8xf32>'}}
  %r = attn.merge %o, %l layout(bhsd, bshd) : tensor<3x1x4x2x8xf32>, tensor<3x1x4x2xf32> -> tensor<1x4x2x8xf32>
  return
}

// -----

func.func @merge_c4_lse(%o: tensor<3x1x4x2x8xf32>, %l: tensor<3x1x4x2xf32>) {
  // expected-error@+1 {{'attn.merge' op expects lse of shape [1, 4, 2], but got 'tensor<1x4x3xf32>'}}
  %r, %lse = attn.merge %o, %l : tensor<3x1x4x2x8xf32>, tensor<3x1x4x2xf32> -> tensor<1x4x2x8xf32>, tensor<1x4x3xf32>
  return
}

// -----

func.func @merge_c4_element(%o: tensor<3x1x4x2x8xf32>, %l: tensor<3x1x4x2xf32>) {
  // expected-error@+1 {{'attn.merge' op expects lse of element type 'f32', but got 'tensor<1x4x2xf64>'}}
  %r, %lse = attn.merge %o, %l : tensor<3x1x4x2x8xf32>, tensor<3x1x4x2xf32> -> tensor<1x4x2x8xf32>, tensor<1x4x2xf64>
  return
}

// -----

func.func @merge_c5(%o: tensor<3x1x4x2x8xf32>, %l: tensor<3x1x4x2xf32>, %s: tensor<3xf32>) {
  // expected-error@+1 {{'attn.merge' op expects size of sinks (3) to equal H (4)}}
  %r = attn.merge %o, %l sinks(%s : tensor<3xf32>) : tensor<3x1x4x2x8xf32>, tensor<3x1x4x2xf32> -> tensor<1x4x2x8xf32>
  return
}

// -----

func.func @merge_c5_element(%o: tensor<3x1x4x2x8xf32>, %l: tensor<3x1x4x2xf32>, %s: tensor<4xi32>) {
  // expected-error@+1 {{'attn.merge' op expects sinks of type f64, f32, f16 or bf16, but got 'tensor<4xi32>'}}
  %r = attn.merge %o, %l sinks(%s : tensor<4xi32>) : tensor<3x1x4x2x8xf32>, tensor<3x1x4x2xf32> -> tensor<1x4x2x8xf32>
  return
}
