// RUN: attn-opt %s --attn-linalg --canonicalize --cse --split-input-file | FileCheck %s

// score = s - slope[h] * (m - n), keep = doc[b,m] == doc[b,n]; what is captured
// comes in as operands of the one generic.
// CHECK-DAG: #[[$H:.+]] = affine_map<(d0, d1, d2, d3) -> (d1)>
// CHECK-DAG: #[[$BM:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d2)>
// CHECK-DAG: #[[$BN:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d3)>
// CHECK-DAG: #[[$S:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-LABEL: func.func @both_regions(
// CHECK-SAME: %[[SLOPE:[^ ]+]]: tensor<2xf32>, %[[DOC:[^ ]+]]: tensor<1x5xi32>, %[[SCALE:[^ ]+]]: f32
// CHECK-DAG: %[[LOWEST:.+]] = arith.constant 0xFF800000 : f32
// CHECK: linalg.generic {indexing_maps = [#[[$H]], #[[$BM]], #[[$BN]], #[[$S]]]{{.+}} ins(%[[SLOPE]], %[[DOC]], %[[DOC]]
// CHECK-NEXT: ^bb0(%[[SL:.+]]: f32, %[[DM:.+]]: i32, %[[DN:.+]]: i32, %[[DOT:.+]]: f32):
// CHECK-NEXT: %[[S:.+]] = arith.mulf %[[DOT]], %[[SCALE]]
// CHECK-NEXT: %[[M:.+]] = linalg.index 2
// CHECK-NEXT: %[[N:.+]] = linalg.index 3
// CHECK-NEXT: arith.subi %[[M]], %[[N]]
// CHECK: %[[BIAS:.+]] = arith.mulf %[[SL]], %{{.+}}
// CHECK-NEXT: %[[SCORE:.+]] = arith.subf %[[S]], %[[BIAS]]
// CHECK-NEXT: %[[KEEP:.+]] = arith.cmpi eq, %[[DM]], %[[DN]]
// CHECK-NEXT: %[[MASKED:.+]] = arith.select %[[KEEP]], %[[SCORE]], %[[LOWEST]]
// CHECK-NEXT: linalg.yield %[[MASKED]]
func.func @both_regions(%slope: tensor<2xf32>, %doc: tensor<1x5xi32>, %scale: f32, %q: tensor<1x2x5x8xf32>) -> tensor<1x2x5x8xf32> {
  %o = attn.sdpa %q, %q, %q scale(%scale) captures(%slope[h] : tensor<2xf32>, %doc[b, m] : tensor<1x5xi32>, %doc[b, n] : tensor<1x5xi32>)
    : tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32> -> tensor<1x2x5x8xf32>
    score(%s, %b, %h, %m, %n, %sl, %dm, %dn) {
      %d = arith.subi %m, %n : index
      %i = arith.index_cast %d : index to i32
      %f = arith.sitofp %i : i32 to f32
      %t = arith.mulf %sl, %f : f32
      %r = arith.subf %s, %t : f32
      attn.yield %r : f32
    } mask(%b, %h, %m, %n, %sl, %dm, %dn) {
      %same = arith.cmpi eq, %dm, %dn : i32
      attn.yield %same : i1
    }
  return %o : tensor<1x2x5x8xf32>
}

// -----

// bias[0, h, 0, n] is the row bias[h, n] once the fixed dimensions are cut
// away; len[b] is longer than the batch and is cut to it.
// CHECK-DAG: #[[$HN:.+]] = affine_map<(d0, d1, d2, d3) -> (d1, d3)>
// CHECK-DAG: #[[$B:.+]] = affine_map<(d0, d1, d2, d3) -> (d0)>
// CHECK-LABEL: func.func @broadcast_and_longer(
// CHECK-SAME: %[[BIAS:[^ ]+]]: tensor<1x2x1x7xf32>, %[[LEN:[^ ]+]]: tensor<9xi64>
// CHECK-DAG: %[[ROW:.+]] = tensor.extract_slice %[[BIAS]][0, 0, 0, 0] [1, 2, 1, 7] [1, 1, 1, 1] : tensor<1x2x1x7xf32> to tensor<2x7xf32>
// CHECK-DAG: %[[CUT:.+]] = tensor.extract_slice %[[LEN]][0] [3] [1] : tensor<9xi64> to tensor<3xi64>
// CHECK: linalg.generic {indexing_maps = [#[[$HN]], #[[$B]], {{.+}} ins(%[[ROW]], %[[CUT]]
func.func @broadcast_and_longer(%bias: tensor<1x2x1x7xf32>, %len: tensor<9xi64>, %q: tensor<3x2x5x8xf32>, %k: tensor<3x2x7x8xf32>) -> tensor<3x2x5x8xf32> {
  %o = attn.sdpa %q, %k, %k captures(%bias[0, h, 0, n] : tensor<1x2x1x7xf32>, %len[b] : tensor<9xi64>)
    : tensor<3x2x5x8xf32>, tensor<3x2x7x8xf32>, tensor<3x2x7x8xf32> -> tensor<3x2x5x8xf32>
    score(%s, %b, %h, %m, %n, %x, %l) {
      %r = arith.addf %s, %x : f32
      attn.yield %r : f32
    } mask(%b, %h, %m, %n, %x, %l) {
      %i = arith.index_cast %n : index to i64
      %c = arith.cmpi slt, %i, %l : i64
      attn.yield %c : i1
    }
  return %o : tensor<3x2x5x8xf32>
}

// -----

// page[n floordiv 4] is read in the body; a capture that no region reads is
// not read at all; a scalar stands for itself.
// CHECK-DAG: #[[$PAGE:.+]] = affine_map<()[s0] -> (s0 floordiv 4)>
// CHECK-LABEL: func.func @gather_scalar_unused(
// CHECK-SAME: %[[PAGE:[^ ]+]]: tensor<?xi32>, %[[LIMIT:[^ ]+]]: i32, %[[UNUSED:[^ ]+]]: tensor<5xf32>
// CHECK: %[[N:.+]] = linalg.index 3
// CHECK-NEXT: %[[AT:.+]] = affine.apply #[[$PAGE]]()[%[[N]]]
// CHECK-NEXT: %[[P:.+]] = tensor.extract %[[PAGE]][%[[AT]]]
// CHECK-NEXT: arith.cmpi slt, %[[P]], %[[LIMIT]]
// CHECK-NOT: %[[UNUSED]]
// CHECK: return
func.func @gather_scalar_unused(%page: tensor<?xi32>, %limit: i32, %unused: tensor<5xf32>, %q: tensor<1x2x5x8xf32>) -> tensor<1x2x5x8xf32> {
  %o = attn.sdpa %q, %q, %q captures(%page[n floordiv 4] : tensor<?xi32>, %limit[] : i32, %unused[m] : tensor<5xf32>)
    : tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32> -> tensor<1x2x5x8xf32>
    mask(%b, %h, %m, %n, %p, %l, %u) {
      %c = arith.cmpi slt, %p, %l : i32
      attn.yield %c : i1
    }
  return %o : tensor<1x2x5x8xf32>
}

// -----

// Tile offsets are added to b, h and m, in the regions and in captures:
// keep = n <= row[m0 + m] + (h0 + h).
// CHECK-LABEL: func.func @offsets(
// CHECK-SAME: %[[ROW:[^ ]+]]: tensor<?xindex>, %[[B0:[^ ]+]]: index, %[[H0:[^ ]+]]: index, %[[M0:[^ ]+]]: index
// CHECK: %[[CUT:.+]] = tensor.extract_slice %[[ROW]][%[[M0]]] [5] [1] : tensor<?xindex> to tensor<5xindex>
// CHECK: linalg.generic {{.+}} ins(%[[CUT]]
// CHECK-NEXT: ^bb0(%[[R:.+]]: index, %{{.+}}: f32):
// CHECK: %[[H:.+]] = linalg.index 1
// CHECK-NEXT: %[[HEAD:.+]] = arith.addi %[[H0]], %[[H]]
// CHECK-NEXT: %[[N:.+]] = linalg.index 3
// CHECK-NEXT: %[[LAST:.+]] = arith.addi %[[R]], %[[HEAD]]
// CHECK-NEXT: arith.cmpi sle, %[[N]], %[[LAST]]
func.func @offsets(%row: tensor<?xindex>, %b0: index, %h0: index, %m0: index, %q: tensor<1x2x5x8xf32>) -> tensor<1x2x5x8xf32> {
  %o = attn.sdpa %q, %q, %q captures(%row[m] : tensor<?xindex>) tile(%b0, %h0, %m0)
    : tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32> -> tensor<1x2x5x8xf32>
    mask(%b, %h, %m, %n, %r) {
      %last = arith.addi %r, %h : index
      %c = arith.cmpi sle, %n, %last : index
      attn.yield %c : i1
    }
  return %o : tensor<1x2x5x8xf32>
}

// -----

// 1 / sqrt(D) of a D that is known at run time.
// CHECK-LABEL: func.func @default_scale(
// CHECK: %[[D:.+]] = arith.sitofp %{{.+}} : i64 to f64
// CHECK: %[[ROOT:.+]] = math.sqrt %[[D]] : f64
// CHECK: %[[INVERSE:.+]] = arith.divf %{{.+}}, %[[ROOT]] : f64
// CHECK: %[[SCALE:.+]] = arith.truncf %[[INVERSE]] : f64 to f32
// CHECK: arith.mulf %{{.+}}, %[[SCALE]] : f32
func.func @default_scale(%q: tensor<1x2x5x?xf32>) -> tensor<1x2x5x?xf32> {
  %o = attn.sdpa %q, %q, %q : tensor<1x2x5x?xf32>, tensor<1x2x5x?xf32>, tensor<1x2x5x?xf32> -> tensor<1x2x5x?xf32>
  return %o : tensor<1x2x5x?xf32>
}
