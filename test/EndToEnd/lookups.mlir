// A table that is read at positions outside of it, as exporters guard them with asserts: NaN there, and no abort.

// RUN: attn-run %s --input=5xf32=iota --input=4xi64=4,-1,5,0 --print | FileCheck %s
// RUN: attn-run %s --input=5xf32=iota --input=4xi64=4,-1,5,0 --print --target=linalg | FileCheck %s
// CHECK: [4, nan, nan, 0]

#id = affine_map<(i) -> (i)>
func.func @lookup(%table: tensor<5xf32>, %ids: tensor<4xi64>) -> tensor<4xf32> {
  %size = arith.constant 5 : index
  %zero = arith.constant 0 : i64
  %e = tensor.empty() : tensor<4xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%ids : tensor<4xi64>) outs(%e : tensor<4xf32>) {
    ^bb0(%id: i64, %out: f32):
      %at = arith.index_cast %id : i64 to index
      %below = arith.cmpi slt, %at, %size : index
      cf.assert %below, "index must be smaller than dim size"
      %above = arith.cmpi sge, %id, %zero : i64
      cf.assert %above, "index must be larger or equal to 0"
      %x = tensor.extract %table[%at] : tensor<5xf32>
      linalg.yield %x : f32
  } -> tensor<4xf32>
  return %r : tensor<4xf32>
}
