// RUN: attn-opt %s --attn-cpu-parallelize --canonicalize | FileCheck %s

#all = affine_map<(b, s, e) -> (b, s, e)>
#row = affine_map<(b, s, e) -> (b, s)>

// A task is 43 rows of 384, some 16384 elements; a row is never cut.
// CHECK-LABEL: func.func @rows
// CHECK:         scf.forall (%[[B:.+]], %[[S:.+]]) = (0, 0) to (%{{.+}}, %{{.+}}) step (1, 43)
// CHECK:           memref.subview %{{.+}}[%[[B]], %[[S]], 0] [1, %{{.+}}, 384]
// CHECK:           linalg.generic
func.func @rows(%x: memref<?x?x384xf32>, %y: memref<?x?xf32>) {
  linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : memref<?x?x384xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%v: f32, %acc: f32):
    %s = arith.addf %acc, %v : f32
    linalg.yield %s : f32
  }
  return
}

// Copies are cut as well.
// CHECK-LABEL: func.func @copy
// CHECK:         scf.forall
// CHECK:           linalg.copy
// CHECK-NOT:     memref.copy
func.func @copy(%x: memref<?x384xf32>, %y: memref<?x384xf32>) {
  memref.copy %x, %y : memref<?x384xf32> to memref<?x384xf32>
  return
}

// Too small, and already in a task.
// CHECK-LABEL: func.func @untouched
// CHECK:         linalg.fill
// CHECK:         scf.forall (%{{.+}}) in (4)
// CHECK-NOT:       scf.forall
// CHECK:           linalg.fill
func.func @untouched(%x: memref<16x384xf32>, %y: memref<?x384xf32>) {
  %z = arith.constant 0.0 : f32
  linalg.fill ins(%z : f32) outs(%x : memref<16x384xf32>)
  scf.forall (%i) in (4) {
    linalg.fill ins(%z : f32) outs(%y : memref<?x384xf32>)
  }
  return
}
