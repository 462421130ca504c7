// RUN: attn-opt %s --attn-cpu-resolve-expand-shape --canonicalize | FileCheck %s
// This pass cannot fail.

// Two dynamic sizes in one group: [B*S, 384] seen as [B, S, 12, 32].
// CHECK-LABEL: func @heads
// CHECK-SAME:    %[[X:.+]]: memref<?x384xf32>, %[[B:.+]]: index, %[[S:.+]]: index
// CHECK:         %[[STRIDE:.+]] = affine.apply #{{.+}}()[%[[S]]]
// CHECK:         memref.reinterpret_cast %[[X]] to offset: [0], sizes: [%[[B]], %[[S]], 12, 32], strides: [%[[STRIDE]], 384, 32, 1]
func.func @heads(%x: memref<?x384xf32>, %b: index, %s: index) -> memref<?x?x12x32xf32> {
  %r = memref.expand_shape %x [[0, 1], [2, 3]] output_shape [%b, %s, 12, 32]
    : memref<?x384xf32> into memref<?x?x12x32xf32>
  return %r : memref<?x?x12x32xf32>
}
