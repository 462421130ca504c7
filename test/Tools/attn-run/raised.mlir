// A graph is raised, told of once, and with --check judged beside itself as it stands.
// REQUIRES: avx2

// DEFINE: %{inputs} = --input=5x8xf32=random:1 --input=8x7xf32=random:2 --input=7x4xf32=random:3

// RUN: attn-run %s --entry=f %{inputs} --explain | FileCheck %s --check-prefix=EXPLAIN
// EXPLAIN: remark: {{.*}}raised to attn.sdpa
// EXPLAIN-NOT: raised to attn.sdpa

// RUN: attn-run %s --entry=f %{inputs} --check | FileCheck %s --check-prefix=CHECK
// CHECK: check: attn.sdpa at raised.mlir:[[#]]:{{.*}}, output: ok
// CHECK: check: raising, result #0: ok, the graph as it stands differs by

// RUN: not attn-run %s --entry=product --input=5x8xf32=random:1 --input=8x7xf32=random:2 --check 2>&1 | FileCheck %s --match-full-lines --check-prefix=NONE
// NONE: error: --check judges attn ops, but the file has none, and no attention was found in its graph: attn-opt --attn-raise says why

// Scores that are rounded and scaled in bf16: the judge rounds them as well, and knows where they jump.
// RUN: attn-run %s --entry=rounded --input=5x8xbf16=random:1 --input=8x7xbf16=random:2 --input=7x4xbf16=random:3 --check | FileCheck %s --check-prefix=ROUNDED
// ROUNDED: check: attn.sdpa {{.*}}output: ok
// ROUNDED: check: raising, result #0: ok

#id = affine_map<(m, n) -> (m, n)>

func.func @f(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %o : tensor<5x4xf32>
}

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

func.func @product(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>) -> tensor<5x7xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x7xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%q, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  return %s : tensor<5x7xf32>
}
