// RUN: attn-opt %s --attn-cpu-fuse-elementwise | FileCheck %s
// This pass cannot fail.

// y = (x + 1) * 2 in one operation.
// CHECK-LABEL: func.func @chain(
// CHECK:         linalg.generic
// CHECK:           arith.addf
// CHECK:           arith.mulf
// CHECK-NOT:     linalg.generic
func.func @chain(%x: tensor<?x16xf32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %a = linalg.generic {indexing_maps = [affine_map<(r, c) -> (r, c)>, affine_map<(r, c) -> (r, c)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%init : tensor<?x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %s = arith.addf %in, %one : f32
      linalg.yield %s : f32
    } -> tensor<?x16xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(r, c) -> (r, c)>, affine_map<(r, c) -> (r, c)>], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<?x16xf32>) outs(%init : tensor<?x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %s = arith.mulf %in, %two : f32
      linalg.yield %s : f32
    } -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// The row's factor is halved in place: inside the loop over columns it would be
// halved at each.
// CHECK-LABEL: func.func @in_place_per_row(
// CHECK:         %[[F:.+]] = linalg.generic {{.*}} iterator_types = ["parallel"]} outs(
// CHECK:         linalg.generic {{.*}} ins(%{{.+}}, %[[F]] :
func.func @in_place_per_row(%x: tensor<?x16xf32>, %f: tensor<?xf32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %half = arith.constant 0.5 : f32
  %g = linalg.generic {indexing_maps = [affine_map<(r) -> (r)>], iterator_types = ["parallel"]} outs(%f : tensor<?xf32>) {
    ^bb0(%out: f32):
      %s = arith.mulf %out, %half : f32
      linalg.yield %s : f32
    } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(r, c) -> (r, c)>, affine_map<(r, c) -> (r)>, affine_map<(r, c) -> (r, c)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %g : tensor<?x16xf32>, tensor<?xf32>) outs(%init : tensor<?x16xf32>) {
    ^bb0(%in: f32, %row: f32, %out: f32):
      %s = arith.mulf %in, %row : f32
      linalg.yield %s : f32
    } -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// One root per row stays one root per row; a widening costs nothing.
// CHECK-LABEL: func.func @costly_per_row(
// CHECK:         math.sqrt
// CHECK:         linalg.generic {{.*}} ins(%{{.+}}, %{{.+}}, %{{.+}} : tensor<?x16xf32>, tensor<?xf32>, tensor<16xf16>)
// CHECK:           arith.extf
func.func @costly_per_row(%x: tensor<?x16xf32>, %f: tensor<?xf32>, %b: tensor<16xf16>, %rows: tensor<?xf32>, %init: tensor<?x16xf32>, %columns: tensor<16xf32>) -> tensor<?x16xf32> {
  %g = linalg.generic {indexing_maps = [affine_map<(r) -> (r)>, affine_map<(r) -> (r)>], iterator_types = ["parallel"]} ins(%f : tensor<?xf32>) outs(%rows : tensor<?xf32>) {
    ^bb0(%in: f32, %out: f32):
      %s = math.sqrt %in : f32
      linalg.yield %s : f32
    } -> tensor<?xf32>
  %w = linalg.generic {indexing_maps = [affine_map<(c) -> (c)>, affine_map<(c) -> (c)>], iterator_types = ["parallel"]} ins(%b : tensor<16xf16>) outs(%columns : tensor<16xf32>) {
    ^bb0(%in: f16, %out: f32):
      %s = arith.extf %in : f16 to f32
      linalg.yield %s : f32
    } -> tensor<16xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(r, c) -> (r, c)>, affine_map<(r, c) -> (r)>, affine_map<(r, c) -> (c)>, affine_map<(r, c) -> (r, c)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %g, %w : tensor<?x16xf32>, tensor<?xf32>, tensor<16xf32>) outs(%init : tensor<?x16xf32>) {
    ^bb0(%in: f32, %row: f32, %column: f32, %out: f32):
      %s = arith.mulf %in, %row : f32
      %t = arith.mulf %s, %column : f32
      linalg.yield %t : f32
    } -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
