// f16 and bf16: raised as they are where the graph rounds its result to that, widened where it does not, declined where each step is rounded.
// RUN: attn-opt %s --attn-raise 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=SUMMARY < %t
// SUMMARY: remark: raised 2 of 4;
// SUMMARY-SAME: @summed line {{[0-9]+}} not raised: a product summed in f16 or bf16: each partial sum is rounded, where attn.sdpa sums in f32
// SUMMARY-SAME: @softmax line {{[0-9]+}} not raised: softmax in f16 or bf16: each of its steps is rounded, where attn.sdpa rounds once

#id = affine_map<(m, n) -> (m, n)>

// Scores are rounded and scaled in bf16, as frameworks do whose products return what they are given: so they are in the region. The constant was f64.
// CHECK-LABEL: func.func @rounded(
// CHECK-NOT:     linalg
// CHECK:         attn.sdpa {{.*}} : tensor<1x1x5x8xbf16>, tensor<1x1x8x7xbf16>, tensor<1x1x7x4xbf16> -> tensor<1x1x5x4xbf16>
// CHECK-SAME:      score(%[[S:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {
// CHECK-DAG:       %[[C:.*]] = arith.constant 3.535160e-01 : bf16
// CHECK-DAG:       %[[T:.*]] = arith.truncf %[[S]] {{.*}}: f32 to bf16
// CHECK:           %[[U:.*]] = arith.mulf %[[T]], %[[C]] : bf16
// CHECK:           %[[W:.*]] = arith.extf %[[U]] {{.*}}: bf16 to f32
// CHECK:           attn.yield %[[W]] : f32
// CHECK-NOT:     linalg
func.func @rounded(%q: tensor<5x8xbf16>, %k: tensor<8x7xbf16>, %v: tensor<7x4xbf16>) -> tensor<5x4xbf16> {
  %zero = arith.constant 0.0 : f32
  %c = arith.constant 0.35355339059327379 : f64
  %e = tensor.empty() : tensor<5x7xf32>
  %he = tensor.empty() : tensor<5x7xbf16>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xbf16>, tensor<8x7xbf16>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %h = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<5x7xf32>) outs(%he : tensor<5x7xbf16>) {
    ^bb0(%a: f32, %o: bf16):
      %t = arith.truncf %a : f32 to bf16
      %d = arith.truncf %c : f64 to bf16
      %u = arith.mulf %t, %d : bf16
      linalg.yield %u : bf16
  } -> tensor<5x7xbf16>
  %w = arith.extf %h : tensor<5x7xbf16> to tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%w : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %hp = arith.truncf %p : tensor<5x7xf32> to tensor<5x7xbf16>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%hp, %v : tensor<5x7xbf16>, tensor<7x4xbf16>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  %r = arith.truncf %o : tensor<5x4xf32> to tensor<5x4xbf16>
  return %r : tensor<5x4xbf16>
}

// A result of f32 is not that of an attn.sdpa of f16.
// CHECK-LABEL: func.func @widened(
// CHECK:         arith.extf %{{.*}} : tensor<1x1x5x8xf16> to tensor<1x1x5x8xf32>
// CHECK:         attn.sdpa {{.*}} : tensor<1x1x5x8xf32>, tensor<1x1x8x7xf32>, tensor<1x1x7x4xf32> -> tensor<1x1x5x4xf32>
func.func @widened(%q: tensor<5x8xf16>, %k: tensor<8x7xf16>, %v: tensor<7x4xf16>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf16>, tensor<8x7xf16>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf16>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// CHECK-LABEL: func.func @summed(
// CHECK-NOT:     attn.sdpa
func.func @summed(%q: tensor<5x8xf16>, %k: tensor<8x7xf16>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.0 : f16
  %e = tensor.empty() : tensor<5x7xf32>
  %he = tensor.empty() : tensor<5x7xf16>
  %i = linalg.fill ins(%half : f16) outs(%he : tensor<5x7xf16>) -> tensor<5x7xf16>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf16>, tensor<8x7xf16>) outs(%i : tensor<5x7xf16>) -> tensor<5x7xf16>
  %w = arith.extf %s : tensor<5x7xf16> to tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%w : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

// CHECK-LABEL: func.func @softmax(
// CHECK-NOT:     attn.sdpa
func.func @softmax(%q: tensor<5x8xf16>, %k: tensor<8x7xf16>, %v: tensor<7x4xf16>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %he = tensor.empty() : tensor<5x7xf16>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf16>, tensor<8x7xf16>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %h = arith.truncf %s : tensor<5x7xf32> to tensor<5x7xf16>
  %p = linalg.softmax dimension(1) ins(%h : tensor<5x7xf16>) outs(%he : tensor<5x7xf16>) -> tensor<5x7xf16>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf16>, tensor<7x4xf16>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}
