// RUN: attn-opt %s --split-input-file --verify-diagnostics --attn-cpu-entry-abi

// expected-error @below {{'grow' has a result whose size depends on values; expected sizes that follow from the sizes of the arguments}}
func.func @grow(%n: tensor<index>) -> tensor<?xf32> {
  // expected-note @below {{through this operation}}
  %v = tensor.extract %n[] : tensor<index>
  %e = tensor.empty(%v) : tensor<?xf32>
  return %e : tensor<?xf32>
}

// -----

func.func @forever(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'forever' calls itself; expected functions that can be inlined into their entry}}
  %r = call @forever(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

// expected-error @below {{'jump' has several blocks; expected structured control flow (scf) in one block}}
func.func @jump(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^exit
^exit:
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{'buffers' takes a 'memref<4xf32>'; expected ranked tensors and scalars}}
func.func @buffers(%x: memref<4xf32>) {
  return
}

// -----

func.func @somebodys_tile(%q: tensor<1x1x4x8xf32>, %k: tensor<1x1x6x8xf32>, %bias: tensor<?xf32>, %row: index) -> tensor<1x1x4x8xf32> {
  %scale = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c6 = arith.constant 6 : index
  %of = arith.addi %row, %c4 : index
  %e = tensor.empty() : tensor<1x1x4x8xf32>
  // expected-error@+1 {{'attn.online_sdpa' op reads dimension 0 of capture #0 at affine_map<(d0, d1, d2, d3) -> (d2)>; expected positions and a tensor whose sizes follow from the arguments' sizes}}
  %p = attn.online_sdpa %q, %k, %k scale(%scale) keys(%c0 to %c6, full %c0 to %c6) tile(%c0, %c0, %row) of(%of, %c6) captures(%bias[m] : tensor<?xf32>)
    : tensor<1x1x4x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x8xf32> -> !attn.partial<f32>
    score(%s, %b, %h, %m, %n, %x) {
      %t = arith.addf %s, %x : f32
      attn.yield %t : f32
    }
  %f = attn.finalize %p outs(%e) layout(bhsd) : !attn.partial<f32>, tensor<1x1x4x8xf32> -> tensor<1x1x4x8xf32>
  return %f : tensor<1x1x4x8xf32>
}
