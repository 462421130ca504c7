// RUN: attn-opt %s --attn-cpu-tile-matmul=rows-per-task=64 | FileCheck %s
// This pass cannot fail.

// y[64 t .. 64 t + 64, 32 p .. 32 p + 32] of each task (t, p).
// CHECK-LABEL: func @tasks
// CHECK-SAME:    %[[X:.+]]: memref<128x40xf32>, %[[W:.+]]: memref<3x40x32xf32>, %[[B:.+]]: memref<96xf32>, %[[Y:.+]]: memref<128x96xf32>
// CHECK:         scf.forall (%[[T:.+]], %[[P:.+]]) in (2, 3)
// CHECK:           %[[BIAS:.+]] = memref.subview %[[B]]
// CHECK-SAME:        memref<96xf32> to memref<32xf32, strided<[1], offset: ?>>
// CHECK:           %[[ROWS:.+]] = memref.subview %[[X]]
// CHECK:           %[[PANEL:.+]] = memref.subview %[[W]][%[[P]], 0, 0] [1, 40, 32]
// CHECK:           attn.packed_matmul %[[ROWS]], %[[PANEL]] bias(%[[BIAS]]
func.func @tasks(%x: memref<128x40xf32>, %w: memref<3x40x32xf32>, %b: memref<96xf32>, %y: memref<128x96xf32>) {
  attn.packed_matmul %x, %w bias(%b : memref<96xf32>) outs(%y) : memref<128x40xf32>, memref<3x40x32xf32>, memref<128x96xf32>
  return
}

// The last panel and the last rows are narrower: their sizes are minima.
// CHECK-LABEL: func @tails
// CHECK:         scf.forall {{.*}} in (%{{.+}}, 3)
// CHECK:           affine.min
// CHECK:           attn.packed_matmul {{.*}} : memref<?x40xf32, {{.*}}>, memref<1x40x32xf32, {{.*}}>, memref<?x?xf32
func.func @tails(%x: memref<?x40xf32>, %w: memref<3x40x32xf32>, %y: memref<?x90xf32>) {
  attn.packed_matmul %x, %w outs(%y) : memref<?x40xf32>, memref<3x40x32xf32>, memref<?x90xf32>
  return
}

// Declined: already inside a task; still on tensors.
// CHECK-LABEL: func @inside
// CHECK:         scf.forall
// CHECK-NOT:     scf.forall
// CHECK:         attn.packed_matmul
func.func @inside(%x: memref<8x40xf32>, %w: memref<1x40x32xf32>, %y: memref<8x32xf32>) {
  scf.forall (%i) in (1) {
    attn.packed_matmul %x, %w outs(%y) : memref<8x40xf32>, memref<1x40x32xf32>, memref<8x32xf32>
  }
  return
}
// CHECK-LABEL: func @tensors
// CHECK-NOT:     scf.forall
// CHECK:         attn.packed_matmul
func.func @tensors(%x: tensor<8x40xf32>, %w: tensor<1x40x32xf32>, %y: tensor<8x32xf32>) -> tensor<8x32xf32> {
  %r = attn.packed_matmul %x, %w outs(%y) : tensor<8x40xf32>, tensor<1x40x32xf32>, tensor<8x32xf32> -> tensor<8x32xf32>
  return %r : tensor<8x32xf32>
}
