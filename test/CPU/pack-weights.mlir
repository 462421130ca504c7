// RUN: attn-opt %s --attn-cpu-pack-weights=lanes=16 --canonicalize --cse | FileCheck %s
// This pass cannot fail.

#x = affine_map<(b, s, n, k) -> (b, s, k)>
#w = affine_map<(b, s, n, k) -> (n, k)>
#y = affine_map<(b, s, n, k) -> (b, s, n)>
#all = affine_map<(b, s, n) -> (b, s, n)>
#channel = affine_map<(b, s, n) -> (n)>

// y = x W^T + bias over [batch, position]: rows are collapsed, columns past the last are zero.
// CHECK-LABEL: func.func @encoder_linear
// CHECK-SAME:    %[[X:.+]]: tensor<?x?x32xf32>, %[[W:.+]]: tensor<100x32xf32>, %[[B:.+]]: tensor<100xf32>
// CHECK-DAG:     %[[ROWS:.+]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]]
// CHECK-DAG:     %[[E:.+]] = tensor.empty() : tensor<3x32x48xf32>
// CHECK:         %[[P:.+]] = linalg.generic {{.*}} outs(%[[E]]
// CHECK:           %[[K:.+]] = linalg.index 1
// CHECK:           arith.cmpi ult, %{{.+}}, %c100
// CHECK:           %[[N:.+]] = arith.minui %{{.+}}, %c99
// CHECK:           %[[V:.+]] = tensor.extract %[[W]][%[[N]], %[[K]]]
// CHECK:           arith.select %{{.+}}, %[[V]], %cst
// CHECK:         %[[R:.+]] = attn.packed_matmul %[[ROWS]], %[[P]] bias(%[[B]] : tensor<100xf32>)
// CHECK:         tensor.expand_shape %[[R]] {{\[\[}}0, 1], [2]]
// CHECK-NOT:     linalg
// CHECK:         return
func.func @encoder_linear(%x: tensor<?x?x32xf32>, %w: tensor<100x32xf32>, %b: tensor<100xf32>) -> tensor<?x?x100xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %z = arith.constant 0.0 : f32
  %d0 = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %d1 = tensor.dim %x, %c1 : tensor<?x?x32xf32>
  %e = tensor.empty(%d0, %d1) : tensor<?x?x100xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %p = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x?x32xf32>, tensor<100x32xf32>) outs(%f : tensor<?x?x100xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %m = arith.mulf %l, %r : f32
    %a = arith.addf %acc, %m : f32
    linalg.yield %a : f32
  } -> tensor<?x?x100xf32>
  %y = linalg.generic {indexing_maps = [#all, #channel, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p, %b : tensor<?x?x100xf32>, tensor<100xf32>) outs(%e : tensor<?x?x100xf32>) {
  ^bb0(%l: f32, %r: f32, %o: f32):
    %a = arith.addf %l, %r : f32
    linalg.yield %a : f32
  } -> tensor<?x?x100xf32>
  return %y : tensor<?x?x100xf32>
}

// bf16 in, one rounding at the end; w is [k, n].
// CHECK-LABEL: func.func @rounded_once
// CHECK:         tensor.extract %{{.+}}[%{{.+}}, %{{.+}}] : tensor<32x48xbf16>
// CHECK:         attn.packed_matmul %{{.+}} : tensor<?x32xbf16>, tensor<1x32x48xbf16>, tensor<?x48xbf16> -> tensor<?x48xbf16>
// CHECK-NOT:     arith.truncf
// CHECK:         return
func.func @rounded_once(%x: tensor<?x32xbf16>, %w: tensor<32x48xbf16>) -> tensor<?x48xbf16> {
  %c0 = arith.constant 0 : index
  %z = arith.constant 0.0 : f32
  %m = tensor.dim %x, %c0 : tensor<?x32xbf16>
  %e = tensor.empty(%m) : tensor<?x48xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x48xf32>) -> tensor<?x48xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x32xbf16>, tensor<32x48xbf16>) outs(%f : tensor<?x48xf32>) -> tensor<?x48xf32>
  %e2 = tensor.empty(%m) : tensor<?x48xbf16>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%p : tensor<?x48xf32>) outs(%e2 : tensor<?x48xbf16>) {
  ^bb0(%l: f32, %o: bf16):
    %r = arith.truncf %l : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x48xbf16>
  return %y : tensor<?x48xbf16>
}

// Half as many lanes of f64.
// CHECK-LABEL: func.func @wide
// CHECK:         attn.packed_matmul %{{.+}} : tensor<4x8xf64>, tensor<2x8x24xf64>
func.func @wide(%x: tensor<4x8xf64>, %w: tensor<8x48xf64>) -> tensor<4x48xf64> {
  %z = arith.constant 0.0 : f64
  %e = tensor.empty() : tensor<4x48xf64>
  %f = linalg.fill ins(%z : f64) outs(%e : tensor<4x48xf64>) -> tensor<4x48xf64>
  %p = linalg.matmul ins(%x, %w : tensor<4x8xf64>, tensor<8x48xf64>) outs(%f : tensor<4x48xf64>) -> tensor<4x48xf64>
  return %p : tensor<4x48xf64>
}

// Declined: it accumulates onto something, or in a narrow type, or w has a dynamic size.
// CHECK-LABEL: func.func @declined
// CHECK-NOT:     attn.packed_matmul
// CHECK:         return
func.func @declined(%x: tensor<4x8xf32>, %w: tensor<8x48xf32>, %y: tensor<4x48xf32>,
                    %xb: tensor<4x8xbf16>, %wb: tensor<8x48xbf16>, %wd: tensor<8x?xf32>, %n: index)
    -> (tensor<4x48xf32>, tensor<4x48xbf16>, tensor<4x?xf32>) {
  %0 = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x48xf32>) outs(%y : tensor<4x48xf32>) -> tensor<4x48xf32>
  %zb = arith.constant 0.0 : bf16
  %eb = tensor.empty() : tensor<4x48xbf16>
  %fb = linalg.fill ins(%zb : bf16) outs(%eb : tensor<4x48xbf16>) -> tensor<4x48xbf16>
  %1 = linalg.matmul ins(%xb, %wb : tensor<4x8xbf16>, tensor<8x48xbf16>) outs(%fb : tensor<4x48xbf16>) -> tensor<4x48xbf16>
  %z = arith.constant 0.0 : f32
  %ed = tensor.empty(%n) : tensor<4x?xf32>
  %fd = linalg.fill ins(%z : f32) outs(%ed : tensor<4x?xf32>) -> tensor<4x?xf32>
  %2 = linalg.matmul ins(%x, %wd : tensor<4x8xf32>, tensor<8x?xf32>) outs(%fd : tensor<4x?xf32>) -> tensor<4x?xf32>
  return %0, %1, %2 : tensor<4x48xf32>, tensor<4x48xbf16>, tensor<4x?xf32>
}
