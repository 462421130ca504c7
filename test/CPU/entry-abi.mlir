// RUN: attn-opt %s --attn-cpu-entry-abi --canonicalize --cse | FileCheck %s
// RUN: attn-opt %s --attn-cpu | FileCheck %s --check-prefix=LLVM

// The sizes of the results follow from the sizes of the arguments.
// CHECK-LABEL: func.func private @double_dims
// CHECK-SAME:    (%[[X:.+]]: memref<?x8xf32>, %{{.+}}: f32) -> index
// CHECK:         %[[D:.+]] = memref.dim %[[X]]
// CHECK-NEXT:    return %[[D]]

// Results are computed in the caller's memory.
// CHECK-LABEL: func.func private @double_body
// CHECK-SAME:    (%{{.+}}: memref<?x8xf32>, %{{.+}}: f32, %[[OUT:.+]]: memref<?x8xf32>, %{{.+}}: memref<?xi8>)
// CHECK:         bufferization.materialize_in_destination %{{.+}} in restrict writable %[[OUT]]

// CHECK-LABEL: func.func @double_shapes
// CHECK-SAME:    %{{.+}}: memref<?x8xf32>, %{{.+}}: f32, %[[DIMS:.+]]: memref<?xi64>) attributes {llvm.emit_c_interface}
// CHECK:         memref.store %{{.+}}, %[[DIMS]]
// CHECK:         memref.store %c8_i64, %[[DIMS]]

// CHECK-LABEL: func.func @double_workspace
// CHECK-SAME:    -> i64 attributes {llvm.emit_c_interface}

// The third argument is the output: status 3 when its sizes are off.
// CHECK-LABEL: func.func @double(
// CHECK-SAME:    %[[X:.+]]: memref<?x?xf32>, %{{.+}}: f32, %[[OUT:.+]]: memref<?x?xf32>, %{{.+}}: memref<?xi8>) -> i32
// CHECK:         memref.dim %[[X]], %c1
// CHECK:         scf.if
// CHECK:           arith.select %{{.+}}, %c3_i32
// CHECK:           scf.if
// CHECK:             func.call @double_body

// LLVM-DAG: llvm.func @_mlir_ciface_double(
// LLVM-DAG: llvm.func @_mlir_ciface_double_shapes(
// LLVM-DAG: llvm.func @_mlir_ciface_double_workspace(
// LLVM-DAG: llvm.func internal @double_body(
// LLVM-NOT: @malloc
func.func @double(%x: tensor<?x8xf32>, %factor: f32) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%m) : tensor<?x8xf32>
  %r = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.mulf %a, %factor : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}
