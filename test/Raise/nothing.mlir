// Files without attention, with halves of it, or with halves on both sides of a call, of a branch, or of a rank that is not known: left as
// they are, and told so.
// RUN: attn-opt %s --attn-raise 2>%t | FileCheck %s --implicit-check-not=attn.
// RUN: FileCheck %s --check-prefix=SUMMARY < %t
// RUN: attn-opt %s -o %t.plain && attn-opt %s --attn-raise -o %t.raised && diff %t.plain %t.raised
// SUMMARY: remark: raised 0 of 0{{$}}

// CHECK-LABEL: @none(
func.func @none() { return }

// CHECK-LABEL: @declared(
func.func private @declared(tensor<4xf32>)

// CHECK-LABEL: @memref(
func.func @memref(%q: memref<5x8xf32>, %k: memref<8x7xf32>, %s: memref<5x7xf32>, %v: memref<7x4xf32>, %o: memref<5x4xf32>) {
  linalg.matmul ins(%q, %k : memref<5x8xf32>, memref<8x7xf32>) outs(%s : memref<5x7xf32>)
  linalg.softmax dimension(1) ins(%s : memref<5x7xf32>) outs(%s : memref<5x7xf32>)
  linalg.matmul ins(%s, %v : memref<5x7xf32>, memref<7x4xf32>) outs(%o : memref<5x4xf32>)
  return
}

// CHECK-LABEL: @int(
func.func @int(%q: tensor<5x8xi32>, %k: tensor<8x7xi32>) -> tensor<5x7xi32> {
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<5x7xi32>
  %i = linalg.fill ins(%zero : i32) outs(%e : tensor<5x7xi32>) -> tensor<5x7xi32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xi32>, tensor<8x7xi32>) outs(%i : tensor<5x7xi32>) -> tensor<5x7xi32>
  return %s : tensor<5x7xi32>
}

// CHECK-LABEL: @complex(
func.func @complex(%q: tensor<5x8xcomplex<f32>>, %k: tensor<8x7xcomplex<f32>>, %i: tensor<5x7xcomplex<f32>>) -> tensor<5x7xcomplex<f32>> {
  %s = linalg.matmul ins(%q, %k : tensor<5x8xcomplex<f32>>, tensor<8x7xcomplex<f32>>) outs(%i : tensor<5x7xcomplex<f32>>) -> tensor<5x7xcomplex<f32>>
  return %s : tensor<5x7xcomplex<f32>>
}

// CHECK-LABEL: @unranked(
func.func @unranked(%q: tensor<*xf32>) -> tensor<*xf32> {
  %r = math.exp %q : tensor<*xf32>
  return %r : tensor<*xf32>
}

// CHECK-LABEL: @cast(
func.func @cast(%q: tensor<*xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<*xf32> {
  %zero = arith.constant 0.0 : f32
  %qr = tensor.cast %q : tensor<*xf32> to tensor<5x8xf32>
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%qr, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %pu = tensor.cast %p : tensor<5x7xf32> to tensor<*xf32>
  %pr = tensor.cast %pu : tensor<*xf32> to tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%pr, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  %r = tensor.cast %o : tensor<5x4xf32> to tensor<*xf32>
  return %r : tensor<*xf32>
}

// CHECK-LABEL: @softmax(
func.func private @softmax(%s: tensor<5x7xf32>) -> tensor<5x7xf32> {
  %e = tensor.empty() : tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  return %p : tensor<5x7xf32>
}

// CHECK-LABEL: @calls(
func.func @calls(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %p = func.call @softmax(%s) : (tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// CHECK-LABEL: @branch(
func.func @branch(%c: i1, %q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %p = scf.if %c -> tensor<5x7xf32> {
    %y = linalg.softmax dimension(1) ins(%s : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
    scf.yield %y : tensor<5x7xf32>
  } else {
    scf.yield %s : tensor<5x7xf32>
  }
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}
