// Numbers in place of -inf: a mask where no score reaches them, with what a row without a key has in such a graph; else a value of the score.
// RUN: attn-opt %s --attn-raise=require-raised=5 | FileCheck %s

#id = affine_map<(m, n) -> (m, n)>

// Key 0 is kept by each row.
// CHECK-LABEL: func.func @causal(
// CHECK:         %[[O:.*]] = attn.sdpa {{.*}} mask(%{{.*}}, %{{.*}}, %[[M:.*]], %[[N:.*]]) {
// CHECK-NEXT:      %[[K:.*]] = arith.cmpi sle, %[[N]], %[[M]] : index
// CHECK-NOT:     linalg
func.func @causal(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -2.38e38 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %w = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = linalg.index 0 : index
      %n = linalg.index 1 : index
      %c = arith.cmpi sle, %n, %m : index
      %r = arith.select %c, %a, %low : f32
      linalg.yield %r : f32
  } -> tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%w : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// Rows 0 and 1 keep no key: the lowest number, added to each score, makes the mean of V of them.
// CHECK-LABEL: func.func @mean(
// CHECK-SAME:    %[[V:[^:]*]]: tensor<7x4xf32>)
// CHECK:         %[[V4:.*]] = tensor.expand_shape %[[V]]
// CHECK:         %[[O:.*]], %[[LSE:.*]] = attn.sdpa {{.*}} returns(lse) {{.*}} mask(
// CHECK-NOT:     score(
// CHECK:         %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[V4]] : tensor<1x1x7x4xf32>)
// CHECK:         linalg.generic {{.*}} ins(%[[O]], %[[LSE]], %[[SUM]]
// CHECK:           %[[EMPTY:.*]] = arith.cmpf oeq, %{{.*}}, %{{.*}} : f32
// CHECK:           %[[MEAN:.*]] = arith.divf
// CHECK:           arith.select %[[EMPTY]], %[[MEAN]], %{{.*}} : f32
func.func @mean(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2 : index
  %low = arith.constant 0xFF7FFFFF : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %w = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = linalg.index 0 : index
      %n = linalg.index 1 : index
      %later = arith.addi %n, %two : index
      %c = arith.cmpi sle, %later, %m : index
      %b = arith.select %c, %zero, %low : f32
      %r = arith.addf %a, %b : f32
      linalg.yield %r : f32
  } -> tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%w : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// A score may be below -1e9: keys are dropped while |scale| D max|q| max|k| is far from it, and the score says the rest.
// CHECK-LABEL: func.func @reached(
// CHECK-DAG:     %[[LIMIT:.*]] = arith.constant 0x4E65{{.*}} : f32
// CHECK-DAG:     math.absf {{.*}} : f32
// CHECK-DAG:     arith.maximumf
// CHECK:         %[[LARGE:.*]] = arith.cmpf ugt, %{{.*}}, %[[LIMIT]] : f32
// CHECK:         attn.sdpa {{.*}} captures(%[[LARGE]][] : i1) {{.*}} score(
// CHECK:           arith.select
// CHECK:         } mask(%{{.*}}, %{{.*}}, %[[M:.*]], %[[N:.*]], %[[L:.*]]) {
// CHECK-NEXT:      %[[K:.*]] = arith.cmpi sle, %[[N]], %[[M]] : index
// CHECK-NEXT:      %[[Y:.*]] = arith.ori %[[K]], %[[L]] : i1
// CHECK-NEXT:      attn.yield %[[Y]]
func.func @reached(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -1.0e9 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %w = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = linalg.index 0 : index
      %n = linalg.index 1 : index
      %c = arith.cmpi sle, %n, %m : index
      %r = arith.select %c, %a, %low : f32
      linalg.yield %r : f32
  } -> tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%w : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// The lowest number of bf16, chosen in bf16; the diagonal is kept by each row, though key 0 is not.
// CHECK-LABEL: func.func @window(
// CHECK:         attn.sdpa {{.*}} score(
// CHECK:           arith.truncf
// CHECK-NOT:       arith.select
// CHECK:         } mask(
// CHECK:           arith.andi
// CHECK-NOT:     linalg
func.func @window(%q: tensor<5x8xbf16>, %k: tensor<8x7xbf16>, %v: tensor<7x4xbf16>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2 : index
  %low = arith.constant 0xFF7F : bf16
  %e = tensor.empty() : tensor<5x7xf32>
  %he = tensor.empty() : tensor<5x7xbf16>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xbf16>, tensor<8x7xbf16>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %h = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<5x7xf32>) outs(%he : tensor<5x7xbf16>) {
    ^bb0(%a: f32, %o: bf16):
      %m = linalg.index 0 : index
      %n = linalg.index 1 : index
      %apart = arith.subi %m, %n : index
      %c = arith.cmpi sle, %n, %m : index
      %d = arith.cmpi slt, %apart, %two : index
      %b = arith.andi %c, %d : i1
      %t = arith.truncf %a : f32 to bf16
      %r = arith.select %b, %t, %low : bf16
      linalg.yield %r : bf16
  } -> tensor<5x7xbf16>
  %w = arith.extf %h : tensor<5x7xbf16> to tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%w : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xbf16>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// (1 - kept) times the lowest number, by keys: finite, whatever is kept, so no row is without a finite score.
// CHECK-LABEL: func.func @padding(
// CHECK:         attn.sdpa {{.*}} captures(
// CHECK-NOT:     returns(lse)
// CHECK-NOT:     arith.cmpf
// CHECK:         return
func.func @padding(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>, %kept: tensor<7xi1>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %low = arith.constant 0xFF7FFFFF : f32
  %ke = tensor.empty() : tensor<7xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(n) -> (n)>, affine_map<(n) -> (n)>], iterator_types = ["parallel"]} ins(%kept : tensor<7xi1>) outs(%ke : tensor<7xf32>) {
    ^bb0(%a: i1, %o: f32):
      %b = arith.uitofp %a : i1 to f32
      %c = arith.subf %one, %b : f32
      %r = arith.mulf %c, %low : f32
      linalg.yield %r : f32
  } -> tensor<7xf32>
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %w = linalg.generic {indexing_maps = [#id, affine_map<(m, n) -> (n)>, #id], iterator_types = ["parallel", "parallel"]} ins(%s, %mask : tensor<5x7xf32>, tensor<7xf32>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %r = arith.addf %a, %b : f32
      linalg.yield %r : f32
  } -> tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%w : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}
