// Softmax to the base 2, by logarithms, and over heads in two dimensions.
// RUN: attn-opt %s --attn-raise=require-raised=3 | FileCheck %s

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
#q = affine_map<(b, g, m, r, n, d) -> (b, m, g, r, d)>
#k = affine_map<(b, g, m, r, n, d) -> (b, n, g, d)>
#s = affine_map<(b, g, m, r, n, d) -> (b, g, m, r, n)>
#v = affine_map<(b, g, d, r, m, n) -> (b, n, g, d)>
#p = affine_map<(b, g, d, r, m, n) -> (b, g, m, r, n)>
#o = affine_map<(b, g, d, r, m, n) -> (b, g, d, r, m)>

// log2(e) / 4 on the scores: a scale of 1/4 to the base e.
// CHECK-LABEL: func.func @base2(
// CHECK:         %[[C:.*]] = arith.constant 2.500000e-01 : f32
// CHECK:         attn.sdpa {{.*}} scale(%[[C]])
// CHECK-NOT:     score(
func.func @base2(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %c = arith.constant dense<0.36067376022224085> : tensor<5x7xf32>
  %e = tensor.empty() : tensor<5x7xf32>
  %re = tensor.empty() : tensor<5xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %w = arith.mulf %s, %c : tensor<5x7xf32>
  %mi = linalg.fill ins(%lowest : f32) outs(%re : tensor<5xf32>) -> tensor<5xf32>
  %m = linalg.reduce { arith.maximumf } ins(%w : tensor<5x7xf32>) outs(%mi : tensor<5xf32>) dimensions = [1]
  %x = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%w, %m : tensor<5x7xf32>, tensor<5xf32>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %d = arith.subf %a, %b : f32
      %y = math.exp2 %d : f32
      linalg.yield %y : f32
  } -> tensor<5x7xf32>
  %li = linalg.fill ins(%zero : f32) outs(%re : tensor<5xf32>) -> tensor<5xf32>
  %l = linalg.reduce { arith.addf } ins(%x : tensor<5x7xf32>) outs(%li : tensor<5xf32>) dimensions = [1]
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %l : tensor<5x7xf32>, tensor<5xf32>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %y = arith.divf %a, %b : f32
      linalg.yield %y : f32
  } -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// exp(s - (max + log sum)), the maximum made 0 where it is infinite.
// CHECK-LABEL: func.func @logarithm(
// CHECK-NOT:     linalg
// CHECK:         attn.sdpa
// CHECK-NOT:     linalg
func.func @logarithm(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %highest = arith.constant 0x7F800000 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %re = tensor.empty() : tensor<5xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %mi = linalg.fill ins(%lowest : f32) outs(%re : tensor<5xf32>) -> tensor<5xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<5x7xf32>) outs(%mi : tensor<5xf32>) dimensions = [1]
  %f = linalg.generic {indexing_maps = [affine_map<(m) -> (m)>, affine_map<(m) -> (m)>], iterator_types = ["parallel"]} ins(%m : tensor<5xf32>) outs(%re : tensor<5xf32>) {
    ^bb0(%a: f32, %o: f32):
      %b = math.absf %a : f32
      %c = arith.cmpf oeq, %b, %highest : f32
      %y = arith.select %c, %zero, %a : f32
      linalg.yield %y : f32
  } -> tensor<5xf32>
  %x = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%s, %f : tensor<5x7xf32>, tensor<5xf32>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %d = arith.subf %a, %b : f32
      %y = math.exp %d : f32
      linalg.yield %y : f32
  } -> tensor<5x7xf32>
  %li = linalg.fill ins(%zero : f32) outs(%re : tensor<5xf32>) -> tensor<5xf32>
  %l = linalg.reduce { arith.addf } ins(%x : tensor<5x7xf32>) outs(%li : tensor<5xf32>) dimensions = [1]
  %log = math.log %l : tensor<5xf32>
  %lse = arith.addf %log, %f : tensor<5xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%s, %lse : tensor<5x7xf32>, tensor<5xf32>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %d = arith.subf %a, %b : f32
      %y = math.exp %d : f32
      linalg.yield %y : f32
  } -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// Six query heads as [2, 3] against two of keys and values, the second product with its operands swapped and its result transposed and joined after it.
// CHECK-LABEL: func.func @grouped(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x5x6x8xf32>, %[[K:.*]]: tensor<2x7x2x8xf32>, %[[V:.*]]: tensor<2x7x2x4xf32>)
// CHECK-NOT:     linalg
// CHECK:         %[[O:.*]] = attn.sdpa %[[Q]], %[[K]], %[[V]] scale(%{{.*}}) layout(bshd, bshd, bshd, bshd)
// CHECK:         return %[[O]]
func.func @grouped(%q: tensor<2x5x6x8xf32>, %k: tensor<2x7x2x8xf32>, %v: tensor<2x7x2x4xf32>) -> tensor<2x5x6x4xf32> {
  %zero = arith.constant 0.0 : f32
  %q5 = tensor.expand_shape %q [[0], [1], [2, 3], [4]] output_shape [2, 5, 2, 3, 8] : tensor<2x5x6x8xf32> into tensor<2x5x2x3x8xf32>
  %e = tensor.empty() : tensor<2x2x5x3x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<2x2x5x3x7xf32>) -> tensor<2x2x5x3x7xf32>
  %s = linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction"]}
    ins(%q5, %k : tensor<2x5x2x3x8xf32>, tensor<2x7x2x8xf32>) outs(%i : tensor<2x2x5x3x7xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %x = arith.mulf %a, %b : f32
      %y = arith.addf %c, %x : f32
      linalg.yield %y : f32
  } -> tensor<2x2x5x3x7xf32>
  %p = linalg.softmax dimension(4) ins(%s : tensor<2x2x5x3x7xf32>) outs(%e : tensor<2x2x5x3x7xf32>) -> tensor<2x2x5x3x7xf32>
  %oe = tensor.empty() : tensor<2x2x4x3x5xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x2x4x3x5xf32>) -> tensor<2x2x4x3x5xf32>
  %o = linalg.generic {indexing_maps = [#v, #p, #o], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction"]}
    ins(%v, %p : tensor<2x7x2x4xf32>, tensor<2x2x5x3x7xf32>) outs(%oi : tensor<2x2x4x3x5xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %x = arith.mulf %a, %b : f32
      %y = arith.addf %c, %x : f32
      linalg.yield %y : f32
  } -> tensor<2x2x4x3x5xf32>
  %te = tensor.empty() : tensor<2x5x2x3x4xf32>
  %t = linalg.transpose ins(%o : tensor<2x2x4x3x5xf32>) outs(%te : tensor<2x5x2x3x4xf32>) permutation = [0, 4, 1, 3, 2]
  %c = tensor.collapse_shape %t [[0], [1], [2, 3], [4]] : tensor<2x5x2x3x4xf32> into tensor<2x5x6x4xf32>
  return %c : tensor<2x5x6x4xf32>
}
