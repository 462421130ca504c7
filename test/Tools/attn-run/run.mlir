// One file on both targets: the same numbers, printed, summed up and written.

// RUN: attn-run %s --entry=rows --print --input=1x1x2x4xf32=0 --input=1x1x3x4xf32=0 --input=1x1x3x2xf32=1,2,4,5,7,8 | FileCheck %s
// RUN: attn-run %s --entry=rows --print --target=linalg --input=1x1x2x4xf32=0 --input=1x1x3x4xf32=0 --input=1x1x3x2xf32=1,2,4,5,7,8 | FileCheck %s
// RUN: attn-run %s --entry=length --input=7x2xf32=1 --print | FileCheck %s --check-prefix=NUMBERS
// RUN: attn-run %s --entry=nothing | count 0
// RUN: attn-run %s --entry=rows --threads=1 --output=%t.npy --input=1x1x2x4xf32=0 --input=1x1x3x4xf32=0 --input=1x1x3x2xf32=1,2,4,5,7,8
// RUN: attn-run %s --entry=scaled --print --input=@%t.npy --input=f32=2 | FileCheck %s --check-prefix=SCALED

// Equal scores: row m is the mean of the first m + 1 values.
// CHECK: result #0: 1x1x2x2xf32, mean 2.25, least 1, largest 3.5
// CHECK-NEXT: {{\[\[\[}}[1, 2],
// CHECK-NEXT: [2.5, 3.5]{{\]\]\]}}
func.func @rows(%q: tensor<1x1x?x4xf32>, %k: tensor<1x1x?x4xf32>, %v: tensor<1x1x?x2xf32>)
    -> tensor<1x1x?x2xf32> {
  %o = attn.sdpa %q, %k, %v causal(top_left)
    : tensor<1x1x?x4xf32>, tensor<1x1x?x4xf32>, tensor<1x1x?x2xf32> -> tensor<1x1x?x2xf32>
  return %o : tensor<1x1x?x2xf32>
}

// A number is an argument as well.
// SCALED: [5, 7]
func.func @scaled(%x: tensor<1x1x2x2xf32>, %s: f32) -> tensor<1x1x2x2xf32> {
  %empty = tensor.empty() : tensor<1x1x2x2xf32>
  %all = linalg.fill ins(%s : f32) outs(%empty : tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  %y = linalg.mul ins(%x, %all : tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>)
                  outs(%empty : tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  return %y : tensor<1x1x2x2xf32>
}

// NUMBERS: result #0: 7x2xf32
// NUMBERS: result #1: index, mean 7
func.func @length(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, index) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x2xf32>
  return %x, %n : tensor<?x2xf32>, index
}

func.func @nothing() {
  return
}
