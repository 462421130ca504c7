// Attention in the body of a loop is raised; round a loop of blocks it is not; of no queries and no keys it is one like others.
// RUN: attn-opt %s --attn-raise 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=SUMMARY < %t
// SUMMARY: remark: raised 2 of 3; @cycle line {{[0-9]+}} not raised: the scores are no function of one product of queries and keys as [b, h, s, d]{{$}}

// CHECK-LABEL: @zero(
// CHECK: attn.sdpa {{.*}} -> tensor<1x1x0x4xf32>
func.func @zero(%q: tensor<0x8xf32>, %k: tensor<8x0xf32>, %v: tensor<0x4xf32>) -> tensor<0x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<0x0xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<0x0xf32>) -> tensor<0x0xf32>
  %s = linalg.matmul ins(%q, %k : tensor<0x8xf32>, tensor<8x0xf32>) outs(%i : tensor<0x0xf32>) -> tensor<0x0xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<0x0xf32>) outs(%e : tensor<0x0xf32>) -> tensor<0x0xf32>
  %oe = tensor.empty() : tensor<0x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<0x4xf32>) -> tensor<0x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<0x0xf32>, tensor<0x4xf32>) outs(%oi : tensor<0x4xf32>) -> tensor<0x4xf32>
  return %o : tensor<0x4xf32>
}

// CHECK-LABEL: @loop(
// CHECK: scf.for
// CHECK: attn.sdpa
// CHECK: scf.yield
func.func @loop(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x8xf32>) -> tensor<5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r = scf.for %it = %c0 to %c3 step %c1 iter_args(%x = %q) -> tensor<5x8xf32> {
    %e = tensor.empty() : tensor<5x7xf32>
    %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
    %s = linalg.matmul ins(%x, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
    %p = linalg.softmax dimension(1) ins(%s : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
    %oe = tensor.empty() : tensor<5x8xf32>
    %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x8xf32>) -> tensor<5x8xf32>
    %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x8xf32>) outs(%oi : tensor<5x8xf32>) -> tensor<5x8xf32>
    scf.yield %o : tensor<5x8xf32>
  }
  return %r : tensor<5x8xf32>
}

// CHECK-LABEL: @cycle(
// CHECK-NOT: attn
// CHECK: linalg.softmax
func.func @cycle(%c: i1, %q: tensor<5x8xf32>, %k: tensor<8x8xf32>, %v: tensor<8x8xf32>) -> tensor<5x8xf32> {
  %zero = arith.constant 0.0 : f32
  cf.br ^body(%q : tensor<5x8xf32>)
^body(%s: tensor<5x8xf32>):
  %e = tensor.empty() : tensor<5x8xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x8xf32>) -> tensor<5x8xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<5x8xf32>) outs(%e : tensor<5x8xf32>) -> tensor<5x8xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x8xf32>, tensor<8x8xf32>) outs(%i : tensor<5x8xf32>) -> tensor<5x8xf32>
  %s2 = linalg.matmul ins(%o, %k : tensor<5x8xf32>, tensor<8x8xf32>) outs(%i : tensor<5x8xf32>) -> tensor<5x8xf32>
  cf.cond_br %c, ^body(%s2 : tensor<5x8xf32>), ^end
^end:
  return %o : tensor<5x8xf32>
}
