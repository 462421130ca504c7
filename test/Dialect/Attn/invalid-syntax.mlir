// RUN: attn-opt %s --split-input-file --verify-diagnostics
// What the assembly forms refuse, each by one message at the word.

func.func @unknown_clause(%q: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{knows no clause 'dropout'}}
  %o = attn.sdpa %q, %q, %q dropout(%p) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @unknown_mha_clause(%x: tensor<2x5x8xf32>) {
  // expected-error@+1 {{knows no clause 'layout'}}
  %y = attn.mha %x layout(bshd) : tensor<2x5x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @repeated_clause(%q: tensor<2x4x5x8xf32>, %a: f32, %b: f32) {
  // expected-error@+1 {{repeats the clause 'scale'}}
  %o = attn.sdpa %q, %q, %q scale(%a) scale(%b) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @causal_word(%q: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expects top_left, bottom_right or an index value, but got middle}}
  %o = attn.sdpa %q, %q, %q causal(middle) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @layout_word(%q: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expects a layout that orders the letters b, h, s, d, but got bshh}}
  %o = attn.sdpa %q, %q, %q layout(bshh, bhsd, bhsd, bhsd) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @layout_count(%q: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expects 4 layouts, but got 2}}
  %o = attn.sdpa %q, %q, %q layout(bhsd, bhsd) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @returns_word(%q: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expects one of lse, weights, but got scores}}
  %o, %l = attn.sdpa %q, %q, %q returns(scores) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>, tensor<2x4x5x5xf32>
  return
}

// -----

func.func @result_count(%q: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expects 2 result types, but got 1}}
  %o, %l = attn.sdpa %q, %q, %q returns(lse) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @region_arguments(%q: tensor<2x4x5x8xf32>) {
  %o = attn.sdpa %q, %q, %q : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
    // expected-error@+1 {{expects 4 region arguments, but got 2}}
    mask(%m, %n) {
      %c = arith.cmpi sle, %n, %m : index
      attn.yield %c : i1
    }
  return
}

// -----

func.func @captured_from_above(%q: tensor<2x4x5x8xf32>, %limit: index) {
  %o = attn.sdpa %q, %q, %q : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
    mask(%b, %h, %m, %n) {
      // expected-error@+1 {{use of undeclared SSA value name}}
      %c = arith.cmpi slt, %n, %limit : index
      attn.yield %c : i1
    }
  return
}

// -----

func.func @heads_zero(%x: tensor<2x5x8xf32>) {
  // expected-error@+1 {{'attn.split_heads' op attribute 'heads' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %h = attn.split_heads %x heads(0) : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  return
}

// -----

func.func @heads_missing(%x: tensor<2x5x8xf32>, %w: tensor<8x8xf32>) {
  // expected-error@+1 {{'attn.mha' op requires attribute 'heads'}}
  %y = attn.mha %x weights(%w, %w, %w, %w) : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @types_missing(%x: tensor<2x5x8xf32>, %w: tensor<8x8xf32>) {
  // expected-error@+1 {{number of operands and types do not match: got 5 operands and 2 types}}
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(4) : tensor<2x5x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

// expected-error@+1 {{expects key_block (100) to be a multiple of key_rows (8)}}
#plan = #attn.plan<room = cpu, form = flash, key_rows = 8, key_block = 100>

// -----

// expected-error@+1 {{expects every size of a plan to be >= 1, but got 0}}
#plan = #attn.plan<room = cpu, form = flash, lanes = 0>

// -----

// expected-error@+1 {{expects an accumulator of type f32 or f64, but got 'f16'}}
func.func private @partial_of_f16(!attn.partial<f16>)

// -----

func.func @memref_sdpa(%q: memref<2x4x5x8xf32>) {
  // expected-error@+1 {{'attn.sdpa' op operand #0 must be ranked tensor of any type values, but got 'memref<2x4x5x8xf32>'}}
  %o = attn.sdpa %q, %q, %q : memref<2x4x5x8xf32>, memref<2x4x5x8xf32>, memref<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  return
}

// -----

// expected-error@+1 {{expects bf16_products in room cpu, form flash, with 16 lanes}}
#plan = #attn.plan<room = cpu, form = flash, lanes = 8, bf16_products = true>
