// RUN: attn-opt %s --attn-cpu-outline-tasks --canonicalize --cse | FileCheck %s
// RUN: attn-opt %s --attn-cpu-outline-tasks --convert-scf-to-cf --lower-affine --attn-cpu-to-llvm --reconcile-unrealized-casts | FileCheck %s --check-prefix=LLVM
// This pass fails only on tensors, which bufferization has removed.

// Equal bodies are one task, constants travel into it, the last index runs fastest.
// CHECK-LABEL: func.func @two_loops
// CHECK-SAME:    %[[M:.+]]: index, %[[X:.+]]: memref<?x4xf32>, %[[Y:.+]]: memref<?x4xf32>
// CHECK:         %[[N:.+]] = arith.muli %[[M]], %c4
// CHECK:         attn.parallel_call @two_loops_task(%[[N]]) args(%[[X]])
// CHECK:         attn.parallel_call @two_loops_task(%[[N]]) args(%[[Y]])
// CHECK-NOT:     attn.parallel_call @two_loops_task_
// LLVM: llvm.call @attn_rt_parallel_for(%{{.+}}, %{{.+}}, %{{.+}}) : (!llvm.ptr, i64, !llvm.ptr) -> ()
// LLVM: llvm.func internal @two_loops_task_thunk(%{{.+}}: i64, %{{.+}}: !llvm.ptr)
// LLVM:   llvm.call @two_loops_task(
func.func @two_loops(%m: index, %x: memref<?x4xf32>, %y: memref<?x4xf32>) {
  %one = arith.constant 1.0 : f32
  scf.forall (%i, %j) in (%m, 4) {
    memref.store %one, %x[%i, %j] : memref<?x4xf32>
  }
  scf.forall (%i, %j) in (%m, 4) {
    memref.store %one, %y[%i, %j] : memref<?x4xf32>
  }
  return
}

// Bounds and steps are honoured; the loop inside runs serially.
// CHECK-LABEL: func.func @strided
// CHECK:         attn.parallel_call @strided_task(%{{.+}}) args(
// CHECK-LABEL: func.func private @two_loops_task(
// CHECK-SAME:    %[[I:.+]]: index, %[[A:.+]]: memref<?x4xf32>)
// CHECK-DAG:     %[[ONE:.+]] = arith.constant 1.0
// CHECK-DAG:     %[[COL:.+]] = arith.remui %[[I]], %c4
// CHECK-DAG:     %[[ROW:.+]] = arith.divui %[[I]], %c4
// CHECK:         memref.store %[[ONE]], %[[A]][%[[ROW]], %[[COL]]]

// CHECK-LABEL: func.func private @strided_task(
// CHECK-SAME:    %[[I:.+]]: index
// CHECK-NOT:     scf.forall
// CHECK:         %[[S:.+]] = arith.muli %[[I]], %c8
// CHECK:         %[[P:.+]] = arith.addi %[[S]], %c16
// CHECK:         scf.for %[[J:.+]] =
// CHECK:           memref.store %{{.+}}, %{{.+}}[%[[P]], %[[J]]]
func.func @strided(%m: index, %x: memref<?x4xf32>) {
  %one = arith.constant 1.0 : f32
  scf.forall (%i) = (16) to (%m) step (8) {
    scf.forall (%j) in (4) {
      memref.store %one, %x[%i, %j] : memref<?x4xf32>
    }
  }
  return
}
