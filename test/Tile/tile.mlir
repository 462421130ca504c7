// RUN: attn-opt %s --attn-fuse-variants --attn-tile --canonicalize --cse | FileCheck %s

#plan = #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 3, key_rows = 8, value_rows = 8, key_block = 128, query_group = 48>

// One task per batch, head and 48 queries; 100 = 48 + 48 + 4.
// CHECK-LABEL: func @odd_length
// CHECK-SAME:  %[[Q:.+]]: tensor<2x8x100x64xf32>, %[[K:.+]]: tensor<2x2x?x64xf32>, %[[V:.+]]: tensor<2x2x?x32xf32>
func.func @odd_length(%q: tensor<2x8x100x64xf32>, %k: tensor<2x2x?x64xf32>, %v: tensor<2x2x?x32xf32>) -> tensor<2x8x100x32xf32> {
  // CHECK-DAG:   %[[ZERO:.+]] = arith.constant 0 : index
  // 1 / sqrt(64)
  // CHECK-DAG:   %[[SCALE:.+]] = arith.constant 1.250000e-01 : f32
  // CHECK:       scf.forall (%[[B:.+]], %[[H:.+]], %[[M:.+]]) = (0, 0, 0) to (2, 8, 100) step (1, 1, 48) shared_outs(%[[OUT:.+]] =
  // CHECK:         %[[ROWS:.+]] = affine.min {{.*}}(%[[M]])
  // Four query heads share a key head.
  // CHECK:         %[[HKV:.+]] = affine.apply #{{.*}}()[%[[H]]]
  // CHECK:         %[[N:.+]] = tensor.dim %[[K]]
  // CHECK:         %[[QS:.+]] = tensor.extract_slice %[[Q]][%[[B]], %[[H]], %[[M]], 0] [1, 1, %[[ROWS]], 64]
  // CHECK:         %[[KS:.+]] = tensor.extract_slice %[[K]][%[[B]], %[[HKV]], 0, 0] [1, 1, %[[N]], 64]
  // CHECK:         %[[VS:.+]] = tensor.extract_slice %[[V]][%[[B]], %[[HKV]], 0, 0] [1, 1, %[[N]], 32]
  // CHECK:         %[[P:.+]] = attn.online_sdpa %[[QS]], %[[KS]], %[[VS]] scale(%[[SCALE]])
  // CHECK-SAME:      keys(%[[ZERO]] to %[[N]], full %[[ZERO]] to %[[N]]) tile(%[[B]], %[[H]], %[[M]])
  // CHECK-SAME:      query_group = 48
  // CHECK:         %[[DST:.+]] = tensor.extract_slice %[[OUT]][%[[B]], %[[H]], %[[M]], 0] [1, 1, %[[ROWS]], 32]
  // CHECK:         %[[R:.+]] = attn.finalize %[[P]] outs(%[[DST]]) layout(bhsd)
  // CHECK:         tensor.parallel_insert_slice %[[R]] into %[[OUT]][%[[B]], %[[H]], %[[M]], 0] [1, 1, %[[ROWS]], 32]
  %o = attn.sdpa %q, %k, %v {plan = #plan} : tensor<2x8x100x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32> -> tensor<2x8x100x32xf32>
  return %o : tensor<2x8x100x32xf32>
}
