// What is raised, and to what.
// RUN: attn-opt %s --attn-raise 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=SUMMARY < %t
// RUN: attn-opt %s --attn-raise=require-raised=4 -o /dev/null 2>&1 | FileCheck %s --check-prefix=SUMMARY
// RUN: not attn-opt %s --attn-raise=require-raised=5 -o /dev/null 2>&1 | FileCheck %s --check-prefix=GATE
// RUN: attn-opt %s --attn-raise --remarks-filter=attn-raise -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// SUMMARY: remark: raised 4 of 4{{$}}
// GATE: error: raised 4 of 4; require-raised asks for 5
// REMARK-COUNT-4: [Passed] Attention | Category:attn-raise | Remark="raised to attn.sdpa"

#all = affine_map<(b, h, m, n) -> (b, h, m, n)>
#row = affine_map<(b, h, m, n) -> (b, h, m)>
#q = affine_map<(b, h, m, n, d) -> (b, m, h, d)>
#k = affine_map<(b, h, m, n, d) -> (b, n, h, d)>
#s = affine_map<(b, h, m, n, d) -> (b, h, m, n)>
#p = affine_map<(b, m, h, d, n) -> (b, h, m, n)>
#v = affine_map<(b, m, h, d, n) -> (b, n, h, d)>
#o = affine_map<(b, m, h, d, n) -> (b, m, h, d)>

// A transposed K, a splat for the scale, linalg.softmax; the batch is the heads of one.
// CHECK-LABEL: func.func @named(
// CHECK-SAME:    %[[Q:.*]]: tensor<6x33x16xf32>, %[[K:.*]]: tensor<6x45x16xf32>, %[[V:.*]]: tensor<6x45x24xf32>)
// CHECK-NOT:     linalg
// CHECK-DAG:     %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{.*}} into tensor<1x6x33x16xf32>
// CHECK-DAG:     %[[K4:.*]] = tensor.expand_shape %[[K]] {{.*}} into tensor<1x6x45x16xf32>
// CHECK-DAG:     %[[V4:.*]] = tensor.expand_shape %[[V]] {{.*}} into tensor<1x6x45x24xf32>
// CHECK-DAG:     %[[C:.*]] = arith.constant 2.500000e-01 : f32
// CHECK:         %[[O4:.*]] = attn.sdpa %[[Q4]], %[[K4]], %[[V4]] scale(%[[C]]) :
// CHECK:         %[[O:.*]] = tensor.collapse_shape %[[O4]]
// CHECK:         return %[[O]]
func.func @named(%q: tensor<6x33x16xf32>, %k: tensor<6x45x16xf32>, %v: tensor<6x45x24xf32>) -> tensor<6x33x24xf32> {
  %zero = arith.constant 0.0 : f32
  %c = arith.constant dense<0.25> : tensor<6x33x45xf32>
  %kt_e = tensor.empty() : tensor<6x16x45xf32>
  %kt = linalg.transpose ins(%k : tensor<6x45x16xf32>) outs(%kt_e : tensor<6x16x45xf32>) permutation = [0, 2, 1]
  %s_e = tensor.empty() : tensor<6x33x45xf32>
  %s_i = linalg.fill ins(%zero : f32) outs(%s_e : tensor<6x33x45xf32>) -> tensor<6x33x45xf32>
  %s = linalg.batch_matmul ins(%q, %kt : tensor<6x33x16xf32>, tensor<6x16x45xf32>) outs(%s_i : tensor<6x33x45xf32>) -> tensor<6x33x45xf32>
  %ss = arith.mulf %s, %c : tensor<6x33x45xf32>
  %p = linalg.softmax dimension(2) ins(%ss : tensor<6x33x45xf32>) outs(%s_e : tensor<6x33x45xf32>) -> tensor<6x33x45xf32>
  %o_e = tensor.empty() : tensor<6x33x24xf32>
  %o_i = linalg.fill ins(%zero : f32) outs(%o_e : tensor<6x33x24xf32>) -> tensor<6x33x24xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<6x33x45xf32>, tensor<6x45x24xf32>) outs(%o_i : tensor<6x33x24xf32>) -> tensor<6x33x24xf32>
  return %o : tensor<6x33x24xf32>
}

// Softmax in five ops, rows before heads, a condition on positions: a mask region. It keeps key 0 of each row, so none is empty.
// CHECK-LABEL: func.func @causal(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x?x3x16xf32>, %[[K:.*]]: tensor<2x?x3x16xf32>, %[[V:.*]]: tensor<2x?x3x16xf32>)
// CHECK-NOT:     linalg
// CHECK:         %[[O:.*]] = attn.sdpa %[[Q]], %[[K]], %[[V]] scale(%{{.*}}) layout(bshd, bshd, bshd, bshd)
// CHECK-SAME:      mask(%{{.*}}, %{{.*}}, %[[M:.*]], %[[N:.*]]) {
// CHECK-NEXT:      %[[KEEP:.*]] = arith.cmpi sle, %[[N]], %[[M]] : index
// CHECK-NEXT:      attn.yield %[[KEEP]] : i1
// CHECK:         return %[[O]]
func.func @causal(%q: tensor<2x?x3x16xf32>, %k: tensor<2x?x3x16xf32>, %v: tensor<2x?x3x16xf32>) -> tensor<2x?x3x16xf32> {
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %scale = arith.constant 0.25 : f32
  %m = tensor.dim %q, %c1 : tensor<2x?x3x16xf32>
  %n = tensor.dim %k, %c1 : tensor<2x?x3x16xf32>
  %se = tensor.empty(%m, %n) : tensor<2x3x?x?xf32>
  %si = linalg.fill ins(%zero : f32) outs(%se : tensor<2x3x?x?xf32>) -> tensor<2x3x?x?xf32>
  %s = linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
    ins(%q, %k : tensor<2x?x3x16xf32>, tensor<2x?x3x16xf32>) outs(%si : tensor<2x3x?x?xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %x = arith.mulf %a, %b : f32
      %y = arith.addf %c, %x : f32
      linalg.yield %y : f32
  } -> tensor<2x3x?x?xf32>
  %ms = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%s : tensor<2x3x?x?xf32>) outs(%se : tensor<2x3x?x?xf32>) {
    ^bb0(%a: f32, %c: f32):
      %i = linalg.index 2 : index
      %j = linalg.index 3 : index
      %keep = arith.cmpi sle, %j, %i : index
      %x = arith.mulf %a, %scale : f32
      %y = arith.select %keep, %x, %low : f32
      linalg.yield %y : f32
  } -> tensor<2x3x?x?xf32>
  %re = tensor.empty(%m) : tensor<2x3x?xf32>
  %ri = linalg.fill ins(%low : f32) outs(%re : tensor<2x3x?xf32>) -> tensor<2x3x?xf32>
  %max = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
    ins(%ms : tensor<2x3x?x?xf32>) outs(%ri : tensor<2x3x?xf32>) {
    ^bb0(%a: f32, %c: f32):
      %y = arith.maximumf %a, %c : f32
      linalg.yield %y : f32
  } -> tensor<2x3x?xf32>
  %e = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%ms, %max : tensor<2x3x?x?xf32>, tensor<2x3x?xf32>) outs(%se : tensor<2x3x?x?xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %x = arith.subf %a, %b : f32
      %y = math.exp %x : f32
      linalg.yield %y : f32
  } -> tensor<2x3x?x?xf32>
  %zi = linalg.fill ins(%zero : f32) outs(%re : tensor<2x3x?xf32>) -> tensor<2x3x?xf32>
  %sum = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
    ins(%e : tensor<2x3x?x?xf32>) outs(%zi : tensor<2x3x?xf32>) {
    ^bb0(%a: f32, %c: f32):
      %y = arith.addf %a, %c : f32
      linalg.yield %y : f32
  } -> tensor<2x3x?xf32>
  %p = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%e, %sum : tensor<2x3x?x?xf32>, tensor<2x3x?xf32>) outs(%se : tensor<2x3x?x?xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %y = arith.divf %a, %b : f32
      linalg.yield %y : f32
  } -> tensor<2x3x?x?xf32>
  %oe = tensor.empty(%m) : tensor<2x?x3x16xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x?x3x16xf32>) -> tensor<2x?x3x16xf32>
  %o = linalg.generic {indexing_maps = [#p, #v, #o], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
    ins(%p, %v : tensor<2x3x?x?xf32>, tensor<2x?x3x16xf32>) outs(%oi : tensor<2x?x3x16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %x = arith.mulf %a, %b : f32
      %y = arith.addf %c, %x : f32
      linalg.yield %y : f32
  } -> tensor<2x?x3x16xf32>
  return %o : tensor<2x?x3x16xf32>
}

// An added mask may be -inf in a whole row, which is NaN in such a graph.
// CHECK-LABEL: func.func @added(
// CHECK-SAME:    %[[BIAS:[^:]*]]: tensor<33x45xf32>)
// CHECK:         %[[O:.*]], %[[LSE:.*]] = attn.sdpa %{{.*}} scale(%{{.*}}) captures(%[[BIAS]][m, n] : tensor<33x45xf32>) returns(lse)
// CHECK-SAME:      score(%[[S:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[ADDED:.*]]) {
// CHECK-NEXT:      %[[SUM:.*]] = arith.addf %[[S]], %[[ADDED]] : f32
// CHECK-NEXT:      attn.yield %[[SUM]] : f32
// CHECK-DAG:     %[[NAN:.*]] = arith.constant 0x7FC00000 : f32
// CHECK:         linalg.generic {{.*}} ins(%[[O]], %[[LSE]]
// CHECK:           %[[EMPTY:.*]] = arith.cmpf oeq, %{{.*}}, %{{.*}} : f32
// CHECK:           arith.select %[[EMPTY]], %[[NAN]], %{{.*}} : f32
func.func @added(%q: tensor<6x33x16xf32>, %k: tensor<6x45x16xf32>, %v: tensor<6x45x24xf32>, %bias: tensor<33x45xf32>) -> tensor<6x33x24xf32> {
  %zero = arith.constant 0.0 : f32
  %c = arith.constant dense<0.25> : tensor<6x33x45xf32>
  %kt_e = tensor.empty() : tensor<6x16x45xf32>
  %kt = linalg.transpose ins(%k : tensor<6x45x16xf32>) outs(%kt_e : tensor<6x16x45xf32>) permutation = [0, 2, 1]
  %s_e = tensor.empty() : tensor<6x33x45xf32>
  %s_i = linalg.fill ins(%zero : f32) outs(%s_e : tensor<6x33x45xf32>) -> tensor<6x33x45xf32>
  %s = linalg.batch_matmul ins(%q, %kt : tensor<6x33x16xf32>, tensor<6x16x45xf32>) outs(%s_i : tensor<6x33x45xf32>) -> tensor<6x33x45xf32>
  %x = arith.mulf %s, %c : tensor<6x33x45xf32>
  %ss = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (m, n)>, affine_map<(b, m, n) -> (b, m, n)>], iterator_types = ["parallel", "parallel", "parallel"]}
    ins(%x, %bias : tensor<6x33x45xf32>, tensor<33x45xf32>) outs(%s_e : tensor<6x33x45xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %y = arith.addf %a, %b : f32
      linalg.yield %y : f32
  } -> tensor<6x33x45xf32>
  %p = linalg.softmax dimension(2) ins(%ss : tensor<6x33x45xf32>) outs(%s_e : tensor<6x33x45xf32>) -> tensor<6x33x45xf32>
  %o_e = tensor.empty() : tensor<6x33x24xf32>
  %o_i = linalg.fill ins(%zero : f32) outs(%o_e : tensor<6x33x24xf32>) -> tensor<6x33x24xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<6x33x45xf32>, tensor<6x45x24xf32>) outs(%o_i : tensor<6x33x24xf32>) -> tensor<6x33x24xf32>
  return %o : tensor<6x33x24xf32>
}

// The division after the second product, no batch at all, K given as columns, the scale on Q.
// CHECK-LABEL: func.func @late(
// CHECK-NOT:     linalg
// CHECK:         attn.sdpa {{.*}} layout(bhsd, bhds, bhsd, bhsd) : tensor<1x1x5x8xf32>, tensor<1x1x8x7xf32>, tensor<1x1x7x4xf32> -> tensor<1x1x5x4xf32>
func.func @late(%q: tensor<5x8xf32>, %k: tensor<8x7xf32>, %v: tensor<7x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF7FFFFF : f32
  %c = arith.constant dense<0.25> : tensor<5x8xf32>
  %e = tensor.empty() : tensor<5x7xf32>
  %r = tensor.empty() : tensor<5xf32>
  %oe = tensor.empty() : tensor<5x4xf32>
  %x = arith.mulf %q, %c : tensor<5x8xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %s = linalg.matmul ins(%x, %k : tensor<5x8xf32>, tensor<8x7xf32>) outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
  %mi = linalg.fill ins(%lowest : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %m = linalg.reduce { arith.maxnumf } ins(%s : tensor<5x7xf32>) outs(%mi : tensor<5xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %d = arith.subf %s, %mb : tensor<5x7xf32>
  %p = math.exp %d : tensor<5x7xf32>
  %li = linalg.fill ins(%zero : f32) outs(%r : tensor<5xf32>) -> tensor<5xf32>
  %l = linalg.reduce { arith.addf } ins(%p : tensor<5x7xf32>) outs(%li : tensor<5xf32>) dimensions = [1]
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<5x7xf32>, tensor<7x4xf32>) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>
  %lb = linalg.broadcast ins(%l : tensor<5xf32>) outs(%oe : tensor<5x4xf32>) dimensions = [1]
  %y = arith.divf %o, %lb : tensor<5x4xf32>
  return %y : tensor<5x4xf32>
}
