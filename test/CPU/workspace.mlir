// RUN: attn-opt %s --attn-cpu-workspace --canonicalize --cse | FileCheck %s
// This pass cannot fail.

// Two of the three buffers live at once: the third takes the first one's place.
// CHECK-DAG: #[[$BYTES:.+]] = affine_map<()[s0] -> ((s0 ceildiv 2) * 64)>
// CHECK-LABEL: func.func private @chain_body
// CHECK-SAME:    %[[X:.+]]: memref<?x8xf32>, %{{.+}}: memref<?x8xf32>, %[[WS:.+]]: memref<?xi8>
// CHECK-NOT:     memref.alloc
// CHECK:         %[[D:.+]] = memref.dim %[[X]], %c0
// CHECK-DAG:     %[[A:.+]] = memref.view %[[WS]][%c0][%[[D]]] : memref<?xi8> to memref<?x8xf32>
// CHECK-DAG:     %[[SIZE:.+]] = affine.apply #[[$BYTES]]()[%[[D]]]
// CHECK:         %[[B:.+]] = memref.view %[[WS]][%[[SIZE]]][%[[D]]]
// CHECK:         linalg.copy ins(%[[A]] : {{.*}}) outs(%[[B]]
// CHECK:         linalg.copy ins(%[[B]] : {{.*}}) outs(%[[A]]
func.func private @chain_body(%x: memref<?x8xf32>, %y: memref<?x8xf32>, %ws: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %d = memref.dim %x, %c0 : memref<?x8xf32>
  %a = memref.alloc(%d) : memref<?x8xf32>
  linalg.copy ins(%x : memref<?x8xf32>) outs(%a : memref<?x8xf32>)
  %b = memref.alloc(%d) : memref<?x8xf32>
  linalg.copy ins(%a : memref<?x8xf32>) outs(%b : memref<?x8xf32>)
  %c = memref.alloc(%d) : memref<?x8xf32>
  linalg.copy ins(%b : memref<?x8xf32>) outs(%c : memref<?x8xf32>)
  linalg.copy ins(%c : memref<?x8xf32>) outs(%y : memref<?x8xf32>)
  return
}
func.func private @chain_dims(%x: memref<?x8xf32>) -> index {
  %c0 = arith.constant 0 : index
  %d = memref.dim %x, %c0 : memref<?x8xf32>
  return %d : index
}
// CHECK-LABEL: func.func @chain_workspace
// CHECK-SAME:    %[[X:.+]]: memref<?x8xf32>
// CHECK:         %[[D:.+]] = memref.dim %[[X]], %c0
// CHECK:         %[[ONE:.+]] = affine.apply #[[$BYTES]]()[%[[D]]]
// CHECK:         %[[TWO:.+]] = arith.addi %[[ONE]], %[[ONE]]
// CHECK:         arith.index_cast %[[TWO]] : index to i64
func.func @chain_workspace(%x: memref<?x8xf32>) -> i64 {
  %z = arith.constant 0 : i64
  return %z : i64
}

// In a task: small buffers on the stack, others freed.
// CHECK-LABEL: func.func private @task
// CHECK:         scf.forall
// CHECK:           memref.alloca() {alignment = 64 : i64} : memref<8xf32>
// CHECK:           %[[BIG:.+]] = memref.alloc
// CHECK:           memref.dealloc %[[BIG]]
func.func private @task(%x: memref<?xf32>, %n: index) {
  %z = arith.constant 0.0 : f32
  scf.forall (%i) in (%n) {
    %big = memref.alloc(%n) : memref<?xf32>
    linalg.fill ins(%z : f32) outs(%big : memref<?xf32>)
    %small = memref.alloc() : memref<8xf32>
    linalg.fill ins(%z : f32) outs(%small : memref<8xf32>)
    %v = memref.load %small[%i] : memref<8xf32>
    %w = memref.load %big[%i] : memref<?xf32>
    %s = arith.addf %v, %w : f32
    memref.store %s, %x[%i] : memref<?xf32>
  }
  return
}
