// RUN: attn-opt %s --attn-fuse-variants | FileCheck %s

!q = tensor<2x8x?x64xf32>

// m div 128 == n div 128
// CHECK-LABEL: func @chunked
// CHECK:         mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]]) {
// CHECK-NEXT:      %[[SIZE:.+]] = arith.constant 128 : index
// CHECK-NEXT:      %[[MINE:.+]] = arith.divsi %[[M]], %[[SIZE]]
// CHECK-NEXT:      %[[ITS:.+]] = arith.divsi %[[N]], %[[SIZE]]
// CHECK-NEXT:      %[[SAME:.+]] = arith.cmpi eq, %[[MINE]], %[[ITS]]
// CHECK-NEXT:      attn.yield %[[SAME]]
func.func @chunked(%q: !q, %k: !q) -> !q {
  %o = attn.sdpa %q, %k, %k chunked(128) : !q, !q, !q -> !q
  return %o : !q
}

// (m + offset) floordiv 128 == n div 128: queries may stand before all keys.
// CHECK-LABEL: func @chunked_in_a_cache
// CHECK:         mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]], %[[OFFSET:.+]]) {
// CHECK:           %[[PAST:.+]] = arith.cmpi sle
// CHECK:           %[[SIZE:.+]] = arith.constant 128 : index
// CHECK-NEXT:      %[[PLACE:.+]] = arith.addi %[[M]], %[[OFFSET]]
// CHECK-NEXT:      %[[MINE:.+]] = arith.floordivsi %[[PLACE]], %[[SIZE]]
// CHECK-NEXT:      %[[ITS:.+]] = arith.divsi %[[N]], %[[SIZE]]
// CHECK-NEXT:      %[[SAME:.+]] = arith.cmpi eq, %[[MINE]], %[[ITS]]
// CHECK-NEXT:      arith.andi %[[PAST]], %[[SAME]]
func.func @chunked_in_a_cache(%q: !q, %k: !q) -> !q {
  %o = attn.sdpa %q, %k, %k causal(bottom_right) chunked(128) : !q, !q, !q -> !q
  return %o : !q
}

// (n - m) rem 4 == 0
// CHECK-LABEL: func @dilated
// CHECK:         mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]]) {
// CHECK-NEXT:      %[[DIFF:.+]] = arith.subi %[[N]], %[[M]]
// CHECK-NEXT:      %[[STEP:.+]] = arith.constant 4 : index
// CHECK-NEXT:      %[[REST:.+]] = arith.remsi %[[DIFF]], %[[STEP]]
// CHECK-NEXT:      %[[ZERO:.+]] = arith.constant 0 : index
// CHECK-NEXT:      arith.cmpi eq, %[[REST]], %[[ZERO]]
func.func @dilated(%q: !q, %k: !q) -> !q {
  %o = attn.sdpa %q, %k, %k dilated(4) : !q, !q, !q -> !q
  return %o : !q
}

// n <= m or n < prefix[b]; a window bounds the right as well.
// CHECK-LABEL: func @prefix
// CHECK:         captures(%{{.+}}[b] : tensor<2xi32>)
// CHECK-SAME:    mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]], %[[P:.+]]) {
// CHECK-NEXT:      %[[PAST:.+]] = arith.cmpi sle, %[[N]], %[[M]]
// CHECK-NEXT:      %[[LENGTH:.+]] = arith.index_cast %[[P]] : i32 to index
// CHECK-NEXT:      %[[EARLY:.+]] = arith.cmpi slt, %[[N]], %[[LENGTH]]
// CHECK-NEXT:      %[[KEEP:.+]] = arith.ori %[[PAST]], %[[EARLY]]
// CHECK:           arith.cmpi sle
func.func @prefix(%q: !q, %k: !q, %p: tensor<2xi32>) -> !q {
  %o = attn.sdpa %q, %k, %k causal(top_left) prefix(%p : tensor<2xi32>) window(-1, 0) : !q, !q, !q -> !q
  return %o : !q
}

// CHECK-LABEL: func @documents
// CHECK:         captures(%{{.+}}[m] : tensor<?xi32>, %{{.+}}[b, n] : tensor<2x?xi32>)
// CHECK-SAME:    mask(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[MINE:.+]], %[[ITS:.+]]) {
// CHECK-NEXT:      arith.cmpi eq, %[[MINE]], %[[ITS]] : i32
func.func @documents(%q: !q, %k: !q, %mine: tensor<?xi32>, %its: tensor<2x?xi32>) -> !q {
  %o = attn.sdpa %q, %k, %k documents(%mine, %its : tensor<?xi32>, tensor<2x?xi32>) : !q, !q, !q -> !q
  return %o : !q
}

// A table for each head, the same in all batches.
// CHECK-LABEL: func @block_sparse
// CHECK:         captures(%{{.+}}[h, m floordiv 64, n floordiv 128] : tensor<8x?x?xi1>)
// CHECK-SAME:    mask(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[KEEP:.+]]) {
// CHECK-NEXT:      attn.yield %[[KEEP]]
func.func @block_sparse(%q: !q, %k: !q, %t: tensor<8x?x?xi1>) -> !q {
  %o = attn.sdpa %q, %k, %k block_sparse(%t : tensor<8x?x?xi1>, 64, 128) : !q, !q, !q -> !q
  return %o : !q
}

// j = n - offset; j < 0, or bit j of the query's, which ends at bit 63.
// CHECK-LABEL: func @tree
// CHECK:         mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]], %[[OFFSET:.+]], %[[BITS:.+]]) {
// CHECK:           %[[PAST:.+]] = arith.cmpi sle
// CHECK:           %[[J:.+]] = arith.subi %[[N]], %[[OFFSET]]
// CHECK-DAG:       %[[ZERO:.+]] = arith.constant 0 : index
// CHECK-DAG:       %[[LAST:.+]] = arith.constant 63 : index
// CHECK:           %[[LOW:.+]] = arith.maxsi %[[J]], %[[ZERO]]
// CHECK-NEXT:      %[[INSIDE:.+]] = arith.minsi %[[LOW]], %[[LAST]]
// CHECK-NEXT:      %[[PLACE:.+]] = arith.index_cast %[[INSIDE]] : index to i64
// CHECK-NEXT:      %[[SHIFTED:.+]] = arith.shrui %[[BITS]], %[[PLACE]]
// CHECK-NEXT:      %[[BIT:.+]] = arith.trunci %[[SHIFTED]] : i64 to i1
// CHECK-NEXT:      %[[THERE:.+]] = arith.cmpi sle, %[[J]], %[[LAST]]
// CHECK-NEXT:      %[[ANCESTOR:.+]] = arith.andi %[[BIT]], %[[THERE]]
// CHECK-NEXT:      %[[BEFORE:.+]] = arith.cmpi slt, %[[J]], %[[ZERO]]
// CHECK-NEXT:      %[[KEEP:.+]] = arith.ori %[[BEFORE]], %[[ANCESTOR]]
// CHECK-NEXT:      arith.andi %[[PAST]], %[[KEEP]]
func.func @tree(%q: !q, %k: !q, %t: tensor<?xi64>) -> !q {
  %o = attn.sdpa %q, %k, %k causal(bottom_right) tree(%t : tensor<?xi64>) : !q, !q, !q -> !q
  return %o : !q
}

// Buckets 0, 1, then [2, 3), then all further keys before the query; those
// behind it share bucket 0. Distances n - m: ..., -3 | -2 | -1 | 0, ...
// CHECK-LABEL: func @relative_bias
// CHECK:         captures(%[[T:.+]][h, 3] : tensor<8x4xbf16>, %[[T]][h, 2] : tensor<8x4xbf16>, %[[T]][h, 1] : tensor<8x4xbf16>, %[[T]][h, 0] : tensor<8x4xbf16>)
// CHECK-SAME:    score(%[[S:.+]], %{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]], %[[C3:.+]], %[[C2:.+]], %[[C1:.+]], %[[C0:.+]]) {
// CHECK-NEXT:      %[[B3:.+]] = arith.extf %[[C3]] : bf16 to f32
// CHECK-NEXT:      %[[DIFF:.+]] = arith.subi %[[N]], %[[M]]
// CHECK-NEXT:      %[[FROM2:.+]] = arith.constant -2 : index
// CHECK-NEXT:      %[[IS2:.+]] = arith.cmpi sge, %[[DIFF]], %[[FROM2]]
// CHECK-NEXT:      %[[B2:.+]] = arith.extf %[[C2]]
// CHECK-NEXT:      %[[UP2:.+]] = arith.select %[[IS2]], %[[B2]], %[[B3]]
// CHECK:           arith.constant -1 : index
// CHECK:           arith.constant 0 : index
// CHECK:           %[[BIAS:.+]] = arith.select
// CHECK-NEXT:      %[[R:.+]] = arith.addf %[[S]], %[[BIAS]]
// CHECK-NEXT:      attn.yield %[[R]]
func.func @relative_bias(%q: !q, %k: !q, %t: tensor<8x4xbf16>) -> !q {
  %o = attn.sdpa %q, %k, %k relative_bias(%t : tensor<8x4xbf16>, 3) : !q, !q, !q -> !q
  return %o : !q
}

// The sequence i with q[i] <= m < q[i + 1] gives k[i], k[i + 1] and the key at
// which the query stands, k[i + 1] + m - q[i + 1].
// CHECK-LABEL: func @ragged
// CHECK-SAME:  %[[Q:.+]]: tensor<2x8x?x64xf32>, %{{.+}}: tensor<2x8x?x64xf32>, %[[QS:.+]]: tensor<?xi32>, %[[KS:.+]]: tensor<?xi32>
// CHECK:         %[[FIRST:.+]] = tensor.generate
// CHECK:           scf.for %[[I:[^ ]+]] =
// CHECK:             %[[BEGIN:.+]] = arith.subi %[[I]],
// CHECK-DAG:         tensor.extract %[[QS]][%[[BEGIN]]]
// CHECK-DAG:         tensor.extract %[[QS]][%[[I]]]
// CHECK-DAG:         tensor.extract %[[KS]][%[[BEGIN]]]
// CHECK-DAG:         tensor.extract %[[KS]][%[[I]]]
// CHECK:             arith.select
// CHECK:         } : tensor<?xi64>
// CHECK:         %[[END:.+]] = tensor.generate
// CHECK:         %[[PLACE:.+]] = tensor.generate
// CHECK:           ^bb0(%[[M:.+]]: index):
// CHECK:           %[[STEPS:.+]] = arith.subi %[[M]],
// CHECK:           arith.addi %{{.+}}, %[[STEPS]]
// CHECK:         attn.sdpa {{.*}} captures(%[[FIRST]][m] : tensor<?xi64>, %[[END]][m] : tensor<?xi64>, %[[PLACE]][m] : tensor<?xi64>)
// CHECK-SAME:    mask(%{{.*}}, %{{.*}}, %{{.*}}, %[[N:.+]], %[[F:.+]], %[[E:.+]], %[[P:.+]]) {
// CHECK-NEXT:      %[[AT:.+]] = arith.index_cast %[[P]] : i64 to index
// CHECK-NEXT:      %[[PAST:.+]] = arith.cmpi sle, %[[N]], %[[AT]]
// CHECK-NEXT:      %[[FROM:.+]] = arith.index_cast %[[F]]
// CHECK-NEXT:      %[[BEHIND:.+]] = arith.cmpi sge, %[[N]], %[[FROM]]
// CHECK-NEXT:      %[[BOTH:.+]] = arith.andi %[[PAST]], %[[BEHIND]]
// CHECK-NEXT:      %[[TO:.+]] = arith.index_cast %[[E]]
// CHECK-NEXT:      %[[BEFORE:.+]] = arith.cmpi slt, %[[N]], %[[TO]]
// CHECK-NEXT:      arith.andi %[[BOTH]], %[[BEFORE]]
func.func @ragged(%q: !q, %k: !q, %qs: tensor<?xi32>, %ks: tensor<?xi32>) -> !q {
  %o = attn.sdpa %q, %k, %k causal(bottom_right) ragged(%qs, %ks : tensor<?xi32>, tensor<?xi32>) : !q, !q, !q -> !q
  return %o : !q
}
