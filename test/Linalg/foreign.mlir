// What foreign graphs bring beside attention, and what does not bufferize as it stands.
// RUN: attn-opt %s --attn-linalg | FileCheck %s
// RUN: attn-run %s --input=5x7xf32=random:1 | FileCheck %s --check-prefix=NUMBERS

// CHECK-LABEL: func.func @foreign(
// CHECK-NOT:     linalg.softmax
// CHECK-NOT:     math.tanh {{.*}} : tensor
// CHECK:         linalg.generic
// CHECK:           math.tanh {{.*}} : f32
// CHECK:           math.exp {{.*}} : f32
// CHECK:           arith.divf {{.*}} : f32

// The weights of a row add up to 1, so that their mean is 1 / 7.
// NUMBERS: result #0: 5x7xf32, mean 0.142857,

func.func @foreign(%x: tensor<5x7xf32>) -> tensor<5x7xf32> {
  %t = math.tanh %x : tensor<5x7xf32>
  %s = arith.addf %t, %x : tensor<5x7xf32>
  %e = tensor.empty() : tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  return %p : tensor<5x7xf32>
}
