// RUN: attn-opt %s --attn-cpu-kernels=lanes=16 --split-input-file --canonicalize | FileCheck %s

#plan = #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 4, key_rows = 4, value_rows = 4, key_block = 64, query_group = 64>

// 128 keys of 64 channels: with each tile of 4 keys go the same keys and values
// of the next head (4 rows of 4 lines each) where this is the head's last task,
// and while the keys' numbers are those of queries, the next queries and the
// lines of the result.
// CHECK-LABEL: func @short
// CHECK-SAME:    %[[Q:[^:, ]+]]: memref<1x1x64x64xf32>, %[[K:[^:, ]+]]: memref<1x1x128x64xf32>, %[[V:[^:, ]+]]: memref<1x1x128x64xf32>, %[[O:[^:, ]+]]: memref<1x1x64x64xf32>
// CHECK-COUNT-16: memref.prefetch %[[K]][%c0, %c1, %{{.+}}], read, locality<2>, data
// CHECK-COUNT-16: memref.prefetch %[[V]][%c0, %c1, %{{.+}}], read, locality<2>, data
// CHECK-COUNT-16: memref.prefetch %[[Q]][%c0, %{{.+}}], read, locality<2>, data
// CHECK-COUNT-16: memref.prefetch %[[O]][%c0, %c0, %{{.+}}], write, locality<3>, data
func.func @short(%q: memref<1x1x64x64xf32>, %k: memref<1x1x128x64xf32>, %v: memref<1x1x128x64xf32>, %o: memref<1x1x64x64xf32>,
                 %scale: f32, %b: index, %h: index, %m: index) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 128 : index
  %p = attn.online_sdpa %q, %k, %v scale(%scale) keys(%c0 to %n, full %c0 to %n) tile(%b, %h, %m) of(%n, %n) {plan = #plan}
    : memref<1x1x64x64xf32>, memref<1x1x128x64xf32>, memref<1x1x128x64xf32> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x64x64xf32>
  return
}

// -----

#plan = #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 4, key_rows = 4, value_rows = 4, key_block = 64, query_group = 64>

// How long the heads are is known at the call: 512 keys of 64 channels at most.
// CHECK-LABEL: func @unknown
// CHECK-SAME:    %[[N:[^:, ]+]]: index)
// CHECK:         arith.cmpi slt, %[[N]], %c513 : index
// CHECK:         memref.prefetch
func.func @unknown(%q: memref<1x1x64x64xf32>, %k: memref<1x1x?x64xf32>, %v: memref<1x1x?x64xf32>, %o: memref<1x1x64x64xf32>,
                   %scale: f32, %b: index, %h: index, %m: index, %n: index) {
  %c0 = arith.constant 0 : index
  %p = attn.online_sdpa %q, %k, %v scale(%scale) keys(%c0 to %n, full %c0 to %n) tile(%b, %h, %m) of(%n, %n) {plan = #plan}
    : memref<1x1x64x64xf32>, memref<1x1x?x64xf32>, memref<1x1x?x64xf32> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x64x64xf32>
  return
}

// -----

#plan = #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 4, key_rows = 4, value_rows = 4, key_block = 64, query_group = 64>

// Declined: the head is long, and queries are many.
// CHECK-LABEL: func @long
// CHECK-NOT:     memref.prefetch
func.func @long(%q: memref<1x1x64x64xf32>, %k: memref<1x1x513x64xf32>, %v: memref<1x1x513x64xf32>, %o: memref<1x1x64x64xf32>,
                %scale: f32, %b: index, %h: index, %m: index) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 513 : index
  %many = arith.constant 257 : index
  %p = attn.online_sdpa %q, %k, %v scale(%scale) keys(%c0 to %n, full %c0 to %n) tile(%b, %h, %m) of(%many, %n) {plan = #plan}
    : memref<1x1x64x64xf32>, memref<1x1x513x64xf32>, memref<1x1x513x64xf32> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x64x64xf32>
  return
}

// -----

#plan = #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 4, key_rows = 4, value_rows = 4, key_block = 64, query_group = 64>

// Few queries meet many keys: the next block is asked for.
// CHECK-LABEL: func @few
// CHECK-SAME:    %[[K:[^:, ]+]]: memref<1x1x513x64xf32>
// CHECK-COUNT-32: memref.prefetch %[[K]][%c0, %c0, %{{.+}}], read, locality<2>, data
// CHECK-NOT:     memref.prefetch
func.func @few(%q: memref<1x1x64x64xf32>, %k: memref<1x1x513x64xf32>, %o: memref<1x1x64x64xf32>,
                %scale: f32, %b: index, %h: index, %m: index) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 513 : index
  %queries = arith.constant 256 : index
  %p = attn.online_sdpa %q, %k, %k scale(%scale) keys(%c0 to %n, full %c0 to %n) tile(%b, %h, %m) of(%queries, %n) {plan = #plan}
    : memref<1x1x64x64xf32>, memref<1x1x513x64xf32>, memref<1x1x513x64xf32> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x64x64xf32>
  return
}

// -----

#plan = #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 4, key_rows = 4, value_rows = 4, key_block = 64, query_group = 64>

// Heads alternate in memory: a row is 3 KiB from the next, and the keys and
// values 64 rows on are asked for.
// CHECK-LABEL: func @spread
// CHECK-SAME:    %[[K:[^:, ]+]]: memref<1x4096x1x64xf32, strided<[?, 768, 64, 1], offset: ?>>
// CHECK-COUNT-32: memref.prefetch %[[K]][%c0, %{{.+}}, %c0, %{{.+}}], read, locality<2>, data
// CHECK-NOT:     memref.prefetch
func.func @spread(%q: memref<1x1x64x64xf32>, %k: memref<1x4096x1x64xf32, strided<[?, 768, 64, 1], offset: ?>>, %o: memref<1x1x64x64xf32>,
                  %scale: f32, %b: index, %h: index, %m: index) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 4096 : index
  %p = attn.online_sdpa %q, %k, %k scale(%scale) keys(%c0 to %n, full %c0 to %n) tile(%b, %h, %m) of(%n, %n) layout(bhsd, bshd, bshd) {plan = #plan}
    : memref<1x1x64x64xf32>, memref<1x4096x1x64xf32, strided<[?, 768, 64, 1], offset: ?>>, memref<1x4096x1x64xf32, strided<[?, 768, 64, 1], offset: ?>> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x64x64xf32>
  return
}
