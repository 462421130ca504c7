// RUN: attn-opt %s --attn-linalg --canonicalize --cse --split-input-file -mlir-print-local-scope | FileCheck %s

// lse[b,h,m,p] weighs outputs[p,b,h,m,:]:
// max = max_p lse; w = exp(lse - max), -1 where lse is -inf; sum = sum_p w
// O = round(sum_p w O[p] / (sum + exp(sink - max))); LSE = max + log(sum)
// CHECK-LABEL: func.func @merge(
// CHECK-SAME: %[[PARTS:.+]]: tensor<?x1x4x?x8xf32>, %[[LSES:.+]]: tensor<?x1x4x?xf32>, %[[SINKS:.+]]: tensor<4xf32>
// CHECK-DAG: %[[INF:.+]] = arith.constant 0xFF800000 : f32
// CHECK: %[[SCORES:.+]] = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d3, d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>]
// CHECK-SAME: ins(%[[LSES]]
// CHECK: %[[MAX:.+]] = linalg.generic {{.+}} iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%[[SCORES]]
// CHECK: arith.maximumf
// CHECK: %[[W:.+]] = linalg.generic {{.+}} ins(%[[MAX]] : {{.+}} outs(%[[SCORES]]
// CHECK: math.exp
// CHECK: %[[SUM:.+]] = linalg.generic {{.+}} ins(%[[W]]
// CHECK: arith.addf
// CHECK: %[[ACC:.+]] = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3, d4) -> (d3, d0, d1, d2, d4)>, affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)>]
// CHECK-SAME: iterator_types = ["parallel", "parallel", "parallel", "reduction", "parallel"]} ins(%[[W]], %[[PARTS]]
// CHECK: arith.mulf
// CHECK: arith.select
// CHECK: %[[ALL:.+]] = linalg.generic {{.+}} ins(%[[MAX]], %[[SINKS]], %[[SUM]]
// CHECK: %[[O:.+]] = linalg.generic {{.+}}affine_map<(d0, d1, d2, d3) -> (d0, d2, d1, d3)>]{{.+}} ins(%[[ACC]], %[[ALL]] : {{.+}} outs(%{{.+}} : tensor<1x?x4x8xbf16>)
// CHECK: arith.truncf
// CHECK: %[[L:.+]] = linalg.generic {{.+}} ins(%[[MAX]], %[[SUM]]
// CHECK: math.log
// CHECK: return %[[O]], %[[L]]
func.func @merge(%o: tensor<?x1x4x?x8xf32>, %l: tensor<?x1x4x?xf32>, %s: tensor<4xf32>) -> (tensor<1x?x4x8xbf16>, tensor<1x4x?xf32>) {
  %r, %lse = attn.merge %o, %l sinks(%s : tensor<4xf32>) layout(bhsd, bshd)
    : tensor<?x1x4x?x8xf32>, tensor<?x1x4x?xf32> -> tensor<1x?x4x8xbf16>, tensor<1x4x?xf32>
  return %r, %lse : tensor<1x?x4x8xbf16>, tensor<1x4x?xf32>
}

// -----

// Parts [P, B, M, H, Dv] in memory; f64 throughout.
// CHECK-LABEL: func.func @double(
// CHECK-NOT: f32
// CHECK: affine_map<(d0, d1, d2, d3, d4) -> (d3, d0, d2, d1, d4)>
// CHECK-NOT: f32
// CHECK: return
func.func @double(%o: tensor<3x1x5x4x8xf64>, %l: tensor<3x1x4x5xf64>) -> tensor<1x4x5x8xf64> {
  %r = attn.merge %o, %l layout(bshd, bhsd) : tensor<3x1x5x4x8xf64>, tensor<3x1x4x5xf64> -> tensor<1x4x5x8xf64>
  return %r : tensor<1x4x5x8xf64>
}
