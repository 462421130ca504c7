// RUN: attn-opt %s --attn-cpu-entry-abi --canonicalize --cse | FileCheck %s

// As many values as keys (argument 3), the same batch, and a mask that reaches every key (argument 4).
// CHECK-LABEL: func.func @attention(
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: memref<?x?x?x?xf32>, %[[K:[a-z0-9]+]]: memref<?x?x?x?xf32>, %[[V:[a-z0-9]+]]: memref<?x?x?x?xf32>, %[[M:[a-z0-9]+]]: memref<?x?xi1>
// CHECK-DAG:     %[[B:.+]] = memref.dim %[[Q]], %c0
// CHECK-DAG:     %[[KB:.+]] = memref.dim %[[K]], %c0
// CHECK-DAG:     %[[N:.+]] = memref.dim %[[K]], %c2
// CHECK-DAG:     %[[VB:.+]] = memref.dim %[[V]], %c0
// CHECK-DAG:     %[[VN:.+]] = memref.dim %[[V]], %c2
// CHECK-DAG:     %[[MB:.+]] = memref.dim %[[M]], %c0
// CHECK-DAG:     %[[MN:.+]] = memref.dim %[[M]], %c1
// CHECK-DAG:     arith.cmpi ne, %[[KB]], %[[B]]
// CHECK-DAG:     arith.cmpi ne, %[[VB]], %[[B]]
// CHECK-DAG:     arith.cmpi ne, %[[VN]], %[[N]]
// CHECK-DAG:     arith.cmpi slt, %[[MB]], %[[B]]
// CHECK-DAG:     arith.cmpi slt, %[[MN]], %[[N]]
#min = affine_map<(d0)[s0] -> (-d0 + s0, 48)>
func.func @attention(%q: tensor<?x1x?x8xf32>, %k: tensor<?x1x?x8xf32>, %v: tensor<?x1x?x8xf32>, %keep: tensor<?x?xi1>) -> tensor<?x1x?x8xf32> {
  %scale = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %q, %c0 : tensor<?x1x?x8xf32>
  %m = tensor.dim %q, %c2 : tensor<?x1x?x8xf32>
  %n = tensor.dim %k, %c2 : tensor<?x1x?x8xf32>
  %e = tensor.empty(%b, %m) : tensor<?x1x?x8xf32>
  %r = scf.forall (%i, %h, %j) = (0, 0, 0) to (%b, 1, %m) step (1, 1, 48) shared_outs(%out = %e) -> (tensor<?x1x?x8xf32>) {
    %rows = affine.min #min(%j)[%m]
    %qs = tensor.extract_slice %q[%i, %h, %j, 0] [1, 1, %rows, 8] [1, 1, 1, 1] : tensor<?x1x?x8xf32> to tensor<1x1x?x8xf32>
    %ks = tensor.extract_slice %k[%i, %h, 0, 0] [1, 1, %n, 8] [1, 1, 1, 1] : tensor<?x1x?x8xf32> to tensor<1x1x?x8xf32>
    %vs = tensor.extract_slice %v[%i, %h, 0, 0] [1, 1, %n, 8] [1, 1, 1, 1] : tensor<?x1x?x8xf32> to tensor<1x1x?x8xf32>
    %p = attn.online_sdpa %qs, %ks, %vs scale(%scale) keys(%c0 to %n, full %c0 to %c0) tile(%i, %h, %j) of(%m, %n) captures(%keep[b, n] : tensor<?x?xi1>)
      : tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32> -> !attn.partial<f32> mask(%b1, %h1, %m1, %n1, %kp) { attn.yield %kp : i1 }
    %os = tensor.extract_slice %out[%i, %h, %j, 0] [1, 1, %rows, 8] [1, 1, 1, 1] : tensor<?x1x?x8xf32> to tensor<1x1x?x8xf32>
    %f = attn.finalize %p outs(%os) layout(bhsd) : !attn.partial<f32>, tensor<1x1x?x8xf32> -> tensor<1x1x?x8xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %f into %out[%i, %h, %j, 0] [1, 1, %rows, 8] [1, 1, 1, 1] : tensor<1x1x?x8xf32> into tensor<?x1x?x8xf32>
    }
  }
  return %r : tensor<?x1x?x8xf32>
}

// A loop over one task is gone and its indices are constants: M and the heads bound the captures all the same.
// CHECK-LABEL: func.func @one_task(
// CHECK-SAME:    %{{[a-z0-9]+}}: memref<?x?x?x?xf32>, %[[C:[a-z0-9]+]]: memref<?x?xf32>
// CHECK-DAG:     %[[C16:.+]] = arith.constant 16 : index
// CHECK-DAG:     %[[C1:.+]] = arith.constant 1 : index
// CHECK-DAG:     %[[CH:.+]] = memref.dim %[[C]], %c0
// CHECK-DAG:     %[[CM:.+]] = memref.dim %[[C]], %c1
// CHECK-DAG:     arith.cmpi slt, %[[CH]], %[[C1]]
// CHECK-DAG:     arith.cmpi slt, %[[CM]], %[[C16]]
func.func @one_task(%q: tensor<1x1x16x8xf32>, %c: tensor<?x?xf32>) -> tensor<1x1x16x8xf32> {
  %scale = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %e = tensor.empty() : tensor<1x1x16x8xf32>
  %p = attn.online_sdpa %q, %q, %q scale(%scale) keys(%c0 to %c16, full %c0 to %c0) tile(%c0, %c0, %c0) of(%c16, %c16) captures(%c[h, m] : tensor<?x?xf32>)
    : tensor<1x1x16x8xf32>, tensor<1x1x16x8xf32>, tensor<1x1x16x8xf32> -> !attn.partial<f32>
    score(%s, %b1, %h1, %m1, %n1, %x) {
      %t = arith.addf %s, %x : f32
      attn.yield %t : f32
    }
  %f = attn.finalize %p outs(%e) layout(bhsd) : !attn.partial<f32>, tensor<1x1x16x8xf32> -> tensor<1x1x16x8xf32>
  return %f : tensor<1x1x16x8xf32>
}

// Operands of one elementwise op are as long as each other; the later argument is to blame.
// CHECK-LABEL: func.func @sum(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?xf32>, %[[Y:[a-z0-9]+]]: memref<?xf32>
// CHECK-DAG:     %[[M:.+]] = memref.dim %[[X]], %c0
// CHECK-DAG:     %[[N:.+]] = memref.dim %[[Y]], %c0
// CHECK:         %[[WRONG:.+]] = arith.cmpi ne, %[[N]], %[[M]]
// CHECK:         arith.select %[[WRONG]], %c2_i32, %c0_i32
func.func @sum(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %r = linalg.add ins(%x, %y : tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// A capture at b * 3 - h + 7, of B batches (argument 1) and two heads: from 6 to (B - 1) * 3 + 7.
// CHECK-LABEL: func.func @reach(
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: memref<?x?x?x?xf32>, %[[C:[a-z0-9]+]]: memref<?xf32>
// CHECK-DAG:     %[[B:.+]] = memref.dim %[[Q]], %c0
// CHECK-DAG:     %[[SIZE:.+]] = memref.dim %[[C]], %c0
// CHECK-DAG:     %[[LAST:.+]] = arith.subi %[[B]], %c1
// CHECK-DAG:     %[[UPPER:.+]] = affine.apply #{{.+}}()[%[[LAST]]]
// CHECK-DAG:     %[[ABOVE:.+]] = arith.cmpi sge, %[[UPPER]], %[[SIZE]]
// CHECK-DAG:     %[[ANY:.+]] = arith.cmpi sgt, %[[B]], %c0
// CHECK:         %[[WRONG:.+]] = arith.andi %[[ANY]], %[[ABOVE]]
// CHECK:         arith.select %[[WRONG]], %c2_i32, %c0_i32
func.func @reach(%q: tensor<?x2x16x8xf32>, %c: tensor<?xf32>) -> tensor<?x2x16x8xf32> {
  %scale = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %b = tensor.dim %q, %c0 : tensor<?x2x16x8xf32>
  %e = tensor.empty(%b) : tensor<?x2x16x8xf32>
  %r = scf.forall (%i, %h) = (0, 0) to (%b, 2) step (1, 1) shared_outs(%out = %e) -> (tensor<?x2x16x8xf32>) {
    %qs = tensor.extract_slice %q[%i, %h, 0, 0] [1, 1, 16, 8] [1, 1, 1, 1] : tensor<?x2x16x8xf32> to tensor<1x1x16x8xf32>
    %p = attn.online_sdpa %qs, %qs, %qs scale(%scale) keys(%c0 to %c16, full %c0 to %c0) tile(%i, %h, %c0) of(%c16, %c16) captures(%c[b * 3 - h + 7] : tensor<?xf32>)
      : tensor<1x1x16x8xf32>, tensor<1x1x16x8xf32>, tensor<1x1x16x8xf32> -> !attn.partial<f32>
      score(%s, %b1, %h1, %m1, %n1, %x) {
        %t = arith.addf %s, %x : f32
        attn.yield %t : f32
      }
    %os = tensor.extract_slice %out[%i, %h, 0, 0] [1, 1, 16, 8] [1, 1, 1, 1] : tensor<?x2x16x8xf32> to tensor<1x1x16x8xf32>
    %f = attn.finalize %p outs(%os) layout(bhsd) : !attn.partial<f32>, tensor<1x1x16x8xf32> -> tensor<1x1x16x8xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %f into %out[%i, %h, 0, 0] [1, 1, 16, 8] [1, 1, 1, 1] : tensor<1x1x16x8xf32> into tensor<?x2x16x8xf32>
    }
  }
  return %r : tensor<?x2x16x8xf32>
}

// Argument 2 (the table) is to blame where a length is not held, below 0 or beyond all its pages of 16 rows, or where a page
// with rows in it is not below the size of the pool; looked at only where the sizes agree.
// CHECK-LABEL: func.func @pages(
// CHECK-SAME:    %[[POOL:[a-z0-9]+]]: memref<?x?x?x?xf32>, %[[TABLE:[a-z0-9]+]]: memref<?x?xi32>, %[[LENS:[a-z0-9]+]]: memref<?xi64>
// CHECK:         %[[WRONG:.+]] = scf.for %[[B:.+]] = %c0 to %{{.+}} step %c1 iter_args(%{{.+}} = %false) -> (i1) {
// CHECK:           %[[LEN:.+]] = memref.load %[[LENS]][%[[B]]]
// CHECK:           %[[LENGTH:.+]] = arith.index_cast %[[LEN]] : i64 to index
// CHECK:           %[[ALL:.+]] = arith.muli %{{.+}}, %c16
// CHECK-DAG:       arith.cmpi slt, %[[LENGTH]], %c0
// CHECK-DAG:       arith.cmpi slt, %[[ALL]], %[[LENGTH]]
// CHECK:           scf.for %[[T:.+]] = %c0 to
// CHECK:             %[[ENTRY:.+]] = memref.load %[[TABLE]][%[[B]], %[[T]]]
// CHECK:             %[[PAGE:.+]] = arith.index_cast %[[ENTRY]] : i32 to index
// CHECK:             %[[FIRST:.+]] = arith.muli %[[T]], %c16
// CHECK:             %[[READ:.+]] = arith.cmpi slt, %[[FIRST]], %[[LENGTH]]
// CHECK:             %[[THERE:.+]] = arith.cmpi ult, %[[PAGE]], %{{.+}}
// CHECK:             arith.cmpi ugt, %[[READ]], %[[THERE]]
// CHECK:         arith.select %[[WRONG]], %c2_i32, %c0_i32
func.func @pages(%pool: tensor<?x16x2x8xf32>, %table: tensor<?x?xi32>, %lens: tensor<?xi64>) -> tensor<?x?x2x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %b = tensor.dim %table, %c0 : tensor<?x?xi32>
  %t = tensor.dim %table, %c1 : tensor<?x?xi32>
  %n = arith.muli %t, %c16 : index
  %e = tensor.empty(%b, %n) : tensor<?x?x2x8xf32>
  %r = scf.forall (%i, %j) in (%b, %t) shared_outs(%out = %e) -> (tensor<?x?x2x8xf32>) {
    %l = tensor.extract %lens[%i] : tensor<?xi64>
    %p = tensor.extract %table[%i, %j] : tensor<?x?xi32>
    %page = arith.index_cast %p : i32 to index
    %count = arith.index_cast %l : i64 to index
    %first = arith.muli %j, %c16 : index
    %s = tensor.extract_slice %pool[%page, 0, 0, 0] [1, %count, 2, 8] [1, 1, 1, 1] : tensor<?x16x2x8xf32> to tensor<1x?x2x8xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %s into %out[%i, %first, 0, 0] [1, %count, 2, 8] [1, 1, 1, 1] : tensor<1x?x2x8xf32> into tensor<?x?x2x8xf32>
    }
  } {attn.gather_pages = array<i64: 0, 1>}
  return %r : tensor<?x?x2x8xf32>
}
