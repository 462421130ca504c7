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
