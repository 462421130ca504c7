// RUN: attn-opt %s --attn-fuse-variants --attn-tile --canonicalize --cse | FileCheck %s

#plan = #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 3, key_rows = 8, value_rows = 8, key_block = 128, query_group = 48>

// One task per batch, head and 48 queries; 100 = 48 + 48 + 4.
// CHECK-LABEL: func @odd_length
// CHECK-SAME:  %[[Q:.+]]: tensor<2x8x100x64xf32>, %[[K:.+]]: tensor<2x2x?x64xf32>, %[[V:.+]]: tensor<2x2x?x32xf32>
func.func @odd_length(%q: tensor<2x8x100x64xf32>, %k: tensor<2x2x?x64xf32>, %v: tensor<2x2x?x32xf32>) -> tensor<2x8x100x32xf32> {
  // CHECK-DAG:   %[[ZERO:.+]] = arith.constant 0 : index
  // 1 / sqrt(64)
  // CHECK-DAG:   %[[SCALE:.+]] = arith.constant 1.250000e-01 : f32
  // CHECK-DAG:   %[[C100:.+]] = arith.constant 100 : index
  // CHECK-DAG:   %[[N:.+]] = tensor.dim %[[K]]
  // CHECK:       scf.forall (%[[B:.+]], %[[H:.+]], %[[M:.+]]) = (0, 0, 0) to (2, 8, 100) step (1, 1, 48) shared_outs(%[[OUT:.+]] =
  // CHECK:         %[[ROWS:.+]] = affine.min {{.*}}(%[[M]])
  // Four query heads share a key head.
  // CHECK:         %[[HKV:.+]] = affine.apply #{{.*}}()[%[[H]]]
  // CHECK:         %[[QS:.+]] = tensor.extract_slice %[[Q]][%[[B]], %[[H]], %[[M]], 0] [1, 1, %[[ROWS]], 64]
  // CHECK:         %[[KS:.+]] = tensor.extract_slice %[[K]][%[[B]], %[[HKV]], 0, 0] [1, 1, %[[N]], 64]
  // CHECK:         %[[VS:.+]] = tensor.extract_slice %[[V]][%[[B]], %[[HKV]], 0, 0] [1, 1, %[[N]], 32]
  // CHECK:         %[[P:.+]] = attn.online_sdpa %[[QS]], %[[KS]], %[[VS]] scale(%[[SCALE]])
  // CHECK-SAME:      keys(%[[ZERO]] to %[[N]], full %[[ZERO]] to %[[N]]) tile(%[[B]], %[[H]], %[[M]]) of(%[[C100]], %[[N]])
  // CHECK-SAME:      query_group = 48
  // CHECK:         %[[DST:.+]] = tensor.extract_slice %[[OUT]][%[[B]], %[[H]], %[[M]], 0] [1, 1, %[[ROWS]], 32]
  // CHECK:         %[[R:.+]] = attn.finalize %[[P]] outs(%[[DST]]) layout(bhsd)
  // CHECK:         tensor.parallel_insert_slice %[[R]] into %[[OUT]][%[[B]], %[[H]], %[[M]], 0] [1, 1, %[[ROWS]], 32]
  %o = attn.sdpa %q, %k, %v {plan = #plan} : tensor<2x8x100x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32> -> tensor<2x8x100x32xf32>
  return %o : tensor<2x8x100x32xf32>
}

// n <= m: keys [0, m0 + rows) can be seen, keys [0, m0 + 1) by every query.
// CHECK-LABEL: func @causal
// CHECK-SAME:  %[[Q:.+]]: tensor<2x4x?x64xf32>, %[[K:.+]]: tensor<2x4x?x64xf32>
// CHECK-DAG:     %[[ZERO:.+]] = arith.constant 0 : index
// CHECK-DAG:     %[[ONE:.+]] = arith.constant 1 : index
// CHECK-DAG:     %[[M:.+]] = tensor.dim %[[Q]]
// CHECK-DAG:     %[[N:.+]] = tensor.dim %[[K]]
// CHECK:         scf.forall (%{{.*}}, %{{.*}}, %[[M0:.+]]) =
// CHECK:           %[[ROWS:.+]] = affine.min
// CHECK:           %[[M1:.+]] = arith.addi %[[M0]], %[[ROWS]] : index
// CHECK-NEXT:      %[[X:.+]] = arith.minsi %[[M1]], %[[N]] : index
// CHECK-NEXT:      %[[HI:.+]] = arith.maxsi %[[X]], %[[ZERO]] : index
// CHECK-NEXT:      %[[NEXT:.+]] = arith.addi %[[M0]], %[[ONE]] : index
// CHECK-NEXT:      %[[Y:.+]] = arith.minsi %[[NEXT]], %[[N]] : index
// CHECK-NEXT:      %[[ALL:.+]] = arith.maxsi %[[Y]], %[[ZERO]] : index
// CHECK-NEXT:      %[[Z:.+]] = arith.minsi %[[ALL]], %[[HI]] : index
// CHECK-NEXT:      %[[FULL:.+]] = arith.maxsi %[[Z]], %[[ZERO]] : index
// CHECK:           attn.online_sdpa {{.*}} keys(%[[ZERO]] to %[[HI]], full %[[ZERO]] to %[[FULL]]) tile({{.*}}) of(%[[M]], %[[N]])
// CHECK-SAME:        mask(%{{.*}}, %{{.*}}, %[[MM:.+]], %[[NN:.+]]) {
// CHECK-NEXT:          arith.cmpi sle, %[[NN]], %[[MM]] : index
func.func @causal(%q: tensor<2x4x?x64xf32>, %k: tensor<2x4x?x64xf32>) -> tensor<2x4x?x64xf32> {
  %o = attn.sdpa %q, %k, %k causal(top_left) {plan = #plan} : tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32> -> tensor<2x4x?x64xf32>
  return %o : tensor<2x4x?x64xf32>
}

// The length of the batch bounds the keys; it is read once per task.
// CHECK-LABEL: func @lengths
// CHECK-SAME:  %[[LENS:[^:,]+]]: tensor<2xi32>
// CHECK-DAG:     %[[ZERO:.+]] = arith.constant 0 : index
// CHECK-DAG:     %[[M:.+]] = arith.constant 48 : index
// CHECK-DAG:     %[[N:.+]] = arith.constant 500 : index
// CHECK:         scf.forall (%[[B:.+]], %[[H:.+]]) in (2, 4)
// CHECK:           %[[L:.+]] = tensor.extract %[[LENS]][%[[B]]] : tensor<2xi32>
// CHECK-NEXT:      %[[I:.+]] = arith.index_cast %[[L]] : i32 to index
// CHECK-NEXT:      %[[X:.+]] = arith.minsi %[[I]], %[[N]] : index
// CHECK-NEXT:      %[[HI:.+]] = arith.maxsi %[[X]], %[[ZERO]] : index
// CHECK:           attn.online_sdpa {{.*}} keys(%[[ZERO]] to %[[HI]], full %[[ZERO]] to %[[HI]])
// CHECK-SAME:        tile(%[[B]], %[[H]], %[[ZERO]]) of(%[[M]], %[[N]]) captures(%[[LENS]][b] : tensor<2xi32>)
func.func @lengths(%q: tensor<2x4x48x64xf32>, %k: tensor<2x4x500x64xf32>, %lens: tensor<2xi32>) -> tensor<2x4x48x64xf32> {
  %o = attn.sdpa %q, %k, %k kv_lens(%lens : tensor<2xi32>) {plan = #plan}
    : tensor<2x4x48x64xf32>, tensor<2x4x500x64xf32>, tensor<2x4x500x64xf32> -> tensor<2x4x48x64xf32>
  return %o : tensor<2x4x48x64xf32>
}

// [B, S, H, D] in memory: slices and insertions follow the layouts. The sink of
// the head is widened; the LSE has a destination of its own.
// CHECK-LABEL: func @layouts_sinks_lse
// CHECK-SAME:  %[[Q:.+]]: tensor<2x?x4x64xf16>, %[[K:.+]]: tensor<2x4x?x64xf16>, %[[SINKS:.+]]: tensor<4xf16>
// CHECK:         scf.forall (%[[B:.+]], %[[H:.+]], %[[M:.+]]) = {{.*}} shared_outs(%[[OUT:.+]] = %{{.*}}, %[[LSE:.+]] = %{{.*}})
// CHECK:           %[[ROWS:.+]] = affine.min
// CHECK:           tensor.extract_slice %[[Q]][%[[B]], %[[M]], %[[H]], 0] [1, %[[ROWS]], 1, 64]
// CHECK:           tensor.extract_slice %[[K]][%[[B]], %[[H]], 0, 0]
// CHECK:           %[[SLICE:.+]] = tensor.extract_slice %[[SINKS]][%[[H]]] [1]
// CHECK:           %[[P:.+]] = attn.online_sdpa {{.*}} layout(bshd, bhsd, bhsd)
// CHECK-SAME:        -> !attn.partial<f32>
// CHECK-DAG:       %[[DST:.+]] = tensor.extract_slice %[[OUT]][%[[B]], %[[M]], %[[H]], 0] [1, %[[ROWS]], 1, 64]
// CHECK-DAG:       %[[LDST:.+]] = tensor.extract_slice %[[LSE]][%[[B]], %[[H]], %[[M]]] [1, 1, %[[ROWS]]]
// CHECK-DAG:       %[[NARROW:.+]] = tensor.extract %[[SLICE]]
// CHECK-DAG:       %[[SINK:.+]] = arith.extf %[[NARROW]] : f16 to f32
// CHECK:           %[[R:.+]]:2 = attn.finalize %[[P]] sink(%[[SINK]] : f32) outs(%[[DST]], %[[LDST]]) layout(bshd)
// CHECK-DAG:       tensor.parallel_insert_slice %[[R]]#0 into %[[OUT]][%[[B]], %[[M]], %[[H]], 0]
// CHECK-DAG:       tensor.parallel_insert_slice %[[R]]#1 into %[[LSE]][%[[B]], %[[H]], %[[M]]]
func.func @layouts_sinks_lse(%q: tensor<2x?x4x64xf16>, %k: tensor<2x4x?x64xf16>, %sinks: tensor<4xf16>) -> (tensor<2x?x4x64xf16>, tensor<2x4x?xf32>) {
  %o, %lse = attn.sdpa %q, %k, %k sinks(%sinks : tensor<4xf16>) layout(bshd, bhsd, bhsd, bshd) returns(lse) {plan = #plan}
    : tensor<2x?x4x64xf16>, tensor<2x4x?x64xf16>, tensor<2x4x?x64xf16> -> tensor<2x?x4x64xf16>, tensor<2x4x?xf32>
  return %o, %lse : tensor<2x?x4x64xf16>, tensor<2x4x?xf32>
}

// Base offsets of an op that was a tile already are passed on.
// CHECK-LABEL: func @tile_of_a_tile
// CHECK-SAME:  %[[B0:[^:,]+]]: index, %[[H0:[^:,]+]]: index, %[[M0:[^:,]+]]: index
// CHECK:         %[[DIM:.+]] = tensor.dim
// CHECK:         %[[END:.+]] = arith.addi %[[M0]], %[[DIM]] : index
// CHECK:         scf.forall (%[[B:.+]], %[[H:.+]], %[[M:.+]]) =
// CHECK-DAG:       %[[BB:.+]] = arith.addi %[[B0]], %[[B]] : index
// CHECK-DAG:       %[[HH:.+]] = arith.addi %[[H0]], %[[H]] : index
// CHECK-DAG:       %[[MM:.+]] = arith.addi %[[M0]], %[[M]] : index
// CHECK:           attn.online_sdpa {{.*}} tile(%[[BB]], %[[HH]], %[[MM]]) of(%[[END]], %[[DIM]])
func.func @tile_of_a_tile(%q: tensor<2x4x?x64xf32>, %b: index, %h: index, %m: index) -> tensor<2x4x?x64xf32> {
  %o = attn.sdpa %q, %q, %q tile(%b, %h, %m) {plan = #plan} : tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32> -> tensor<2x4x?x64xf32>
  return %o : tensor<2x4x?x64xf32>
}

// Another room's op, and what Linalg lowers whatever the plan.
// CHECK-LABEL: func @untouched
// CHECK-NOT:     scf.forall
// CHECK:         attn.sdpa
// CHECK:         attn.qk_norm
func.func @untouched(%q: tensor<2x4x9x64xf32>, %g: tensor<64xf32>) -> tensor<2x4x9x64xf32> {
  %o = attn.sdpa %q, %q, %q {plan = #attn.plan<room = linalg, form = unfused>} : tensor<2x4x9x64xf32>, tensor<2x4x9x64xf32>, tensor<2x4x9x64xf32> -> tensor<2x4x9x64xf32>
  %r = attn.qk_norm %o, %g eps(1.0e-6) : tensor<2x4x9x64xf32>, tensor<64xf32>
  return %r : tensor<2x4x9x64xf32>
}

// The operands say more about the sizes than the result's type.
// CHECK-LABEL: func @result_type_leaves_sizes_open
// CHECK:         %[[R:.+]] = scf.forall {{.*}} -> (tensor<2x4x9x64xf32>)
// CHECK:         %[[C:.+]] = tensor.cast %[[R]] : tensor<2x4x9x64xf32> to tensor<?x?x9x?xf32>
// CHECK:         return %[[C]]
func.func @result_type_leaves_sizes_open(%q: tensor<2x4x9x64xf32>) -> tensor<?x?x9x?xf32> {
  %o = attn.sdpa %q, %q, %q {plan = #plan} : tensor<2x4x9x64xf32>, tensor<2x4x9x64xf32>, tensor<2x4x9x64xf32> -> tensor<?x?x9x?xf32>
  return %o : tensor<?x?x9x?xf32>
}

// Few queries: the four query heads of a key head are one task, which reads each
// line of K and V once; the mask does not ask which head it is.
// CHECK-LABEL: func @decode
// CHECK-SAME:  %[[Q:.+]]: tensor<2x8x1x64xf32>, %[[K:.+]]: tensor<2x2x?x64xf32>, %[[SINKS:.+]]: tensor<8xf32>
// CHECK:       scf.forall (%[[B:.+]], %[[H:.+]]) = (0, 0) to (2, 8) step (1, 4)
// CHECK:         %[[HKV:.+]] = affine.apply #{{.*}}()[%[[H]]]
// CHECK:         tensor.extract_slice %[[Q]][%[[B]], %[[H]], 0, 0] [1, 4, 1, 64]
// CHECK:         tensor.extract_slice %[[K]][%[[B]], %[[HKV]], 0, 0]
// CHECK-COUNT-4: tensor.extract %
// CHECK:         attn.finalize %{{.+}} sink(%{{.+}}, %{{.+}}, %{{.+}}, %{{.+}} : f32, f32, f32, f32)
func.func @decode(%q: tensor<2x8x1x64xf32>, %k: tensor<2x2x?x64xf32>, %sinks: tensor<8xf32>) -> tensor<2x8x1x64xf32> {
  %o = attn.sdpa %q, %k, %k sinks(%sinks : tensor<8xf32>) {plan = #attn.plan<room = cpu, form = decode, lanes = 16, key_block = 32>}
    : tensor<2x8x1x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x64xf32> -> tensor<2x8x1x64xf32>
  return %o : tensor<2x8x1x64xf32>
}

// Three queries leave lanes for five heads: of a group of eight, four at once.
// A mask of the head is not known to be the same for all: every key is visited.
// CHECK-LABEL: func @decode_heads_of_a_group
// CHECK-DAG:   %[[ZERO:.+]] = arith.constant 0 : index
// CHECK-DAG:   %[[N:.+]] = tensor.dim %{{.+}}, %{{.+}} : tensor<1x1x?x64xf32>
// CHECK:       scf.forall (%{{.+}}) = (0) to (8) step (4)
// CHECK:         keys(%[[ZERO]] to %[[N]], full %[[ZERO]] to %[[ZERO]])
func.func @decode_heads_of_a_group(%q: tensor<1x8x3x64xf32>, %k: tensor<1x1x?x64xf32>) -> tensor<1x8x3x64xf32> {
  %o = attn.sdpa %q, %k, %k {plan = #attn.plan<room = cpu, form = decode, lanes = 16, key_block = 32, query_group = 3>}
    : tensor<1x8x3x64xf32>, tensor<1x1x?x64xf32>, tensor<1x1x?x64xf32> -> tensor<1x8x3x64xf32>
    mask(%b, %h, %m, %n) {
      %keep = arith.cmpi sge, %n, %h : index
      attn.yield %keep : i1
    }
  return %o : tensor<1x8x3x64xf32>
}
