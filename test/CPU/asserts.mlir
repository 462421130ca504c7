// RUN: attn-opt %s --split-input-file --verify-diagnostics --attn-cpu-asserts | FileCheck %s

// An element outside of the table: NaN, and nothing outside is read.
// CHECK-LABEL: @lookup
// CHECK: linalg.generic
// CHECK: ^bb0(%[[ID:.*]]: i64
// CHECK: %[[AT:.*]] = arith.index_cast %[[ID]]
// CHECK: %[[BELOW:.*]] = arith.cmpi slt, %[[AT]],
// CHECK-NOT: cf.assert
// CHECK: %[[LOW:.*]] = arith.maxsi %[[AT]], %{{.*}} : index
// CHECK: %[[IN:.*]] = arith.minsi %[[LOW]], %{{.*}} : index
// CHECK: %[[X:.*]] = tensor.extract %{{.*}}[%[[IN]]] : tensor<5xf32>
// CHECK: %[[NAN:.*]] = arith.constant 0x7FC00000 : f32
// CHECK: %[[Y:.*]] = arith.select %[[BELOW]], %[[X]], %[[NAN]]
// CHECK: linalg.yield %[[Y]]
#id = affine_map<(i) -> (i)>
func.func @lookup(%table: tensor<5xf32>, %ids: tensor<3xi64>) -> tensor<3xf32> {
  %size = arith.constant 5 : index
  %true = arith.constant true
  cf.assert %true, "holds"
  %e = tensor.empty() : tensor<3xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%ids : tensor<3xi64>) outs(%e : tensor<3xf32>) {
    ^bb0(%id: i64, %out: f32):
      %at = arith.index_cast %id : i64 to index
      %below = arith.cmpi slt, %at, %size : index
      cf.assert %below, "index must be smaller than dim size"
      %x = tensor.extract %table[%at] : tensor<5xf32>
      linalg.yield %x : f32
  } -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// -----

func.func @elsewhere(%c: i1) {
  // expected-error @below {{expected cf.assert in a linalg.generic on tensors or of a constant, but found it in func.func: 'sizes differ'}}
  cf.assert %c, "sizes differ"
  return
}
