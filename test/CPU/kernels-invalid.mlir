// RUN: attn-opt %s --attn-cpu-kernels=lanes=16 --split-input-file --verify-diagnostics

func.func @no_plan(%q: memref<1x1x48x64xf32>, %k: memref<1x1x?x64xf32>, %o: memref<1x1x48x64xf32>,
                   %scale: f32, %b: index, %lo: index, %hi: index) {
  // expected-error @below {{expects a plan: run attn-fuse-plan first}}
  %p = attn.online_sdpa %q, %k, %k scale(%scale) keys(%lo to %hi, full %lo to %hi) tile(%b, %b, %b) of(%b, %b)
    : memref<1x1x48x64xf32>, memref<1x1x?x64xf32>, memref<1x1x?x64xf32> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x48x64xf32>
  return
}

// -----

func.func @no_producer(%p: !attn.partial<f32>, %o: memref<1x1x48x64xf32>) {
  // expected-error @below {{expects a partial result made by one attn.online_sdpa for it alone}}
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x48x64xf32>
  return
}

// -----

func.func @tensors(%x: tensor<8x40xf32>, %w: tensor<1x40x32xf32>, %y: tensor<8x32xf32>) -> tensor<8x32xf32> {
  // expected-error @below {{expects buffers, but got 'tensor<1x40x32xf32>'}}
  %r = attn.packed_matmul %x, %w outs(%y) : tensor<8x40xf32>, tensor<1x40x32xf32>, tensor<8x32xf32> -> tensor<8x32xf32>
  return %r : tensor<8x32xf32>
}

// -----

func.func @two_panels(%x: memref<8x40xf32>, %w: memref<2x40x16xf32>, %y: memref<8x32xf32>) {
  // expected-error @below {{expects one panel of a multiple of 16 columns, but got 'memref<2x40x16xf32>'}}
  attn.packed_matmul %x, %w outs(%y) : memref<8x40xf32>, memref<2x40x16xf32>, memref<8x32xf32>
  return
}

// -----

func.func @two_heads(%q: memref<1x2x4x64xf32>, %k: memref<1x1x?x64xf32>, %o: memref<1x2x4x64xf32>, %scale: f32, %b: index) {
  // expected-error @below {{expects one query head where the plan's form is not decode, but got 2}}
  %p = attn.online_sdpa %q, %k, %k scale(%scale) keys(%b to %b, full %b to %b) tile(%b, %b, %b) of(%b, %b)
      {plan = #attn.plan<room = cpu, form = flash, lanes = 16>}
    : memref<1x2x4x64xf32>, memref<1x1x?x64xf32>, memref<1x1x?x64xf32> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x2x4x64xf32>
  return
}

// -----

func.func @open_queries(%q: memref<1x1x?x64xf32>, %k: memref<1x1x?x64xf32>, %o: memref<1x1x?x64xf32>, %scale: f32, %b: index) {
  // expected-error @below {{expects a known number of queries where the plan's form is decode}}
  %p = attn.online_sdpa %q, %k, %k scale(%scale) keys(%b to %b, full %b to %b) tile(%b, %b, %b) of(%b, %b)
      {plan = #attn.plan<room = cpu, form = decode, lanes = 16, key_block = 32>}
    : memref<1x1x?x64xf32>, memref<1x1x?x64xf32>, memref<1x1x?x64xf32> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x?x64xf32>
  return
}

// -----

func.func @many_rows(%q: memref<1x4x5x64xf32>, %k: memref<1x1x?x64xf32>, %o: memref<1x4x5x64xf32>, %scale: f32, %b: index) {
  // expected-error @below {{expects as many rows of heads and queries as lanes (16) at most where the plan's form is decode, but got 4 x 5}}
  %p = attn.online_sdpa %q, %k, %k scale(%scale) keys(%b to %b, full %b to %b) tile(%b, %b, %b) of(%b, %b)
      {plan = #attn.plan<room = cpu, form = decode, lanes = 16, key_block = 32>}
    : memref<1x4x5x64xf32>, memref<1x1x?x64xf32>, memref<1x1x?x64xf32> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x4x5x64xf32>
  return
}

// -----

func.func @odd_block(%q: memref<1x1x1x64xf32>, %k: memref<1x1x?x64xf32>, %o: memref<1x1x1x64xf32>, %scale: f32, %b: index) {
  // expected-error @below {{expects lanes and key_block to be powers of two, key_block the larger, where the plan's form is decode, but got #attn.plan<}}
  %p = attn.online_sdpa %q, %k, %k scale(%scale) keys(%b to %b, full %b to %b) tile(%b, %b, %b) of(%b, %b)
      {plan = #attn.plan<room = cpu, form = decode, lanes = 16, key_block = 8>}
    : memref<1x1x1x64xf32>, memref<1x1x?x64xf32>, memref<1x1x?x64xf32> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x1x64xf32>
  return
}

// -----

func.func @no_bf16_products(%q: memref<1x1x4x64xbf16>, %k: memref<1x1x?x64xbf16>, %o: memref<1x1x4x64xbf16>, %scale: f32, %b: index) {
  // expected-error @below {{expects a target with avx512bf16 where the plan has bf16_products}}
  %p = attn.online_sdpa %q, %k, %k scale(%scale) keys(%b to %b, full %b to %b) tile(%b, %b, %b) of(%b, %b)
      {plan = #attn.plan<room = cpu, form = flash, lanes = 16, key_block = 64, bf16_products = true>}
    : memref<1x1x4x64xbf16>, memref<1x1x?x64xbf16>, memref<1x1x?x64xbf16> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x4x64xbf16>
  return
}
