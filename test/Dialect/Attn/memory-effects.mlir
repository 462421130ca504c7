// RUN: attn-opt %s --cse --loop-invariant-code-motion --canonicalize | FileCheck %s
// On tensors the ops have no effects: the same twice is one, and unused is none.
// On buffers they read their inputs and write their destinations.

// CHECK-LABEL: func.func @pure_on_tensors(
// CHECK-COUNT-1: attn.sdpa
// CHECK-NOT:     attn.
// CHECK:         return
func.func @pure_on_tensors(%q: tensor<2x4x5x8xf32>, %p: !attn.partial<f32>, %t: tensor<1x1x4x8xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>) {
  %a = attn.sdpa %q, %q, %q : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  %b = attn.sdpa %q, %q, %q : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  %m = attn.merge_heads %q : tensor<2x4x5x8xf32> -> tensor<2x5x32xf32>
  %r = attn.finalize %p outs(%t) layout(bhsd) : !attn.partial<f32>, tensor<1x1x4x8xf32> -> tensor<1x1x4x8xf32>
  return %a, %b : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>
}

// CHECK-LABEL: func.func @regions_tell_apart(
// CHECK-COUNT-2: attn.sdpa
func.func @regions_tell_apart(%q: tensor<2x4x5x8xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>) {
  %a = attn.sdpa %q, %q, %q : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
    mask(%b, %h, %m, %n) {
      %c = arith.cmpi sle, %n, %m : index
      attn.yield %c : i1
    }
  %d = attn.sdpa %q, %q, %q : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
    mask(%b, %h, %m, %n) {
      %c = arith.cmpi slt, %n, %m : index
      attn.yield %c : i1
    }
  return %a, %d : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>
}

// CHECK-LABEL: func.func @hoisted_out_of_a_loop(
// CHECK:         attn.sdpa
// CHECK:         scf.for
func.func @hoisted_out_of_a_loop(%q: tensor<2x4x5x8xf32>, %n: index) -> tensor<2x4x5x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %q) -> tensor<2x4x5x8xf32> {
    %o = attn.sdpa %q, %q, %q : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
    %s = linalg.add ins(%acc, %o : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>) outs(%acc : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
    scf.yield %s : tensor<2x4x5x8xf32>
  }
  return %r : tensor<2x4x5x8xf32>
}

// The product is written between the two groups: K is read again. Nothing that
// writes is dropped, an unused read is.
// CHECK-LABEL: func.func @buffers(
// CHECK-SAME:    %[[Q:.+]]: memref<1x1x4x8xf32>, %[[O:.+]]: memref<1x1x4x8xf32>
// CHECK:         %[[A:.+]] = attn.online_sdpa %[[Q]]
// CHECK-NEXT:    attn.finalize %[[A]] outs(%[[Q]])
// CHECK-NEXT:    %[[B:.+]] = attn.online_sdpa %[[Q]]
// CHECK-NEXT:    attn.finalize %[[B]] outs(%[[O]])
// CHECK-NEXT:    return
func.func @buffers(%q: memref<1x1x4x8xf32>, %o: memref<1x1x4x8xf32>, %s: f32, %i: index) {
  %a = attn.online_sdpa %q, %q, %q scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i) : memref<1x1x4x8xf32>, memref<1x1x4x8xf32>, memref<1x1x4x8xf32> -> !attn.partial<f32>
  attn.finalize %a outs(%q) layout(bhsd) : !attn.partial<f32>, memref<1x1x4x8xf32>
  %b = attn.online_sdpa %q, %q, %q scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i) : memref<1x1x4x8xf32>, memref<1x1x4x8xf32>, memref<1x1x4x8xf32> -> !attn.partial<f32>
  attn.finalize %b outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x4x8xf32>
  %c = attn.online_sdpa %o, %o, %o scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i) : memref<1x1x4x8xf32>, memref<1x1x4x8xf32>, memref<1x1x4x8xf32> -> !attn.partial<f32>
  return
}

// A call may do anything.
// CHECK-LABEL: func.func @calls_stay(
// CHECK-COUNT-2: attn.parallel_call @body
func.func @calls_stay(%n: index, %x: memref<?xf32>) {
  attn.parallel_call @body(%n) args(%x) : memref<?xf32>
  attn.parallel_call @body(%n) args(%x) : memref<?xf32>
  return
}
func.func private @body(%i: index, %x: memref<?xf32>)
