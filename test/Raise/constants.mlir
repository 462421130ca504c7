// Masks written out as constants: a triangle, a band or a prefix is a mask of positions again.
// RUN: attn-opt %s --attn-raise=require-raised=5 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=SUMMARY < %t
// SUMMARY: remark: raised 5 of 6; @alone line {{[0-9]+}} not raised: the scores are no function of one product of queries and keys as [b, h, s, d]{{$}}

#id = affine_map<(m, n) -> (m, n)>

// CHECK-LABEL: func.func @triangle(
// CHECK:         attn.sdpa
// CHECK-SAME:      mask(%{{.*}}, %{{.*}}, %[[M:.*]], %[[N:.*]]) {
// CHECK-NEXT:      %[[K:.*]] = arith.cmpi sle, %[[N]], %[[M]] : index
// CHECK-NEXT:      attn.yield %[[K]]
func.func @triangle(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %t = arith.constant dense<[[true, false, false, false, false, false, false], [true, true, false, false, false, false, false], [true, true, true, false, false, false, false], [true, true, true, true, false, false, false], [true, true, true, true, true, false, false]]> : tensor<5x7xi1>
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %w = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%s, %t : tensor<5x7xf32>, tensor<5x7xi1>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %c: i1, %o: f32):
      %r = arith.select %c, %a, %low : f32
      linalg.yield %r : f32
  } -> tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%w : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// What is added, two to the left and one to the right, in a resource.
// CHECK-LABEL: func.func @band(
// CHECK:         attn.sdpa
// CHECK-SAME:      mask(%{{.*}}, %{{.*}}, %[[M:.*]], %[[N:.*]]) {
// CHECK:           %[[L:.*]] = arith.addi %[[M]], %{{.*}} : index
// CHECK:           %[[A:.*]] = arith.cmpi sge, %[[N]], %[[L]] : index
// CHECK:           %[[R:.*]] = arith.addi %[[M]], %{{.*}} : index
// CHECK:           %[[B:.*]] = arith.cmpi sle, %[[N]], %[[R]] : index
// CHECK:           %[[K:.*]] = arith.andi %[[A]], %[[B]] : i1
// CHECK-NEXT:      attn.yield %[[K]]
func.func @band(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %t = arith.constant dense_resource<band> : tensor<5x7xf32>
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %w = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%s, %t : tensor<5x7xf32>, tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %c: f32, %o: f32):
      %r = arith.addf %a, %c : f32
      linalg.yield %r : f32
  } -> tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%w : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// (1 - t) * -1e4, as BERT and GPT-2 say it.
// CHECK-LABEL: func.func @made(
// CHECK:         %[[LARGE:.*]] = arith.cmpf ugt,
// CHECK:         attn.sdpa {{.*}} captures(%[[LARGE]][] : i1)
// CHECK:         } mask(%{{.*}}, %{{.*}}, %[[M:.*]], %[[N:.*]], %[[L:.*]]) {
// CHECK-NEXT:      %[[K:.*]] = arith.cmpi sle, %[[N]], %[[M]] : index
// CHECK-NEXT:      arith.ori %[[K]], %[[L]] : i1
func.func @made(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %low = arith.constant -1.0e4 : f32
  %t = arith.constant dense<[[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]]> : tensor<5x7xf32>
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %w = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%s, %t : tensor<5x7xf32>, tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %c: f32, %o: f32):
      %d = arith.subf %one, %c : f32
      %f = arith.mulf %d, %low : f32
      %r = arith.addf %a, %f : f32
      linalg.yield %r : f32
  } -> tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%w : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// The first four keys of each row.
// CHECK-LABEL: func.func @prefix(
// CHECK:         attn.sdpa
// CHECK-SAME:      mask(%{{.*}}, %{{.*}}, %{{.*}}, %[[N:.*]]) {
// CHECK:           %[[K:.*]] = arith.cmpi sle, %[[N]], %{{.*}} : index
// CHECK-NEXT:      attn.yield %[[K]]
func.func @prefix(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %t = arith.constant dense<[[1, 1, 1, 1, 0, 0, 0]]> : tensor<1x7xi32>
  %none = arith.constant 0 : i32
  %te = tensor.empty() : tensor<5x7xi32>
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(m, n) -> (0, n)>, #id], iterator_types = ["parallel", "parallel"]} ins(%t : tensor<1x7xi32>) outs(%te : tensor<5x7xi32>) {
    ^bb0(%x: i32, %o: i32):
      linalg.yield %x : i32
  } -> tensor<5x7xi32>
  %w = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%s, %b : tensor<5x7xf32>, tensor<5x7xi32>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %c: i32, %o: f32):
      %d = arith.cmpi ne, %c, %none : i32
      %r = arith.select %d, %a, %low : f32
      linalg.yield %r : f32
  } -> tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%w : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// A triangle with a hole is none.
// CHECK-LABEL: func.func @holes(
// CHECK:         %[[T:.*]] = arith.constant dense<{{.*}}> : tensor<5x7xi1>
// CHECK:         attn.sdpa {{.*}} captures(%[[T]][m, n] : tensor<5x7xi1>)
func.func @holes(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %t = arith.constant dense<[[true, false, false, false, false, false, false], [true, true, false, false, false, false, false], [true, true, true, false, false, false, false], [true, false, true, true, false, false, false], [true, true, true, true, true, false, false]]> : tensor<5x7xi1>
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %w = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%s, %t : tensor<5x7xf32>, tensor<5x7xi1>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %c: i1, %o: f32):
      %r = arith.select %c, %a, %low : f32
      linalg.yield %r : f32
  } -> tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%w : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// Scores that are nothing but a table.
// CHECK-LABEL: func.func @alone(
// CHECK-NOT:     attn.
func.func @alone(%v: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %s = arith.constant dense<[[0.0, -1.0, -1.0], [0.0, 0.0, -1.0], [0.0, 0.0, 0.0]]> : tensor<3x3xf32>
  %e = tensor.empty() : tensor<3x3xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<3x3xf32>) outs(%e : tensor<3x3xf32>) -> tensor<3x3xf32>
  %oe = tensor.empty() : tensor<3x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<3x4xf32>) -> tensor<3x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<3x3xf32>, tensor<3x4xf32>) outs(%oi : tensor<3x4xf32>) -> tensor<3x4xf32>
  return %o : tensor<3x4xf32>
}

{-#
  dialect_resources: {
    builtin: {
      band: "0x040000000000000000000000000080FF000080FF000080FF000080FF000080FF000000000000000000000000000080FF000080FF000080FF000080FF00000000000000000000000000000000000080FF000080FF000080FF000080FF00000000000000000000000000000000000080FF000080FF000080FF000080FF00000000000000000000000000000000000080FF"
    }
  }
#-}
