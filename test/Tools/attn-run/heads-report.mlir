// What each head is worth, as a table that attn-optimize can be told of.

// RUN: attn-run %s --entry=two --input=1x9x8xf32=random:1 --input=8x8xf32=random:2 --heads-report --target=linalg | FileCheck %s
// RUN: attn-run %s --entry=two --input=1x0x8xf32=random:1 --input=8x8xf32=random:2 --heads-report --target=linalg | FileCheck %s --check-prefix=EMPTY
// RUN: not attn-run %s --entry=none --input=2xf32=random:1 --heads-report 2>&1 | FileCheck %s --match-full-lines --check-prefix=NONE

// CHECK:      result #0: 1x9x8xf32
// CHECK-NEXT: head   kind     entropy distance  sink  looks like    writes like   contribution     drop
// CHECK-NEXT: 0.0 {{.*}} 0.1 {{.*}} 0.1
// CHECK-NEXT: 0.1 {{.*}} 0.0 {{.*}} 0.0
// CHECK-NEXT: 1.0 {{.*}} - - 1.0000 1.0000
// CHECK-NEXT: smallest drop first: {{.*}}1.0

// EMPTY: 0.0    no query keeps a key, or weights are not finite
// NONE: error: --heads-report: expected an attn.mha in 'none', found none

func.func @two(%x: tensor<1x?x8xf32>, %w: tensor<8x8xf32>) -> tensor<1x?x8xf32> {
  %y = call @block(%x, %w) : (tensor<1x?x8xf32>, tensor<8x8xf32>) -> tensor<1x?x8xf32>
  %z = attn.mha %y weights(%w, %w, %w, %w) heads(1)
    : tensor<1x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<1x?x8xf32>
  return %z : tensor<1x?x8xf32>
}
func.func private @block(%x: tensor<1x?x8xf32>, %w: tensor<8x8xf32>) -> tensor<1x?x8xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(2)
    : tensor<1x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<1x?x8xf32>
  return %y : tensor<1x?x8xf32>
}
func.func @none(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
