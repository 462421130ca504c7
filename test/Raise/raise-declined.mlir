// What looks like attention and is none, or none that attn.sdpa can say: unchanged, with the reason.
// RUN: attn-opt %s --attn-raise 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=SUMMARY < %t
// RUN: attn-opt %s --attn-raise=summary=false --remarks-filter-missed=attn-raise -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: attn-opt %S/Inputs/scaled-weights.mlir --attn-raise 2>&1 | FileCheck %s --check-prefix=LINE
// CHECK-NOT: attn.sdpa
// SUMMARY: remark: raised 0 of 10;
// SUMMARY-SAME: @scaled line {{[0-9]+}} not raised: arith.mulf between softmax and the second product
// SUMMARY-SAME: @other_sum line {{[0-9]+}} not raised: the divisor is not the sum of the exponentials over the keys
// SUMMARY-SAME: @eps line {{[0-9]+}} not raised: the divisor is not the sum of the exponentials over the keys
// SUMMARY-SAME: @other_maximum line {{[0-9]+}} not raised: the maximum is not that of the scores over the keys
// SUMMARY-SAME: @clamped line {{[0-9]+}} not raised: the maximum starts from something else than -inf
// SUMMARY-SAME: @no_maximum line {{[0-9]+}} not raised: exponentials without the maximum subtracted
// SUMMARY-SAME: @not_divided line {{[0-9]+}} not raised: the exponentials are not divided by their sum alone, before or after the second product
// SUMMARY-SAME: @weights_used line {{[0-9]+}} not raised: tensor.extract uses the weights as well
// SUMMARY-SAME: @no_product line {{[0-9]+}} not raised: the scores are no function of one product of queries and keys as [b, h, s, d]
// SUMMARY-SAME: @biased_product line {{[0-9]+}} not raised: the second product starts from a sum
// LINE: remark: raised 0 of 1; @scaled line 21 not raised: arith.mulf between softmax and the second product
// REMARK-COUNT-10: [Missed] Attention | Category:attn-raise
// REMARK-NOT: remark: raised

func.func @scaled(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %r = tensor.empty() : tensor<5xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %mi = linalg.fill ins(%lowest : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<5x7xf32>) outs(%mi : tensor<5xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %d = arith.subf %s, %mb : tensor<5x7xf32>
  %x = math.exp %d : tensor<5x7xf32>
  %li = linalg.fill ins(%zero : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %l = linalg.reduce { arith.addf } ins(%x : tensor<5x7xf32>) outs(%li : tensor<5xf32>) dimensions = [1]
  %lb = linalg.broadcast ins(%l : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %p = arith.divf %x, %lb : tensor<5x7xf32>
  %xp = arith.mulf %p, %s : tensor<5x7xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%xp, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

func.func @other_sum(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %r = tensor.empty() : tensor<5xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %mi = linalg.fill ins(%lowest : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<5x7xf32>) outs(%mi : tensor<5xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %d = arith.subf %s, %mb : tensor<5x7xf32>
  %x = math.exp %d : tensor<5x7xf32>
  %li = linalg.fill ins(%zero : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %l = linalg.reduce { arith.addf } ins(%s : tensor<5x7xf32>) outs(%li : tensor<5xf32>) dimensions = [1]
  %lb = linalg.broadcast ins(%l : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %p = arith.divf %x, %lb : tensor<5x7xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

func.func @eps(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %r = tensor.empty() : tensor<5xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %mi = linalg.fill ins(%lowest : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<5x7xf32>) outs(%mi : tensor<5xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %d = arith.subf %s, %mb : tensor<5x7xf32>
  %x = math.exp %d : tensor<5x7xf32>
  %eps = arith.constant 1.0e-6 : f32
  %li = linalg.fill ins(%eps : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %l = linalg.reduce { arith.addf } ins(%x : tensor<5x7xf32>) outs(%li : tensor<5xf32>) dimensions = [1]
  %lb = linalg.broadcast ins(%l : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %p = arith.divf %x, %lb : tensor<5x7xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

func.func @other_maximum(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %r = tensor.empty() : tensor<5xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %mi = linalg.fill ins(%lowest : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %m = linalg.reduce { arith.maximumf } ins(%i : tensor<5x7xf32>) outs(%mi : tensor<5xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %d = arith.subf %s, %mb : tensor<5x7xf32>
  %x = math.exp %d : tensor<5x7xf32>
  %li = linalg.fill ins(%zero : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %l = linalg.reduce { arith.addf } ins(%x : tensor<5x7xf32>) outs(%li : tensor<5xf32>) dimensions = [1]
  %lb = linalg.broadcast ins(%l : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %p = arith.divf %x, %lb : tensor<5x7xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

func.func @clamped(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant -1.0 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %r = tensor.empty() : tensor<5xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %mi = linalg.fill ins(%lowest : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<5x7xf32>) outs(%mi : tensor<5xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %d = arith.subf %s, %mb : tensor<5x7xf32>
  %x = math.exp %d : tensor<5x7xf32>
  %li = linalg.fill ins(%zero : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %l = linalg.reduce { arith.addf } ins(%x : tensor<5x7xf32>) outs(%li : tensor<5xf32>) dimensions = [1]
  %lb = linalg.broadcast ins(%l : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %p = arith.divf %x, %lb : tensor<5x7xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

func.func @no_maximum(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %r = tensor.empty() : tensor<5xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %mi = linalg.fill ins(%lowest : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<5x7xf32>) outs(%mi : tensor<5xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %d = arith.subf %s, %mb : tensor<5x7xf32>
  %x = math.exp %s : tensor<5x7xf32>
  %li = linalg.fill ins(%zero : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %l = linalg.reduce { arith.addf } ins(%x : tensor<5x7xf32>) outs(%li : tensor<5xf32>) dimensions = [1]
  %lb = linalg.broadcast ins(%l : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %p = arith.divf %x, %lb : tensor<5x7xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

func.func @not_divided(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %r = tensor.empty() : tensor<5xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %mi = linalg.fill ins(%lowest : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<5x7xf32>) outs(%mi : tensor<5xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %d = arith.subf %s, %mb : tensor<5x7xf32>
  %x = math.exp %d : tensor<5x7xf32>
  %li = linalg.fill ins(%zero : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %l = linalg.reduce { arith.addf } ins(%x : tensor<5x7xf32>) outs(%li : tensor<5xf32>) dimensions = [1]
  %lb = linalg.broadcast ins(%l : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %p = arith.divf %x, %lb : tensor<5x7xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%x, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

func.func @weights_used(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> (tensor<5x4xf32>, f32) {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %r = tensor.empty() : tensor<5xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %mi = linalg.fill ins(%lowest : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<5x7xf32>) outs(%mi : tensor<5xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %d = arith.subf %s, %mb : tensor<5x7xf32>
  %x = math.exp %d : tensor<5x7xf32>
  %li = linalg.fill ins(%zero : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %l = linalg.reduce { arith.addf } ins(%x : tensor<5x7xf32>) outs(%li : tensor<5xf32>) dimensions = [1]
  %lb = linalg.broadcast ins(%l : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %p = arith.divf %x, %lb : tensor<5x7xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  %c0 = arith.constant 0 : index
  %w = tensor.extract %p[%c0, %c0] : tensor<5x7xf32>
  return %o, %w : tensor<5x4xf32>, f32
}

func.func @no_product(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %r = tensor.empty() : tensor<5xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = tensor.pad %k low[0, 0] high[-3, 0] {
    ^bb0(%a: index, %b: index):
      tensor.yield %zero : f32
  } : tensor<8x7xf32> to tensor<5x7xf32>
  %mi = linalg.fill ins(%lowest : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<5x7xf32>) outs(%mi : tensor<5xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %d = arith.subf %s, %mb : tensor<5x7xf32>
  %x = math.exp %d : tensor<5x7xf32>
  %li = linalg.fill ins(%zero : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %l = linalg.reduce { arith.addf } ins(%x : tensor<5x7xf32>) outs(%li : tensor<5xf32>) dimensions = [1]
  %lb = linalg.broadcast ins(%l : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %p = arith.divf %x, %lb : tensor<5x7xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

func.func @biased_product(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %r = tensor.empty() : tensor<5xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %mi = linalg.fill ins(%lowest : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<5x7xf32>) outs(%mi : tensor<5xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %d = arith.subf %s, %mb : tensor<5x7xf32>
  %x = math.exp %d : tensor<5x7xf32>
  %li = linalg.fill ins(%zero : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %l = linalg.reduce { arith.addf } ins(%x : tensor<5x7xf32>) outs(%li : tensor<5xf32>) dimensions = [1]
  %lb = linalg.broadcast ins(%l : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %p = arith.divf %x, %lb : tensor<5x7xf32>
  %oi = linalg.fill ins(%lowest : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// Not even a near miss: a product of sums, and softmax at the end.
func.func @others(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>) -> tensor<5x7xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  return %p : tensor<5x7xf32>
}

// Nor the products of a gated network, whose sigmoid has exponentials and divisions.
func.func @gated(%x: tensor<5x8xf32>, %w: tensor<8x7xf32>, %down: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %gate = linalg.matmul ins(%x, %w : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
    ins(%gate : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %o: f32):
      %b = arith.negf %a : f32
      %c = math.exp %b : f32
      %d = arith.addf %c, %one : f32
      %f = arith.divf %one, %d : f32
      %g = arith.mulf %a, %f : f32
      linalg.yield %g : f32
  } -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %r = linalg.matmul ins(%y, %down : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %r : tensor<5x4xf32>
}
