// RUN: attn-opt %s --attn-fuse-variants --attn-tile --canonicalize --cse | FileCheck %s

// Where bounds of keys do not follow a mask, a test of each block does: may some
// of it be kept, and is all of it.

#plan = #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 3, key_rows = 8, value_rows = 8, key_block = 128, query_group = 48>

// Smallest and largest document of each block of 128 keys, once for all tasks;
// those of the group in the task. [x0, x1] and [y0, y1] have a common number
// where x0 <= y1 and y0 <= x1, and are the same one where x1 <= y0 and y1 <= x0.
// CHECK-LABEL: func @documents
// CHECK-SAME:  %[[Q:.+]]: tensor<2x4x?x64xf32>, %[[MINE:[^:]+]]: tensor<2x?xi32>, %[[ITS:[^:]+]]: tensor<2x?xi32>
// CHECK:         %[[BLOCKS:.+]] = affine.apply
// CHECK:         %[[LEAST:.+]] = tensor.generate %[[BLOCKS]] {
// CHECK:           ^bb0(%[[B:.+]]: index, %[[I:.+]]: index):
// CHECK:           %[[FIRST:.+]] = arith.muli %[[I]], %c128
// CHECK:           %[[X:.+]] = tensor.extract %[[ITS]][%[[B]], %[[FIRST]]]
// CHECK:           scf.for {{.*}} iter_args({{.*}} = %[[X]]) -> (i32)
// CHECK:             arith.minsi
// CHECK:         } : tensor<2x?xi32>
// CHECK:         %[[MOST:.+]] = tensor.generate %[[BLOCKS]]
// CHECK:             arith.maxsi
// CHECK:         scf.forall (%[[BATCH:.+]], %{{.+}}, %[[M0:.+]]) =
// CHECK:           tensor.extract %[[MINE]][%[[BATCH]], %[[M0]]]
// CHECK:           %[[MINE0:.+]] = scf.for
// CHECK:             arith.minsi
// CHECK:           %[[MINE1:.+]] = scf.for
// CHECK:             arith.maxsi
// CHECK:           attn.online_sdpa
// CHECK-SAME:        captures(%[[MINE]][b, m] : tensor<2x?xi32>, %[[ITS]][b, n] : tensor<2x?xi32>, %[[MINE0]][] : i32, %[[MINE1]][] : i32,
// CHECK-SAME:          %[[LEAST]][b, n floordiv 128] : tensor<2x?xi32>, %[[MOST]][b, n floordiv 128] : tensor<2x?xi32>)
// CHECK-SAME:        mask(
// CHECK:             } blocks(%{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %[[A0:.+]], %[[A1:.+]], %[[C0:.+]], %[[C1:.+]]) {
// CHECK-DAG:           %[[X0:.+]] = arith.index_cast %[[A0]]
// CHECK-DAG:           %[[X1:.+]] = arith.index_cast %[[A1]]
// CHECK-DAG:           %[[Y0:.+]] = arith.index_cast %[[C0]]
// CHECK-DAG:           %[[Y1:.+]] = arith.index_cast %[[C1]]
// CHECK-DAG:           %[[R:.+]] = arith.cmpi sle, %[[X0]], %[[Y1]]
// CHECK-DAG:           %[[S:.+]] = arith.cmpi sle, %[[Y0]], %[[X1]]
// CHECK-DAG:           %[[T:.+]] = arith.cmpi sle, %[[X1]], %[[Y0]]
// CHECK-DAG:           %[[U:.+]] = arith.cmpi sle, %[[Y1]], %[[X0]]
// CHECK-DAG:           %[[SOME:.+]] = arith.andi %[[R]], %[[S]]
// CHECK-DAG:           %[[ALL:.+]] = arith.andi %[[T]], %[[U]]
// CHECK:               attn.yield %[[SOME]], %[[ALL]] : i1, i1
func.func @documents(%q: tensor<2x4x?x64xf32>, %mine: tensor<2x?xi32>, %its: tensor<2x?xi32>) -> tensor<2x4x?x64xf32> {
  %o = attn.sdpa %q, %q, %q captures(%mine[b, m] : tensor<2x?xi32>, %its[b, n] : tensor<2x?xi32>) {plan = #plan}
    : tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32> -> tensor<2x4x?x64xf32>
    mask(%b, %h, %m, %n, %x, %y) {
      %same = arith.cmpi eq, %x, %y : i32
      attn.yield %same : i1
    }
  return %o : tensor<2x4x?x64xf32>
}

// Padding of keys: "or" and "and" of each block, of one head's tensor for all.
// CHECK-LABEL: func @padding
// CHECK-SAME:  %[[KEEP:[^:]+]]: tensor<2x1x1x500xi1>
// CHECK:         %[[ALL:.+]] = tensor.generate {
// CHECK:           tensor.extract %[[KEEP]][%{{.+}}, %c0, %c0, %{{.+}}]
// CHECK:             arith.andi
// CHECK:         } : tensor<2x4xi1>
// CHECK:         %[[SOME:.+]] = tensor.generate
// CHECK:             arith.ori
// CHECK:         attn.online_sdpa
// CHECK:           } blocks({{.*}}, %[[A:[^,]+]], %[[S:[^,]+]]) {
// CHECK-NEXT:        attn.yield %[[S]], %[[A]] : i1, i1
func.func @padding(%q: tensor<2x4x500x64xf32>, %keep: tensor<2x1x1x500xi1>) -> tensor<2x4x500x64xf32> {
  %o = attn.sdpa %q, %q, %q keep(%keep : tensor<2x1x1x500xi1>) {plan = #plan}
    : tensor<2x4x500x64xf32>, tensor<2x4x500x64xf32>, tensor<2x4x500x64xf32> -> tensor<2x4x500x64xf32>
  return %o : tensor<2x4x500x64xf32>
}

// A bound that the test does not ask for is not made: all of a block cannot be
// known to be kept, and some of it is where the smallest number is below 7.
// CHECK-LABEL: func @one_bound
// CHECK-COUNT-1: tensor.generate
// CHECK-NOT:     tensor.generate
// CHECK:         attn.online_sdpa
// CHECK:           } blocks({{.*}}, %[[LEAST:[^,]+]]) {
// CHECK:             %[[INDEX:.+]] = arith.index_cast %[[LEAST]] : i64 to index
// CHECK-NEXT:        %[[SOME:.+]] = arith.cmpi slt, %[[INDEX]], %c7
// CHECK-NEXT:        attn.yield %[[SOME]], %false : i1, i1
func.func @one_bound(%q: tensor<2x4x500x64xf32>, %x: tensor<500xi64>, %keep: tensor<500x500xi1>) -> tensor<2x4x500x64xf32> {
  %o = attn.sdpa %q, %q, %q keep(%keep : tensor<500x500xi1>) captures(%x[n] : tensor<500xi64>) {plan = #plan}
    : tensor<2x4x500x64xf32>, tensor<2x4x500x64xf32>, tensor<2x4x500x64xf32> -> tensor<2x4x500x64xf32>
    mask(%b, %h, %m, %n, %y) {
      %c = arith.constant 7 : i64
      %less = arith.cmpi slt, %y, %c : i64
      attn.yield %less : i1
    }
  return %o : tensor<2x4x500x64xf32>
}

// Nothing to ask: bounds say all; or nothing is known of a block before its
// scores; or the kernel does not ask.
// CHECK-LABEL: func @no_test
// CHECK-NOT:     tensor.generate
// CHECK-NOT:     blocks(
// CHECK:         return
func.func @no_test(%q: tensor<2x4x500x64xf32>, %keep: tensor<500x500xi1>, %g: tensor<2x4x512x64xbf16>, %d: tensor<512xi32>)
    -> (tensor<2x4x500x64xf32>, tensor<2x4x500x64xf32>, tensor<2x4x512x64xbf16>) {
  %o0 = attn.sdpa %q, %q, %q causal(top_left) window(100, 0) {plan = #plan}
    : tensor<2x4x500x64xf32>, tensor<2x4x500x64xf32>, tensor<2x4x500x64xf32> -> tensor<2x4x500x64xf32>
  %o1 = attn.sdpa %q, %q, %q keep(%keep : tensor<500x500xi1>) {plan = #plan}
    : tensor<2x4x500x64xf32>, tensor<2x4x500x64xf32>, tensor<2x4x500x64xf32> -> tensor<2x4x500x64xf32>
  %o2 = attn.sdpa %g, %g, %g captures(%d[m] : tensor<512xi32>, %d[n] : tensor<512xi32>)
      {plan = #attn.plan<room = nvvm, form = flash, key_block = 128, query_group = 128, warpgroups = 2, stages = 2>}
    : tensor<2x4x512x64xbf16>, tensor<2x4x512x64xbf16>, tensor<2x4x512x64xbf16> -> tensor<2x4x512x64xbf16>
    mask(%b, %h, %m, %n, %x, %y) {
      %same = arith.cmpi eq, %x, %y : i32
      attn.yield %same : i1
    }
  return %o0, %o1, %o2 : tensor<2x4x500x64xf32>, tensor<2x4x500x64xf32>, tensor<2x4x512x64xbf16>
}

// A table of blocks of 64 queries and 32 keys: "and" and "or" of those that a
// group of 48 queries and a block of 128 keys touch, once for all tasks.
// CHECK-LABEL: func @table
// CHECK-SAME:  %[[Q:.+]]: tensor<1x4x?x64xf32>, %[[T:[^:]+]]: tensor<4x?x?xi1>
// CHECK:         %[[GROUPS:.+]] = affine.apply #
// CHECK:         %[[BLOCKS:.+]] = affine.apply #
// CHECK:         %[[ALL:.+]] = tensor.generate %[[GROUPS]], %[[BLOCKS]] {
// CHECK:           ^bb0(%[[H:.+]]: index, %[[I:.+]]: index, %[[J:.+]]: index):
// CHECK:           scf.for
// CHECK:             scf.for
// CHECK:               tensor.extract %[[T]][%[[H]],
// CHECK:               arith.andi
// CHECK:         } : tensor<4x?x?xi1>
// CHECK:         %[[ANY:.+]] = tensor.generate %[[GROUPS]], %[[BLOCKS]]
// CHECK:               arith.ori
// CHECK:         scf.forall
// CHECK:           attn.online_sdpa
// CHECK-SAME:        captures(%[[T]][h, m floordiv 64, n floordiv 32] : tensor<4x?x?xi1>,
// CHECK-SAME:          %[[ALL]][h, m floordiv 48, n floordiv 128] : tensor<4x?x?xi1>, %[[ANY]][h, m floordiv 48, n floordiv 128] : tensor<4x?x?xi1>)
// CHECK:             } blocks(%{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %[[A:.+]], %[[O:.+]]) {
// CHECK-NEXT:          attn.yield %[[O]], %[[A]] : i1, i1
func.func @table(%q: tensor<1x4x?x64xf32>, %t: tensor<4x?x?xi1>) -> tensor<1x4x?x64xf32> {
  %o = attn.sdpa %q, %q, %q block_sparse(%t : tensor<4x?x?xi1>, 64, 32) {plan = #plan}
    : tensor<1x4x?x64xf32>, tensor<1x4x?x64xf32>, tensor<1x4x?x64xf32> -> tensor<1x4x?x64xf32>
  return %o : tensor<1x4x?x64xf32>
}

// Small blocks would be read too often: every key is looked at.
// CHECK-LABEL: func @small_blocks
// CHECK-NOT:     tensor.generate
// CHECK:         attn.online_sdpa
// CHECK-NOT:     blocks(
func.func @small_blocks(%q: tensor<1x4x?x64xf32>, %t: tensor<?x?xi1>) -> tensor<1x4x?x64xf32> {
  %o = attn.sdpa %q, %q, %q block_sparse(%t : tensor<?x?xi1>, 4, 4) {plan = #plan}
    : tensor<1x4x?x64xf32>, tensor<1x4x?x64xf32>, tensor<1x4x?x64xf32> -> tensor<1x4x?x64xf32>
  return %o : tensor<1x4x?x64xf32>
}
