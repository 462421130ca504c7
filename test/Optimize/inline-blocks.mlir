// RUN: attn-opt %s --attn-optimize-inline-blocks | FileCheck %s
// RUN: attn-opt %s --attn-optimize-inline-blocks=all | FileCheck %s --check-prefix=ALL
// RUN: attn-opt %s --attn-optimize=without=inline-blocks | FileCheck %s --check-prefix=OFF

func.func private @block(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x?x2xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(2)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}
func.func private @other(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x?x2xf32> {
  return %x : tensor<1x?x2xf32>
}
func.func private @through(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x?x2xf32> {
  %y = call @block(%x, %w) : (tensor<1x?x2xf32>, tensor<2x2xf32>) -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}

// Called with a constant and with an argument; what holds no block stays a call.
// CHECK-LABEL: func.func @calls(
// CHECK-SAME:    %[[X:.+]]: tensor<1x?x2xf32>, %[[W:.+]]: tensor<2x2xf32>
// CHECK:         %[[C:.+]] = arith.constant
// CHECK:         %[[Y:.+]] = attn.mha %[[X]] weights(%[[C]], %[[C]], %[[C]], %[[C]])
// CHECK:         %[[Z:.+]] = call @block(%[[Y]], %[[W]])
// CHECK:         call @other(%[[Z]], %[[C]])
// ALL-LABEL:   func.func @calls(
// ALL:           attn.mha
// ALL:           attn.mha
// ALL:           call @other(
// OFF-LABEL:   func.func @calls(
// OFF-COUNT-3:   call @
func.func @calls(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x?x2xf32> {
  %c = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %y = call @block(%x, %c) : (tensor<1x?x2xf32>, tensor<2x2xf32>) -> tensor<1x?x2xf32>
  %z = call @block(%y, %w) : (tensor<1x?x2xf32>, tensor<2x2xf32>) -> tensor<1x?x2xf32>
  %o = call @other(%z, %c) : (tensor<1x?x2xf32>, tensor<2x2xf32>) -> tensor<1x?x2xf32>
  return %o : tensor<1x?x2xf32>
}

// Through a second function, all the way.
// ALL-LABEL: func.func @nested(
// ALL:         attn.mha
func.func @nested(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x?x2xf32> {
  %y = call @through(%x, %w) : (tensor<1x?x2xf32>, tensor<2x2xf32>) -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}

// ALL-LABEL: func.func @recursive(
// ALL:         call @recursive
func.func @recursive(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x?x2xf32> {
  %y = call @block(%x, %w) : (tensor<1x?x2xf32>, tensor<2x2xf32>) -> tensor<1x?x2xf32>
  %z = call @recursive(%y, %w) : (tensor<1x?x2xf32>, tensor<2x2xf32>) -> tensor<1x?x2xf32>
  return %z : tensor<1x?x2xf32>
}
