// RUN: attn-opt %s --attn-cpu-hoist-weights --canonicalize | FileCheck %s
// RUN: attn-opt %s --attn-cpu-hoist-weights --attn-cpu-entry-abi | FileCheck %s --check-prefix=ABI
// This pass cannot fail.

#id = affine_map<(i) -> (i)>

// The square of the weight is computed once; a view of a weight stays in the call.
// CHECK-LABEL: func.func @scale_prepack
// CHECK-SAME:    (%{{.+}}: tensor<4xf32>, %[[W:.+]]: tensor<4xf32>, %{{.+}}: tensor<8xf32>) -> tensor<4xf32> attributes {attn.prepack}
// CHECK:         linalg.generic {{.*}} ins(%[[W]]
// CHECK-LABEL: func.func @scale(
// CHECK-SAME:    %[[X:.+]]: tensor<4xf32>, %{{.+}}: tensor<4xf32> {attn.weight}, %[[V:.+]]: tensor<8xf32> {attn.weight}, %[[P:.+]]: tensor<4xf32>)
// CHECK-SAME:    attn.packed = [tensor<4xf32>]
// CHECK:         %[[VIEW:.+]] = tensor.extract_slice %[[V]]
// CHECK:         linalg.generic {{.*}} ins(%[[X]], %[[P]], %[[VIEW]]

// ABI: func.func @scale_prepack(%{{.+}}: memref<4xf32>, %{{.+}}: memref<4xf32>, %{{.+}}: memref<8xf32>, %[[OUT:.+]]: memref<4xf32>) attributes {llvm.emit_c_interface}
// ABI:   bufferization.materialize_in_destination %{{.+}} in restrict writable %[[OUT]]
// ABI: func.func @scale_workspace(%{{.+}}: memref<4xf32>, %{{.+}}: memref<4xf32>, %{{.+}}: memref<8xf32>) -> i64
// ABI: func.func @scale(%{{.+}}: memref<?xf32>, %{{.+}}: memref<?xf32>, %{{.+}}: memref<?xf32>, %{{.+}}: memref<?xf32>, %{{.+}}: memref<?xf32>, %{{.+}}: memref<?xi8>) -> i32
// ABI-SAME: attn.packed = [tensor<4xf32>]
func.func @scale(%x: tensor<4xf32>, %w: tensor<4xf32> {attn.weight}, %v: tensor<8xf32> {attn.weight}) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %ww = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%w : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %a : f32
    linalg.yield %m : f32
  } -> tensor<4xf32>
  %half = tensor.extract_slice %v[4] [4] [1] : tensor<8xf32> to tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%x, %ww, %half : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.addf %m, %c : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// Nothing to do without weights.
// CHECK-LABEL: func.func @no_weights
// CHECK-NOT:     attn.packed
func.func @no_weights(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
