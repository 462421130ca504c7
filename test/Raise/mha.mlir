// Projections, heads, norms and turned positions around an attention: attn.mha. blocks=false leaves attn.sdpa.
// RUN: attn-opt %s --attn-raise --mlir-print-local-scope 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=SUMMARY < %t
// RUN: attn-opt %s --attn-raise --remarks-filter=attn-raise -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: attn-opt %s --attn-raise=blocks=false 2>&1 | FileCheck %s --check-prefix=ALONE
// RUN: sed -e 's/0xFF800000/-1.0e9/' %s | attn-opt --attn-raise 2>&1 | FileCheck %s --check-prefix=FILL
// SUMMARY: remark: raised 1 of 1, 1 with projections{{$}}
// REMARK: Remark="raised to attn.mha"
// ALONE-NOT: attn.mha
// ALONE: remark: raised 1 of 1{{$}}

// Queries and keys are inside of the block: the input and the weights bound them, and the mask captures whether -1e9 is far enough.
// FILL: raised 1 of 1, 1 with projections
// FILL-LABEL: func.func @rows(
// FILL-SAME:    %[[X:[^:]*]]: tensor<2x5x6xf32>, %[[WQ:[^:]*]]: tensor<8x6xf32>, %[[WK:[^:]*]]: tensor<4x6xf32>
// FILL-DAG:     linalg.generic {{.*}} ins(%[[X]] : tensor<2x5x6xf32>) outs(%{{.*}} : tensor<6xf32>)
// FILL-DAG:     linalg.generic {{.*}} ins(%[[WQ]] : tensor<8x6xf32>) outs(%{{.*}} : tensor<8xf32>)
// FILL-DAG:     linalg.generic {{.*}} ins(%[[WK]] : tensor<4x6xf32>) outs(%{{.*}} : tensor<4xf32>)
// FILL:         %[[LARGE:.*]] = arith.cmpf ugt,
// FILL:         attn.mha %[[X]] {{.*}} captures(%[[LARGE]][] : i1)
// FILL:         } mask(
// FILL:           arith.ori

// Rows of [B * M, E], weights transposed and not, one bias of four, grouped keys, a causal mask.
// CHECK-LABEL: func.func @rows(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<2x5x6xf32>, %[[WQ:[^:]*]]: tensor<8x6xf32>, %[[WK:[^:]*]]: tensor<4x6xf32>, %[[WV:[^:]*]]: tensor<4x6xf32>, %[[WO:[^:]*]]: tensor<7x8xf32>, %[[B:[^:]*]]: tensor<8xf32>)
// CHECK-DAG:     %[[B4:.*]] = arith.constant dense<0.000000e+00> : tensor<4xf32>
// CHECK-DAG:     %[[B7:.*]] = arith.constant dense<0.000000e+00> : tensor<7xf32>
// CHECK-NOT:     linalg
// CHECK:         %[[Y:.*]] = attn.mha %[[X]] weights(%[[WQ]], %[[WK]], %[[WV]], %[[WO]]) bias(%[[B]], %{{.*}}, %{{.*}}, %[[B7]]) heads(4) kv_heads(2) scale(%{{[^)]*}})
// CHECK-SAME:      mask(
// CHECK:         %[[R:.*]] = tensor.collapse_shape %[[Y]] {{\[\[}}0, 1], [2]] : tensor<2x5x7xf32> into tensor<10x7xf32>
// CHECK:         return %[[R]]
func.func @rows(%x: tensor<2x5x6xf32>, %wq: tensor<8x6xf32>, %wk: tensor<4x6xf32>, %wv: tensor<4x6xf32>, %wo: tensor<7x8xf32>, %bq: tensor<8xf32>) -> tensor<10x7xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %rows = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x5x6xf32> into tensor<10x6xf32>
  %te = tensor.empty() : tensor<6x8xf32>
  %t = linalg.transpose ins(%wq : tensor<8x6xf32>) outs(%te : tensor<6x8xf32>) permutation = [1, 0]
  %e8 = tensor.empty() : tensor<10x8xf32>
  %i8 = linalg.fill ins(%zero : f32) outs(%e8 : tensor<10x8xf32>) -> tensor<10x8xf32>
  %e4 = tensor.empty() : tensor<10x4xf32>
  %i4 = linalg.fill ins(%zero : f32) outs(%e4 : tensor<10x4xf32>) -> tensor<10x4xf32>
  %q0 = linalg.matmul ins(%rows, %t : tensor<10x6xf32>, tensor<6x8xf32>) outs(%i8 : tensor<10x8xf32>) -> tensor<10x8xf32>
  %q1 = linalg.generic {indexing_maps = [affine_map<(r, c) -> (r, c)>, affine_map<(r, c) -> (c)>, affine_map<(r, c) -> (r, c)>], iterator_types = ["parallel", "parallel"]}
    ins(%q0, %bq : tensor<10x8xf32>, tensor<8xf32>) outs(%e8 : tensor<10x8xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %y = arith.addf %a, %b : f32
      linalg.yield %y : f32
  } -> tensor<10x8xf32>
  %k0 = linalg.generic {indexing_maps = [affine_map<(r, c, k) -> (r, k)>, affine_map<(r, c, k) -> (c, k)>, affine_map<(r, c, k) -> (r, c)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%rows, %wk : tensor<10x6xf32>, tensor<4x6xf32>) outs(%i4 : tensor<10x4xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %y = arith.addf %c, %p : f32
      linalg.yield %y : f32
  } -> tensor<10x4xf32>
  %v0 = linalg.generic {indexing_maps = [affine_map<(r, c, k) -> (r, k)>, affine_map<(r, c, k) -> (c, k)>, affine_map<(r, c, k) -> (r, c)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%rows, %wv : tensor<10x6xf32>, tensor<4x6xf32>) outs(%i4 : tensor<10x4xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %y = arith.addf %c, %p : f32
      linalg.yield %y : f32
  } -> tensor<10x4xf32>
  %q = tensor.expand_shape %q1 [[0, 1], [2, 3]] output_shape [2, 5, 4, 2] : tensor<10x8xf32> into tensor<2x5x4x2xf32>
  %k = tensor.expand_shape %k0 [[0, 1], [2, 3]] output_shape [2, 5, 2, 2] : tensor<10x4xf32> into tensor<2x5x2x2xf32>
  %v = tensor.expand_shape %v0 [[0, 1], [2, 3]] output_shape [2, 5, 2, 2] : tensor<10x4xf32> into tensor<2x5x2x2xf32>
  %ke = tensor.empty() : tensor<2x5x2x2x2xf32>
  %kr = linalg.broadcast ins(%k : tensor<2x5x2x2xf32>) outs(%ke : tensor<2x5x2x2x2xf32>) dimensions = [3]
  %vr = linalg.broadcast ins(%v : tensor<2x5x2x2xf32>) outs(%ke : tensor<2x5x2x2x2xf32>) dimensions = [3]
  %kh = tensor.collapse_shape %kr [[0], [1], [2, 3], [4]] : tensor<2x5x2x2x2xf32> into tensor<2x5x4x2xf32>
  %vh = tensor.collapse_shape %vr [[0], [1], [2, 3], [4]] : tensor<2x5x2x2x2xf32> into tensor<2x5x4x2xf32>
  %se = tensor.empty() : tensor<2x4x5x5xf32>
  %si = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x5x5xf32>) -> tensor<2x4x5x5xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(b, h, m, n, d) -> (b, m, h, d)>, affine_map<(b, h, m, n, d) -> (b, n, h, d)>, affine_map<(b, h, m, n, d) -> (b, h, m, n)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
    ins(%q, %kh : tensor<2x5x4x2xf32>, tensor<2x5x4x2xf32>) outs(%si : tensor<2x4x5x5xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %y = arith.addf %c, %p : f32
      linalg.yield %y : f32
  } -> tensor<2x4x5x5xf32>
  %ms = linalg.generic {indexing_maps = [affine_map<(b, h, m, n) -> (b, h, m, n)>, affine_map<(b, h, m, n) -> (b, h, m, n)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%s : tensor<2x4x5x5xf32>) outs(%se : tensor<2x4x5x5xf32>) {
    ^bb0(%a: f32, %c: f32):
      %i = linalg.index 2 : index
      %j = linalg.index 3 : index
      %keep = arith.cmpi sle, %j, %i : index
      %y = arith.select %keep, %a, %low : f32
      linalg.yield %y : f32
  } -> tensor<2x4x5x5xf32>
  %p = linalg.softmax dimension(3) ins(%ms : tensor<2x4x5x5xf32>) outs(%se : tensor<2x4x5x5xf32>) -> tensor<2x4x5x5xf32>
  %oe = tensor.empty() : tensor<2x5x4x2xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x5x4x2xf32>) -> tensor<2x5x4x2xf32>
  %o = linalg.generic {indexing_maps = [affine_map<(b, m, h, d, n) -> (b, h, m, n)>, affine_map<(b, m, h, d, n) -> (b, n, h, d)>, affine_map<(b, m, h, d, n) -> (b, m, h, d)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
    ins(%p, %vh : tensor<2x4x5x5xf32>, tensor<2x5x4x2xf32>) outs(%oi : tensor<2x5x4x2xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %x0 = arith.mulf %a, %b : f32
      %y = arith.addf %c, %x0 : f32
      linalg.yield %y : f32
  } -> tensor<2x5x4x2xf32>
  %merged = tensor.collapse_shape %o [[0, 1], [2, 3]] : tensor<2x5x4x2xf32> into tensor<10x8xf32>
  %ye = tensor.empty() : tensor<10x7xf32>
  %yi = linalg.fill ins(%zero : f32) outs(%ye : tensor<10x7xf32>) -> tensor<10x7xf32>
  %y0 = linalg.generic {indexing_maps = [affine_map<(r, c, k) -> (r, k)>, affine_map<(r, c, k) -> (c, k)>, affine_map<(r, c, k) -> (r, c)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%merged, %wo : tensor<10x8xf32>, tensor<7x8xf32>) outs(%yi : tensor<10x7xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %x0 = arith.mulf %a, %b : f32
      %y = arith.addf %c, %x0 : f32
      linalg.yield %y : f32
  } -> tensor<10x7xf32>
  return %y0 : tensor<10x7xf32>
}
