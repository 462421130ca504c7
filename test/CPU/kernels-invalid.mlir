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
