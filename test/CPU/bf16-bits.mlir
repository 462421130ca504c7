// RUN: attn-opt %s --attn-cpu-bf16-bits --canonicalize | FileCheck %s
// This pass cannot fail.

// Memory, vectors, constants and choices are integers; the list of packed weights is not.
// CHECK-LABEL: func.func private @move(
// CHECK-SAME:    %[[C:.+]]: i1, %[[X:.+]]: memref<?xi16>, %[[Y:.+]]: memref<?xi16>) attributes {attn.packed = [tensor<4xbf16>]}
// CHECK-DAG:     %[[ONE:.+]] = arith.constant 16256 : i16
// CHECK-DAG:     %[[V:.+]] = vector.load %[[X]][%c0] : memref<?xi16>, vector<8xi16>
// CHECK:         vector.store %[[V]], %[[Y]]
// CHECK:         %[[S:.+]] = memref.load %[[X]][%c0]
// CHECK:         %[[R:.+]] = arith.select %[[C]], %[[S]], %[[ONE]] : i16
// CHECK:         memref.store %[[R]], %[[Y]]
func.func private @move(%c: i1, %x: memref<?xbf16>, %y: memref<?xbf16>) attributes {attn.packed = [tensor<4xbf16>]} {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : bf16
  %v = vector.load %x[%c0] : memref<?xbf16>, vector<8xbf16>
  vector.store %v, %y[%c0] : memref<?xbf16>, vector<8xbf16>
  %s = memref.load %x[%c0] : memref<?xbf16>
  %r = arith.select %c, %s, %one : bf16
  memref.store %r, %y[%c0] : memref<?xbf16>
  return
}
