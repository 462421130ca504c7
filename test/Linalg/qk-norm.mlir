// RUN: attn-opt %s --attn-linalg --canonicalize --cse --split-input-file -mlir-print-local-scope | FileCheck %s
// Upstream's fusion repeats an update of a destination; there is none to repeat.
// RUN: attn-opt %s --attn-linalg --canonicalize --linalg-fuse-elementwise-ops --split-input-file | FileCheck %s --check-prefix=FUSED
// This lowering cannot fail.

// inverse[s,h] = 1 / sqrt(sum_d x^2 / 8 + eps); y = x * inverse * gamma, sums
// in f32, one rounding.
// CHECK-LABEL: func.func @rms_norm(
// CHECK-SAME: %[[X:.+]]: tensor<?x2x8xf16>, %[[GAMMA:.+]]: tensor<8xf16>
// CHECK-DAG: %[[ONE:.+]] = arith.constant 1.000000e+00 : f32
// CHECK-DAG: %[[EPS:.+]] = arith.constant 9.99999997E-7 : f32
// CHECK-DAG: %[[COUNT:.+]] = arith.constant 8.000000e+00 : f32
// CHECK: %[[SQUARES:.+]] = linalg.generic {{.+}}iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[X]]
// CHECK-NEXT: ^bb0(%[[XI:.+]]: f16, %[[SUM:.+]]: f32):
// CHECK-NEXT: %[[WIDE:.+]] = arith.extf %[[XI]] : f16 to f32
// CHECK-NEXT: %[[SQUARE:.+]] = arith.mulf %[[WIDE]], %[[WIDE]]
// CHECK-NEXT: arith.addf %[[SUM]], %[[SQUARE]]
// CHECK: %[[INVERSE:.+]] = linalg.generic {{.+}} ins(%[[SQUARES]]
// CHECK-NEXT: ^bb0(%[[ALL:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT: %[[MEAN:.+]] = arith.divf %[[ALL]], %[[COUNT]]
// CHECK-NEXT: %[[SAFE:.+]] = arith.addf %[[MEAN]], %[[EPS]]
// CHECK-NEXT: %[[ROOT:.+]] = math.sqrt %[[SAFE]]
// CHECK-NEXT: arith.divf %[[ONE]], %[[ROOT]]
// CHECK: %[[Y:.+]] = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>]
// CHECK-SAME: ins(%[[X]], %[[INVERSE]], %[[GAMMA]]
// CHECK-NEXT: ^bb0(%[[XJ:.+]]: f16, %[[IJ:.+]]: f32, %[[GJ:.+]]: f16, %{{.+}}: f16):
// CHECK-DAG: %[[XW:.+]] = arith.extf %[[XJ]]
// CHECK-DAG: %[[GW:.+]] = arith.extf %[[GJ]]
// CHECK: %[[UNIT:.+]] = arith.mulf %[[XW]], %[[IJ]]
// CHECK-NEXT: %[[SCALED:.+]] = arith.mulf %[[UNIT]], %[[GW]]
// CHECK-NEXT: arith.truncf %[[SCALED]] : f32 to f16
// CHECK: return %[[Y]]
// FUSED-LABEL: func.func @rms_norm(
// FUSED-SAME: %[[X:.+]]: tensor<?x2x8xf16>, %[[GAMMA:.+]]: tensor<8xf16>
// FUSED: %[[SQUARES:.+]] = linalg.generic {{.+}}"reduction"]}
// FUSED: linalg.generic {{.+}} ins(%[[X]], %[[SQUARES]], %[[GAMMA]]
// FUSED-NOT: linalg.generic
// FUSED: return
func.func @rms_norm(%x: tensor<?x2x8xf16>, %gamma: tensor<8xf16>) -> tensor<?x2x8xf16> {
  %y = attn.qk_norm %x, %gamma eps(1.0e-6) : tensor<?x2x8xf16>, tensor<8xf16>
  return %y : tensor<?x2x8xf16>
}

// -----

// f64 throughout, D at run time.
// CHECK-LABEL: func.func @double_dynamic(
// CHECK-NOT: f32
// CHECK: %[[D:.+]] = arith.sitofp %{{.+}} : i64 to f64
// CHECK: arith.divf %{{.+}}, %[[D]] : f64
// CHECK-NOT: f32
// CHECK: return
func.func @double_dynamic(%x: tensor<2x?xf64>, %gamma: tensor<?xf64>) -> tensor<2x?xf64> {
  %y = attn.qk_norm %x, %gamma eps(1.0e-6) : tensor<2x?xf64>, tensor<?xf64>
  return %y : tensor<2x?xf64>
}
