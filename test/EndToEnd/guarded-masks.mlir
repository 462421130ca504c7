// A causal mask that fills with -1e4: keys are skipped while no score comes near it, and where they do, or are below it,
// values are those of the graph all the same.

// DEFINE: %{far} =
// DEFINE: %{check} = attn-run %s --entry=f --attn-raise-verify --input=23x8xf32=random:1:%{far} --input=23x8xf32=random:2
// REDEFINE: %{far} = 1
// RUN: %{check} | FileCheck %s
// REDEFINE: %{far} = 300
// RUN: %{check} | FileCheck %s
// REDEFINE: %{far} = 3000
// RUN: %{check} | FileCheck %s
// REDEFINE: %{far} = 1000000
// RUN: %{check} | FileCheck %s
// CHECK: check: attn.sdpa {{.*}}output: ok
// CHECK: check: raising, result #0: ok

// RUN: attn-opt %s --attn-raise=require-raised=1 | FileCheck %s --check-prefix=RAISED
// RAISED: attn.sdpa {{.*}} : i1)
// RAISED: } mask(

#id = affine_map<(m, n) -> (m, n)>

func.func @f(%q: tensor<23x8xf32>, %k: tensor<23x8xf32>, %v: tensor<23x8xf32>) -> tensor<23x8xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -1.0e4 : f32
  %e = tensor.empty() : tensor<23x23xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<23x23xf32>) -> tensor<23x23xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(m, n, d) -> (m, d)>, affine_map<(m, n, d) -> (n, d)>, affine_map<(m, n, d) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%q, %k : tensor<23x8xf32>, tensor<23x8xf32>) outs(%i : tensor<23x23xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %r = arith.addf %o, %p : f32
      linalg.yield %r : f32
  } -> tensor<23x23xf32>
  %w = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<23x23xf32>) outs(%e : tensor<23x23xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = linalg.index 0 : index
      %n = linalg.index 1 : index
      %c = arith.cmpi sle, %n, %m : index
      %b = arith.select %c, %zero, %low : f32
      %r = arith.addf %a, %b : f32
      linalg.yield %r : f32
  } -> tensor<23x23xf32>
  %p = linalg.softmax dimension(1) ins(%w : tensor<23x23xf32>) outs(%e : tensor<23x23xf32>) -> tensor<23x23xf32>
  %oe = tensor.empty() : tensor<23x8xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<23x8xf32>) -> tensor<23x8xf32>
  %o = linalg.matmul ins(%p, %v : tensor<23x23xf32>, tensor<23x8xf32>) outs(%oi : tensor<23x8xf32>) -> tensor<23x8xf32>
  return %o : tensor<23x8xf32>
}
