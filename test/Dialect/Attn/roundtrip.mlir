// RUN: attn-opt %s -mlir-print-local-scope | attn-opt -mlir-print-local-scope | FileCheck %s
// RUN: attn-opt %s -mlir-print-op-generic | attn-opt -mlir-print-local-scope | FileCheck %s
// Every op, every optional part once.

// CHECK-LABEL: func.func @mha_bare(
// CHECK: %{{.+}} = attn.mha %{{.+}} weights(%{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}) heads(4) : tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<?x?x8xf32>{{$}}
func.func @mha_bare(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x?x8xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(4)
    : tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// CHECK-LABEL: func.func @mha_everything(
// CHECK-SAME:    %[[X:.+]]: tensor<2x5x8xf16>, %[[C:.+]]: tensor<2x5x6xf16>, %[[WQ:.+]]: tensor<8x8xf16>, %[[WK:.+]]: tensor<4x6xf16>, %[[WV:.+]]: tensor<6x6xf16>, %[[WO:.+]]: tensor<7x12xf16>,
// CHECK-SAME:    %[[BQ:.+]]: tensor<8xf16>, %[[BK:.+]]: tensor<4xf16>, %[[BV:.+]]: tensor<6xf16>, %[[BO:.+]]: tensor<7xf16>, %[[COS:.+]]: tensor<5x1xf32>, %[[G:.+]]: tensor<2xf16>, %[[KEEP:.+]]: tensor<5xi1>
// CHECK: %{{.+}}, %{{.+}} = attn.mha %[[X]] context(%[[C]]) weights(%[[WQ]], %[[WK]], %[[WV]], %[[WO]]) bias(%[[BQ]], %[[BK]], %[[BV]], %[[BO]]) heads(4) kv_heads(2)
// CHECK-SAME: rope(%[[COS]], %[[COS]] : tensor<5x1xf32>, tensor<5x1xf32>) interleaved qk_norm(%[[G]], %[[G]] : tensor<2xf16>, tensor<2xf16>) eps({{.+}}) causal(top_left) keep(%[[KEEP]] : tensor<5xi1>) returns(weights) {tag = "kept"}
// CHECK-SAME: : tensor<2x5x8xf16>, tensor<2x5x6xf16>, tensor<8x8xf16>, tensor<4x6xf16>, tensor<6x6xf16>, tensor<7x12xf16>, tensor<8xf16>, tensor<4xf16>, tensor<6xf16>, tensor<7xf16> -> tensor<2x5x7xf16>, tensor<2x4x5x5xf32> mask(
func.func @mha_everything(%x: tensor<2x5x8xf16>, %c: tensor<2x5x6xf16>, %wq: tensor<8x8xf16>, %wk: tensor<4x6xf16>, %wv: tensor<6x6xf16>, %wo: tensor<7x12xf16>,
    %bq: tensor<8xf16>, %bk: tensor<4xf16>, %bv: tensor<6xf16>, %bo: tensor<7xf16>, %cos: tensor<5x1xf32>, %g: tensor<2xf16>, %keep: tensor<5xi1>) {
  %y, %p = attn.mha %x context(%c) weights(%wq, %wk, %wv, %wo) bias(%bq, %bk, %bv, %bo) heads(4) kv_heads(2)
      rope(%cos, %cos : tensor<5x1xf32>, tensor<5x1xf32>) interleaved qk_norm(%g, %g : tensor<2xf16>, tensor<2xf16>) eps(1.0e-6)
      causal(top_left) keep(%keep : tensor<5xi1>) returns(weights) {tag = "kept"}
    : tensor<2x5x8xf16>, tensor<2x5x6xf16>, tensor<8x8xf16>, tensor<4x6xf16>, tensor<6x6xf16>, tensor<7x12xf16>, tensor<8xf16>, tensor<4xf16>, tensor<6xf16>, tensor<7xf16>
    -> tensor<2x5x7xf16>, tensor<2x4x5x5xf32>
    mask(%b, %h, %m, %n) {
      %near = arith.cmpi sle, %n, %m : index
      attn.yield %near : i1
    }
  return
}

// CHECK-LABEL: func.func @mha_packed(
// CHECK: attn.mha %{{.+}} packed(%{{.+}}, %{{.+}}) bias(%{{.+}}, %{{.+}}) heads(4) kv_heads(2) rope(%{{.+}}, %{{.+}} : tensor<5x1xf32>, tensor<5x1xf32>) :
func.func @mha_packed(%x: tensor<2x5x8xf32>, %w: tensor<16x8xf32>, %wo: tensor<8x8xf32>, %b: tensor<16xf32>, %bo: tensor<8xf32>, %cos: tensor<5x1xf32>) {
  %y = attn.mha %x packed(%w, %wo) bias(%b, %bo) heads(4) kv_heads(2) rope(%cos, %cos : tensor<5x1xf32>, tensor<5x1xf32>)
    : tensor<2x5x8xf32>, tensor<16x8xf32>, tensor<8x8xf32>, tensor<16xf32>, tensor<8xf32> -> tensor<2x5x8xf32>
  return
}

// CHECK-LABEL: func.func @heads(
// CHECK: %[[H:.+]] = attn.split_heads %{{.+}} heads(12) : tensor<2x?x768xf32> -> tensor<2x12x?x64xf32>
// CHECK: attn.merge_heads %[[H]] : tensor<2x12x?x64xf32> -> tensor<2x?x768xf32>
func.func @heads(%x: tensor<2x?x768xf32>) -> tensor<2x?x768xf32> {
  %h = attn.split_heads %x heads(12) : tensor<2x?x768xf32> -> tensor<2x12x?x64xf32>
  %y = attn.merge_heads %h : tensor<2x12x?x64xf32> -> tensor<2x?x768xf32>
  return %y : tensor<2x?x768xf32>
}

// CHECK-LABEL: func.func @rope_and_norm(
// CHECK: %[[A:.+]] = attn.rope %{{.+}}, %{{.+}}, %{{.+}} layout(bshd) : tensor<2x5x4x8xbf16>, tensor<5x4xf32>, tensor<5x4xf32>
// CHECK: %[[B:.+]] = attn.rope %[[A]], %{{.+}}, %{{.+}} interleaved layout(bshd) : tensor<2x5x4x8xbf16>, tensor<2x5x3xf32>, tensor<2x5x3xf32>
// CHECK: attn.qk_norm %[[B]], %{{.+}} eps({{.+}}) : tensor<2x5x4x8xbf16>, tensor<8xf32>
func.func @rope_and_norm(%x: tensor<2x5x4x8xbf16>, %t: tensor<5x4xf32>, %u: tensor<2x5x3xf32>, %g: tensor<8xf32>) {
  %a = attn.rope %x, %t, %t layout(bshd) : tensor<2x5x4x8xbf16>, tensor<5x4xf32>, tensor<5x4xf32>
  %b = attn.rope %a, %u, %u interleaved layout(bshd) : tensor<2x5x4x8xbf16>, tensor<2x5x3xf32>, tensor<2x5x3xf32>
  %c = attn.qk_norm %b, %g eps(1.0e-6) : tensor<2x5x4x8xbf16>, tensor<8xf32>
  return
}

// CHECK-LABEL: func.func @sdpa_bare(
// CHECK: %{{.+}} = attn.sdpa %{{.+}}, %{{.+}}, %{{.+}} : tensor<?x?x?x?xf64>, tensor<?x?x?x?xf64>, tensor<?x?x?x?xf64> -> tensor<?x?x?x?xf64>{{$}}
func.func @sdpa_bare(%q: tensor<?x?x?x?xf64>) -> tensor<?x?x?x?xf64> {
  %o = attn.sdpa %q, %q, %q : tensor<?x?x?x?xf64>, tensor<?x?x?x?xf64>, tensor<?x?x?x?xf64> -> tensor<?x?x?x?xf64>
  return %o : tensor<?x?x?x?xf64>
}

// Clauses are written in any order and printed in the order in which they act.
// CHECK-LABEL: func.func @sdpa_everything(
// CHECK: %{{.+}}, %{{.+}}, %{{.+}} = attn.sdpa %{{.+}}, %{{.+}}, %{{.+}} scale(%[[F:.+]]) softcap(%[[F]]) causal(%[[I:.+]]) window(%[[I]], -1)
// CHECK-SAME: alibi(%{{.+}} : tensor<4xf32>) additive(%{{.+}} : tensor<4x1x6xbf16>) keep(%{{.+}} : tensor<2x1x5x6xi1>) kv_lens(%{{.+}} : tensor<2xi64>) sinks(%{{.+}} : tensor<4xf32>)
// CHECK-SAME: captures(%{{.+}}[h] : tensor<4xf32>, %{{.+}}[b, n floordiv 2] : tensor<2x?xi32>, %{{.+}}[m - n + 5] : tensor<?xf32>, %[[F]][] : f32)
// CHECK-SAME: layout(bhsd, bshd, sbhd, bshd) tile(%[[I]], %[[I]], %[[I]]) returns(lse, weights)
// CHECK-SAME: {plan = #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 3, key_rows = 8, value_rows = 8, key_block = 128, query_group = 48>}
// CHECK-SAME: : tensor<2x4x5x8xbf16>, tensor<2x6x2x8xbf16>, tensor<6x2x2x3xbf16> -> tensor<2x5x4x3xbf16>, tensor<2x4x5xf32>, tensor<2x4x5x6xf32>
// CHECK-SAME: score(%[[S:[^,]+]], %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %[[SLOPE:.+]], %{{.+}}, %{{.+}}, %{{.+}}) {
// CHECK-NEXT:   %[[R:.+]] = arith.mulf %[[S]], %[[SLOPE]] : f32
// CHECK-NEXT:   attn.yield %[[R]] : f32
// CHECK-NEXT: } mask(%{{.+}}, %{{.+}}, %[[M:.+]], %[[N:.+]], %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}) {
// CHECK-NEXT:   %[[C:.+]] = arith.cmpi ule, %[[N]], %[[M]] : index
// CHECK-NEXT:   attn.yield %[[C]] : i1
func.func @sdpa_everything(%q: tensor<2x4x5x8xbf16>, %k: tensor<2x6x2x8xbf16>, %v: tensor<6x2x2x3xbf16>, %f: f32, %i: index, %slopes: tensor<4xf32>,
    %add: tensor<4x1x6xbf16>, %keep: tensor<2x1x5x6xi1>, %lens: tensor<2xi64>, %doc: tensor<2x?xi32>, %rel: tensor<?xf32>) {
  %o, %l, %p = attn.sdpa %q, %k, %v returns(lse, weights) layout(bhsd, bshd, sbhd, bshd) tile(%i, %i, %i)
      captures(%slopes[h] : tensor<4xf32>, %doc[b, n floordiv 2] : tensor<2x?xi32>, %rel[m - n + 5] : tensor<?xf32>, %f[] : f32)
      sinks(%slopes : tensor<4xf32>) kv_lens(%lens : tensor<2xi64>) keep(%keep : tensor<2x1x5x6xi1>) additive(%add : tensor<4x1x6xbf16>)
      alibi(%slopes : tensor<4xf32>) window(%i, -1) causal(%i) softcap(%f) scale(%f)
      {plan = #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 3, key_rows = 8, value_rows = 8, key_block = 128, query_group = 48>}
    : tensor<2x4x5x8xbf16>, tensor<2x6x2x8xbf16>, tensor<6x2x2x3xbf16> -> tensor<2x5x4x3xbf16>, tensor<2x4x5xf32>, tensor<2x4x5x6xf32>
    score(%s, %b, %h, %m, %n, %slope, %d, %r, %one) {
      %t = arith.mulf %s, %slope : f32
      attn.yield %t : f32
    } mask(%b, %h, %m, %n, %slope, %d, %r, %one) {
      %c = arith.cmpi ule, %n, %m : index
      attn.yield %c : i1
    }
  return
}

// Rules by place and by list.
// CHECK-LABEL: func.func @sdpa_places(
// CHECK: attn.sdpa {{.*}} causal(bottom_right) chunked(8192) dilated(2) relative_bias(%{{.+}} : tensor<4x32xf32>, 128, bidirectional)
// CHECK-SAME: block_sparse(%{{.+}} : tensor<4x?x?xi1>, 64, 128) documents(%{{.+}}, %{{.+}} : tensor<?xi32>, tensor<2x?xi32>) prefix(%{{.+}} : tensor<2xi32>)
// CHECK-SAME: tree(%{{.+}} : tensor<?xi64>) :
// CHECK: attn.sdpa {{.*}} causal(top_left) relative_bias(%{{.+}} : tensor<4x32xf32>, 64) documents(%{{.+}} : tensor<?xi32>) prefix(%{{.+}} : index) :
func.func @sdpa_places(%q: tensor<2x4x?x8xf32>, %k: tensor<2x4x?x8xf32>, %table: tensor<4x32xf32>, %blocks: tensor<4x?x?xi1>, %mine: tensor<?xi32>,
    %its: tensor<2x?xi32>, %p: tensor<2xi32>, %bits: tensor<?xi64>, %i: index) {
  %o = attn.sdpa %q, %k, %k tree(%bits : tensor<?xi64>) prefix(%p : tensor<2xi32>) documents(%mine, %its : tensor<?xi32>, tensor<2x?xi32>)
      block_sparse(%blocks : tensor<4x?x?xi1>, 64, 128) relative_bias(%table : tensor<4x32xf32>, 128, bidirectional) dilated(2) chunked(8192)
      causal(bottom_right) : tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32> -> tensor<2x4x?x8xf32>
  %u = attn.sdpa %q, %k, %k prefix(%i : index) documents(%mine : tensor<?xi32>) relative_bias(%table : tensor<4x32xf32>, 64) causal(top_left)
    : tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32> -> tensor<2x4x?x8xf32>
  return
}

// CHECK-LABEL: func.func @merge(
// CHECK: %{{.+}} = attn.merge %{{.+}}, %{{.+}} : tensor<?x1x4x1x8xf32>, tensor<?x1x4x1xf32> -> tensor<1x4x1x8xf32>{{$}}
// CHECK: %{{.+}}, %{{.+}} = attn.merge %{{.+}}, %{{.+}} sinks(%{{.+}} : tensor<4xbf16>) layout(bhsd, bshd)
// CHECK-SAME: : tensor<?x1x4x1x8xf32>, tensor<?x1x4x1xf32> -> tensor<1x1x4x8xbf16>, tensor<1x4x1xf32>
func.func @merge(%o: tensor<?x1x4x1x8xf32>, %l: tensor<?x1x4x1xf32>, %s: tensor<4xbf16>) {
  %r = attn.merge %o, %l : tensor<?x1x4x1x8xf32>, tensor<?x1x4x1xf32> -> tensor<1x4x1x8xf32>
  %t, %lse = attn.merge %o, %l sinks(%s : tensor<4xbf16>) layout(bhsd, bshd)
    : tensor<?x1x4x1x8xf32>, tensor<?x1x4x1xf32> -> tensor<1x1x4x8xbf16>, tensor<1x4x1xf32>
  return
}

// CHECK-LABEL: func.func @ragged(
// CHECK: attn.sdpa {{.*}} causal(bottom_right) ragged(%{{.+}}, %{{.+}} : tensor<?xi32>, tensor<?xi64>) :
func.func @ragged(%q: tensor<1x4x?x8xf32>, %a: tensor<?xi32>, %b: tensor<?xi64>) {
  %o = attn.sdpa %q, %q, %q ragged(%a, %b : tensor<?xi32>, tensor<?xi64>) causal(bottom_right)
    : tensor<1x4x?x8xf32>, tensor<1x4x?x8xf32>, tensor<1x4x?x8xf32> -> tensor<1x4x?x8xf32>
  return
}

// CHECK-LABEL: func.func @gather_pages(
// CHECK: attn.gather_pages %{{.+}}, %{{.+}}, %{{.+}} : tensor<?x2x16x8xf16>, tensor<3x?xi32>, tensor<3xi64> -> tensor<3x2x?x8xf16>
// CHECK: attn.gather_pages %{{.+}}, %{{.+}}, %{{.+}} layout(bshd, bhsd) : tensor<?x2x16x8xf16>, tensor<3x?xi32>, tensor<3xi64> -> tensor<3x16x?x8xf16>
func.func @gather_pages(%p: tensor<?x2x16x8xf16>, %t: tensor<3x?xi32>, %l: tensor<3xi64>) {
  %a = attn.gather_pages %p, %t, %l : tensor<?x2x16x8xf16>, tensor<3x?xi32>, tensor<3xi64> -> tensor<3x2x?x8xf16>
  %b = attn.gather_pages %p, %t, %l layout(bshd, bhsd) : tensor<?x2x16x8xf16>, tensor<3x?xi32>, tensor<3xi64> -> tensor<3x16x?x8xf16>
  return
}

// CHECK-LABEL: func.func @sdpa_words(
// CHECK: attn.sdpa {{.*}} causal(bottom_right) window(0, %{{.+}}) returns(lse) {plan = #attn.plan<room = linalg, form = unfused>} :
// CHECK: attn.sdpa {{.*}} causal(top_left) returns(weights) :
func.func @sdpa_words(%q: tensor<1x2x3x4xf16>, %i: index) {
  %o, %l = attn.sdpa %q, %q, %q causal(bottom_right) window(0, %i) returns(lse) {plan = #attn.plan<room = linalg, form = unfused>}
    : tensor<1x2x3x4xf16>, tensor<1x2x3x4xf16>, tensor<1x2x3x4xf16> -> tensor<1x2x3x4xf16>, tensor<1x2x3xf32>
  %u, %p = attn.sdpa %q, %q, %q causal(top_left) returns(weights)
    : tensor<1x2x3x4xf16>, tensor<1x2x3x4xf16>, tensor<1x2x3x4xf16> -> tensor<1x2x3x4xf16>, tensor<1x2x3x3xf32>
  return
}

// CHECK-LABEL: func.func @tile_level(
// CHECK: %[[P:.+]] = attn.online_sdpa %{{.+}}, %{{.+}}, %{{.+}} scale(%{{.+}}) keys(%[[I:.+]] to %[[J:.+]], full %[[I]] to %[[J]]) tile(%[[I]], %[[I]], %[[I]]) of(%[[I]], %[[J]]) captures(%{{.+}}[b, n] : tensor<2x?xi32>) layout(bhsd, bshd, bhsd)
// CHECK-SAME: {plan = #attn.plan<room = cpu, form = flash>} : tensor<1x1x4x8xf32>, tensor<1x?x1x8xf32>, tensor<1x1x?x8xf32> -> !attn.partial<f32> mask(
// CHECK: } blocks(%{{.+}}, %{{.+}}, %[[M0:.+]], %[[M1:.+]], %[[N0:.+]], %[[N1:.+]], %{{.+}}) {
// CHECK-NEXT: %[[SOME:.+]] = arith.cmpi slt, %[[N0]], %[[M1]] : index
// CHECK-NEXT: %[[ALL:.+]] = arith.cmpi sle, %[[N1]], %[[M0]] : index
// CHECK-NEXT: attn.yield %[[SOME]], %[[ALL]] : i1, i1
// CHECK: attn.finalize %[[P]] sink(%{{.+}} : f32) outs(%{{.+}}, %{{.+}}) layout(bshd) : !attn.partial<f32>, tensor<1x4x1x8xf32>, tensor<1x1x4xf32> -> tensor<1x4x1x8xf32>, tensor<1x1x4xf32>
func.func @tile_level(%q: tensor<1x1x4x8xf32>, %k: tensor<1x?x1x8xf32>, %v: tensor<1x1x?x8xf32>, %s: f32, %i: index, %j: index, %doc: tensor<2x?xi32>,
    %o: tensor<1x4x1x8xf32>, %l: tensor<1x1x4xf32>) {
  %p = attn.online_sdpa %q, %k, %v scale(%s) keys(%i to %j, full %i to %j) tile(%i, %i, %i) of(%i, %j) captures(%doc[b, n] : tensor<2x?xi32>) layout(bhsd, bshd, bhsd)
      {plan = #attn.plan<room = cpu, form = flash>} : tensor<1x1x4x8xf32>, tensor<1x?x1x8xf32>, tensor<1x1x?x8xf32> -> !attn.partial<f32>
    mask(%b, %h, %m, %n, %d) {
      %zero = arith.constant 0 : i32
      %c = arith.cmpi ne, %d, %zero : i32
      attn.yield %c : i1
    } blocks(%b, %h, %m0, %m1, %n0, %n1, %d) {
      %some = arith.cmpi slt, %n0, %m1 : index
      %all = arith.cmpi sle, %n1, %m0 : index
      attn.yield %some, %all : i1, i1
    }
  %r:2 = attn.finalize %p sink(%s : f32) outs(%o, %l) layout(bshd) : !attn.partial<f32>, tensor<1x4x1x8xf32>, tensor<1x1x4xf32> -> tensor<1x4x1x8xf32>, tensor<1x1x4xf32>
  return
}

// CHECK-LABEL: func.func @on_buffers(
// CHECK: attn.online_sdpa {{.*}} : memref<1x1x4x8xf32>, memref<1x1x?x8xf32>, memref<1x1x?x8xf32> -> !attn.partial<f32>{{$}}
// CHECK: attn.finalize %{{.+}} outs(%{{.+}}) layout(bhsd) : !attn.partial<f32>, memref<1x1x4x8xf32>{{$}}
// CHECK: attn.packed_matmul %{{.+}}, %{{.+}} bias(%{{.+}} : memref<24xf32>) outs(%{{.+}}) : memref<?x8xf32>, memref<2x8x16xf32>, memref<?x24xf32>{{$}}
// CHECK: attn.parallel_call @body(%{{.+}}) args(%{{.+}}) : memref<?x8xf32>
// CHECK: attn.parallel_call @alone(%{{.+}}){{$}}
func.func @on_buffers(%q: memref<1x1x4x8xf32>, %k: memref<1x1x?x8xf32>, %s: f32, %i: index, %x: memref<?x8xf32>, %w: memref<2x8x16xf32>, %b: memref<24xf32>, %y: memref<?x24xf32>) {
  %p = attn.online_sdpa %q, %k, %k scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i) : memref<1x1x4x8xf32>, memref<1x1x?x8xf32>, memref<1x1x?x8xf32> -> !attn.partial<f32>
  attn.finalize %p outs(%q) layout(bhsd) : !attn.partial<f32>, memref<1x1x4x8xf32>
  attn.packed_matmul %x, %w bias(%b : memref<24xf32>) outs(%y) : memref<?x8xf32>, memref<2x8x16xf32>, memref<?x24xf32>
  attn.parallel_call @body(%i) args(%x) : memref<?x8xf32>
  attn.parallel_call @alone(%i)
  return
}
func.func private @body(%i: index, %x: memref<?x8xf32>)
func.func private @alone(%i: index)

// CHECK-LABEL: func.func @bf16_pairs(
// CHECK: attn.bf16_pack %{{.+}}, %{{.+}} : vector<16xf32>
// CHECK: attn.bf16_dot %{{.+}}, %{{.+}}, %{{.+}} : vector<16xf32>
func.func @bf16_pairs(%acc: vector<16xf32>, %x: vector<16xf32>) -> vector<16xf32> {
  %y = attn.bf16_pack %acc, %x : vector<16xf32>
  %r = attn.bf16_dot %acc, %x, %y : vector<16xf32>
  return %r : vector<16xf32>
}

// CHECK-LABEL: func.func @packed_matmul(
// CHECK: attn.packed_matmul %{{.+}}, %{{.+}} outs(%{{.+}}) : tensor<?x8xf32>, tensor<2x8x16xf32>, tensor<?x24xf32> -> tensor<?x24xf32>
func.func @packed_matmul(%x: tensor<?x8xf32>, %w: tensor<2x8x16xf32>, %y: tensor<?x24xf32>) -> tensor<?x24xf32> {
  %r = attn.packed_matmul %x, %w outs(%y) : tensor<?x8xf32>, tensor<2x8x16xf32>, tensor<?x24xf32> -> tensor<?x24xf32>
  return %r : tensor<?x24xf32>
}

// CHECK-LABEL: func.func @marked_weights(%{{.+}}: tensor<8x8xf32> {attn.name = "layer.0.q", attn.weight})
func.func @marked_weights(%w: tensor<8x8xf32> {attn.weight, attn.name = "layer.0.q"}) {
  return
}
