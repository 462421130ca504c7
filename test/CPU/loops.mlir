// RUN: attn-opt %s --attn-cpu-loops --canonicalize | FileCheck %s

// The sum of a row is carried by the loop and may be reassociated.
// CHECK-LABEL: func.func @row_sums
// CHECK-SAME:    %[[X:.+]]: memref<?x384xf32>, %[[Y:.+]]: memref<?xf32>
// CHECK:         scf.for %[[I:.+]] = %c0 to %{{.+}} step %c1
// CHECK:           %[[INIT:.+]] = memref.load %[[Y]][%[[I]]]
// CHECK:           %[[SUM:.+]] = scf.for %[[J:.+]] = %c0 to %c384 step %c1 iter_args(%[[ACC:.+]] = %[[INIT]])
// CHECK:             %[[V:.+]] = memref.load %[[X]][%[[I]], %[[J]]]
// CHECK:             arith.addf %[[ACC]], %[[V]] fastmath<reassoc>
// CHECK-NOT:         memref.store
// CHECK:           memref.store %[[SUM]], %[[Y]][%[[I]]]
func.func @row_sums(%x: memref<?x384xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x384xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%v: f32, %acc: f32):
    %s = arith.addf %acc, %v : f32
    linalg.yield %s : f32
  }
  return
}

// A reduction that is not innermost goes through memory, in order.
// CHECK-LABEL: func.func @column_sums
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             arith.addf %{{.+}}, %{{.+}} : f32
// CHECK:             memref.store
func.func @column_sums(%x: memref<?x384xf32>, %y: memref<384xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>],
                  iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<?x384xf32>) outs(%y : memref<384xf32>) {
  ^bb0(%v: f32, %acc: f32):
    %s = arith.addf %acc, %v : f32
    linalg.yield %s : f32
  }
  return
}

// A gather: the index of a loop and a load in the body; the result is not read.
// CHECK-LABEL: func.func @gather
// CHECK-SAME:    %[[IDS:.+]]: memref<?xindex>, %[[T:.+]]: memref<100x8xf32>, %[[Y:.+]]: memref<?x8xf32>
// CHECK:         scf.for %[[I:.+]] =
// The row is known before the loop over its elements.
// CHECK-NEXT:      %[[ID:.+]] = memref.load %[[IDS]][%[[I]]]
// CHECK-NEXT:      scf.for %[[E:.+]] =
// CHECK:             %[[V:.+]] = memref.load %[[T]][%[[ID]], %[[E]]]
// CHECK:             memref.store %[[V]], %[[Y]][%[[I]], %[[E]]]
func.func @gather(%ids: memref<?xindex>, %table: memref<100x8xf32>, %y: memref<?x8xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, e) -> (i)>, affine_map<(i, e) -> (i, e)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%ids : memref<?xindex>) outs(%y : memref<?x8xf32>) {
  ^bb0(%id: index, %o: f32):
    %e = linalg.index 1 : index
    %v = memref.load %table[%id, %e] : memref<100x8xf32>
    linalg.yield %v : f32
  }
  return
}
