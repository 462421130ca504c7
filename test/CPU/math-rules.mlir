// Functions in rules that few rules need, against the scalar interpreter of attn-run.
// DEFINE: %{inputs} = --input=1x2x9x8xf32=random:1 --input=1x2x9x8xf32=random:2 --input=1x2x9x8xf32=random:3
// RUN: attn-run %s --entry=powers --check %{inputs} | FileCheck %s
// RUN: attn-run %s --entry=powers --target=linalg --check %{inputs} | FileCheck %s
// RUN: attn-run %s --entry=kinds --check %{inputs} | FileCheck %s
// RUN: attn-run %s --entry=kinds --target=linalg --check %{inputs} | FileCheck %s
// CHECK: check: attn.sdpa {{.*}}: ok

// Bases from -2 to 2 and powers from -4 to 4, both signs of 1 among them.
func.func @powers(%q: tensor<1x2x9x8xf32>, %k: tensor<1x2x9x8xf32>, %v: tensor<1x2x9x8xf32>) -> tensor<1x2x9x8xf32> {
  %o = attn.sdpa %q, %k, %v : tensor<1x2x9x8xf32>, tensor<1x2x9x8xf32>, tensor<1x2x9x8xf32> -> tensor<1x2x9x8xf32>
    score(%s, %b, %h, %m, %n) {
      %two = arith.constant 2 : i32
      %four = arith.constant 4 : i32
      %five = arith.constant 5 : i32
      %key = arith.index_cast %n : index to i32
      %query = arith.index_cast %m : index to i32
      %fifth = arith.remsi %key, %five : i32
      %base = arith.subi %fifth, %two : i32
      %power = arith.subi %query, %four : i32
      %y = math.ipowi %base, %power : i32
      %i = math.ipowi %n, %m : index
      %low = arith.index_cast %i : index to i32
      %ten = arith.constant 10 : i32
      %digit = arith.remsi %low, %ten : i32
      %sum = arith.addi %y, %digit : i32
      %number = arith.sitofp %sum : i32 to f32
      %r = arith.addf %s, %number : f32
      attn.yield %r : f32
    }
  return %o : tensor<1x2x9x8xf32>
}

// Keys 0 to 8 give infinities, a NaN, subnormal and normal numbers.
func.func @kinds(%q: tensor<1x2x9x8xf32>, %k: tensor<1x2x9x8xf32>, %v: tensor<1x2x9x8xf32>) -> tensor<1x2x9x8xf32> {
  %o = attn.sdpa %q, %k, %v : tensor<1x2x9x8xf32>, tensor<1x2x9x8xf32>, tensor<1x2x9x8xf32> -> tensor<1x2x9x8xf32>
    score(%s, %b, %h, %m, %n) {
      %four = arith.constant 4.0 : f32
      %least = arith.constant 1.17549435e-38 : f32
      %tiny = arith.constant 3.0e-39 : f32
      %key = arith.index_cast %n : index to i32
      %number = arith.sitofp %key : i32 to f32
      %shifted = arith.subf %number, %four : f32
      %divided = arith.divf %number, %shifted : f32
      %small = arith.mulf %tiny, %number : f32
      %a = math.isinf %divided : f32
      %b1 = math.isnormal %small : f32
      %c = math.isnormal %least : f32
      %x = arith.select %a, %four, %s : f32
      %half = arith.constant 0.5 : f32
      %up = arith.addf %x, %half : f32
      %y = arith.select %b1, %up, %x : f32
      %z = arith.select %c, %y, %number : f32
      %low = arith.constant -0.5 : f32
      %r = math.clampf %z to [%low, %four] : f32
      attn.yield %r : f32
    }
  return %o : tensor<1x2x9x8xf32>
}
