// Arguments with an attn.name take the tensor of that name out of one file; the others come from
// --input.

// RUN: %python %S/Inputs/write_safetensors.py %t.safetensors
// RUN: attn-run %s --entry=f --weights=@%t.safetensors --input=3xf32=1 --print | FileCheck %s
// CHECK: [11, 21, 31]
// RUN: attn-run %s --entry=f --input=3xf32=1 --input=3xf32=2 --print | FileCheck %s --check-prefix=PLAIN
// PLAIN: [3, 3, 3]
// RUN: not attn-run %s --entry=misnamed --weights=@%t.safetensors --input=3xf32=1 2>&1 | FileCheck %s --match-full-lines --check-prefix=NAME
// NAME: error: argument #1 ('layer.1.bias'): '{{[^ ]+}}.safetensors': expected a tensor named 'layer.1.bias', found layer.0.bias
// RUN: not attn-run %s --entry=misshaped --weights=@%t.safetensors --input=4xf32=1 2>&1 | FileCheck %s --match-full-lines --check-prefix=SHAPE
// SHAPE: error: argument #1 ('layer.0.bias'): expected 4xf32, but got 3xf32

func.func @f(%x: tensor<3xf32>, %b: tensor<3xf32> {attn.weight, attn.name = "layer.0.bias"}) -> tensor<3xf32> {
  %empty = tensor.empty() : tensor<3xf32>
  %y = linalg.add ins(%x, %b : tensor<3xf32>, tensor<3xf32>) outs(%empty : tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

func.func @misnamed(%x: tensor<3xf32>, %b: tensor<3xf32> {attn.weight, attn.name = "layer.1.bias"}) -> tensor<3xf32> {
  return %b : tensor<3xf32>
}

func.func @misshaped(%x: tensor<4xf32>, %b: tensor<4xf32> {attn.weight, attn.name = "layer.0.bias"}) -> tensor<4xf32> {
  return %b : tensor<4xf32>
}
