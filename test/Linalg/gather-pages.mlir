// RUN: attn-opt %s --attn-linalg --canonicalize --cse --split-input-file -mlir-print-local-scope | FileCheck %s

// For batch entry b and page t: count = clamp(lens[b] - 16 t, 0, 16) rows of all heads, of page table[b,t], or of page 0
// where there are none.
// CHECK-LABEL: func.func @gather(
// CHECK-SAME: %[[POOL:.+]]: tensor<?x16x2x8xbf16>, %[[TABLE:.+]]: tensor<3x?xi32>, %[[LENS:.+]]: tensor<3xi64>
// CHECK: %[[ZEROS:.+]] = linalg.fill
// CHECK: %[[R:.+]] = scf.forall (%[[B:.+]], %[[T:.+]]) in (3, %{{.+}}) shared_outs(%[[OUT:.+]] = %[[ZEROS]]) -> (tensor<3x2x?x8xbf16>) {
// CHECK: %[[FIRST:.+]] = arith.muli %[[T]], %c16
// CHECK: %[[LEN:.+]] = tensor.extract %[[LENS]][%[[B]]]
// CHECK: %[[LENGTH:.+]] = arith.index_cast %[[LEN]]
// CHECK: %[[REST:.+]] = arith.subi %[[LENGTH]], %[[FIRST]]
// CHECK: %[[LEFT:.+]] = arith.maxsi %[[REST]], %c0
// CHECK: %[[COUNT:.+]] = arith.minsi %[[LEFT]], %c16
// CHECK: %[[SOME:.+]] = arith.cmpi sgt, %[[LEFT]], %c0
// CHECK: %[[ENTRY:.+]] = tensor.extract %[[TABLE]][%[[B]], %[[T]]]
// CHECK: %[[NUMBER:.+]] = arith.index_cast %[[ENTRY]]
// CHECK: %[[PAGE:.+]] = arith.select %[[SOME]], %[[NUMBER]], %c0
// CHECK: %[[SOURCE:.+]] = tensor.extract_slice %[[POOL]][%[[PAGE]], 0, 0, 0] [1, %[[COUNT]], 2, 8]
// CHECK: %[[PLACE:.+]] = tensor.extract_slice %[[OUT]][%[[B]], 0, %[[FIRST]], 0] [1, 2, %[[COUNT]], 8]
// CHECK: %[[ROWS:.+]] = linalg.generic {{.+}} ins(%[[SOURCE]] : {{.+}} outs(%[[PLACE]]
// CHECK: tensor.parallel_insert_slice %[[ROWS]] into %[[OUT]][%[[B]], 0, %[[FIRST]], 0] [1, 2, %[[COUNT]], 8]
// CHECK: } {attn.gather_pages = array<i64: 0, 1>}
// CHECK: return %[[R]]
func.func @gather(%p: tensor<?x16x2x8xbf16>, %t: tensor<3x?xi32>, %l: tensor<3xi64>) -> tensor<3x2x?x8xbf16> {
  %r = attn.gather_pages %p, %t, %l layout(bshd, bhsd) : tensor<?x16x2x8xbf16>, tensor<3x?xi32>, tensor<3xi64> -> tensor<3x2x?x8xbf16>
  return %r : tensor<3x2x?x8xbf16>
}
