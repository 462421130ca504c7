// Keys and values of a memory are projected once.

// RUN: attn-opt %s --attn-split-heads --attn-split-heads-share-projections --remarks-filter=attn-split-heads 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: attn-opt %s --attn-optimize --attn-split-heads --attn-split-heads-share-projections | FileCheck %s --check-prefix=CALLS
// RUN: attn-opt %s --attn-cpu-pipeline="stop-after=split-heads without=share-projections" | FileCheck %s --check-prefix=OFF

// Two blocks of one memory: two products for the queries, two for keys and values, two behind.
// CHECK-LABEL: func.func @two_blocks(
// CHECK-COUNT-6: "reduction"
// CHECK-NOT:     "reduction"
// CHECK:         return
// REMARK: [Passed] ShareProjections | Category:attn-split-heads | Remark="another block has this projection: 32 FLOP and 16 bytes a row less"
// REMARK: [Passed] ShareProjections
// OFF-LABEL: func.func @two_blocks(
// OFF-COUNT-8: "reduction"
func.func @two_blocks(%x: tensor<1x?x4xf32>, %c: tensor<1x?x4xf32>, %w: tensor<4x4xf32>, %k: tensor<4x4xf32>, %v: tensor<4x4xf32>) -> tensor<1x?x4xf32> {
  %y = attn.mha %x context(%c) weights(%w, %k, %v, %w) heads(2)
    : tensor<1x?x4xf32>, tensor<1x?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32> -> tensor<1x?x4xf32>
  %z = attn.mha %y context(%c) weights(%w, %k, %v, %w) heads(2)
    : tensor<1x?x4xf32>, tensor<1x?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32> -> tensor<1x?x4xf32>
  return %z : tensor<1x?x4xf32>
}

// A decoder's turns look at the same memory.
// CHECK-LABEL: func.func @loop(
// CHECK-COUNT-2: "reduction"
// CHECK:         scf.for
// CHECK-COUNT-2: "reduction"
// CHECK-NOT:     "reduction"
// CHECK:         return
// REMARK: [Passed] {{.*}}projected once, before the loop: 32 FLOP and 16 bytes a row less in each further turn
func.func @loop(%x: tensor<1x?x4xf32>, %c: tensor<1x?x4xf32>, %w: tensor<4x4xf32>, %k: tensor<4x4xf32>, %v: tensor<4x4xf32>, %n: index) -> tensor<1x?x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%y = %x) -> tensor<1x?x4xf32> {
    %z = attn.mha %y context(%c) weights(%w, %k, %v, %w) heads(2)
      : tensor<1x?x4xf32>, tensor<1x?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32> -> tensor<1x?x4xf32>
    scf.yield %z : tensor<1x?x4xf32>
  }
  return %r : tensor<1x?x4xf32>
}

func.func private @cross(%x: tensor<1x?x4xf32>, %c: tensor<1x?x4xf32>, %w: tensor<4x4xf32>, %k: tensor<4x4xf32>, %v: tensor<4x4xf32>) -> tensor<1x?x4xf32> {
  %y = attn.mha %x context(%c) weights(%w, %k, %v, %w) heads(2)
    : tensor<1x?x4xf32>, tensor<1x?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32> -> tensor<1x?x4xf32>
  return %y : tensor<1x?x4xf32>
}

// Calls that share keys and values come in line; one of another memory stays a call.
// CALLS-LABEL: func.func @calls(
// CALLS-COUNT-6: "reduction"
// CALLS-NOT:     "reduction"
// CALLS:         call @cross
// CALLS-NOT:     call @cross
// CALLS:         return
func.func @calls(%x: tensor<1x?x4xf32>, %c: tensor<1x?x4xf32>, %d: tensor<1x?x4xf32>, %w: tensor<4x4xf32>, %k: tensor<4x4xf32>, %v: tensor<4x4xf32>) -> tensor<1x?x4xf32> {
  %y = call @cross(%x, %c, %w, %k, %v) : (tensor<1x?x4xf32>, tensor<1x?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<1x?x4xf32>
  %z = call @cross(%y, %c, %w, %k, %v) : (tensor<1x?x4xf32>, tensor<1x?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<1x?x4xf32>
  %u = call @cross(%z, %d, %w, %k, %v) : (tensor<1x?x4xf32>, tensor<1x?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<1x?x4xf32>
  return %u : tensor<1x?x4xf32>
}
