// RUN: attn-opt %s --attn-cpu-kernels='lanes=16 bf16-products' --split-input-file | FileCheck %s --check-prefixes=CHECK,BF16

#plan = #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 3, key_rows = 8, value_rows = 8, key_block = 64, query_group = 48>

// S^T tile = K . Q^T: 8 keys x 3 vectors of queries, no mask, nothing dropped.
// CHECK-LABEL: func @plain
// CHECK-NOT:     attn.
// log2(e) is folded into Q together with the scale.
// CHECK:         %[[LOG2E:.+]] = arith.constant 1.44269502 : f32
// CHECK:         scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-COUNT-24: vector.fma
// CHECK-NOT:     attn.
// CHECK:         return
func.func @plain(%q: memref<1x1x48x64xf32>, %k: memref<1x1x?x64xf32>, %v: memref<1x1x?x64xf32>, %o: memref<1x1x48x64xf32>,
                 %scale: f32, %b: index, %h: index, %m: index, %M: index, %N: index, %lo: index, %hi: index) {
  %p = attn.online_sdpa %q, %k, %v scale(%scale) keys(%lo to %hi, full %lo to %hi) tile(%b, %h, %m) of(%M, %N) {plan = #plan}
    : memref<1x1x48x64xf32>, memref<1x1x?x64xf32>, memref<1x1x?x64xf32> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x48x64xf32>
  return
}

// -----

#plan = #attn.plan<room = cpu, form = flash, lanes = 8, query_vectors = 3, key_rows = 4, value_rows = 4, key_block = 128, query_group = 24>

// The mask on lanes of positions in i32: keep = n <= m; a dropped weight is -0.0.
// CHECK-LABEL: func @masked
// CHECK:         arith.cmpi sle, %{{.+}}, %{{.+}} : vector<8xi32>
// CHECK:         arith.select %{{.+}}, %{{.+}}, %{{.+}} : vector<8xi1>, vector<8xf32>
// The block again without the dropped keys where O came out non-finite.
// CHECK:         arith.cmpf uno, %{{.+}}, %{{.+}} : vector<8xf32>
// CHECK-NEXT:    vector.reduction <or>
// CHECK-NOT:     attn.
// CHECK:         return
func.func @masked(%q: memref<1x1x24x40xbf16>, %k: memref<1x1x?x40xbf16>, %v: memref<1x1x?x40xbf16>, %o: memref<1x1x24x40xbf16>,
                  %scale: f32, %b: index, %h: index, %m: index, %M: index, %N: index, %lo: index, %hi: index) {
  %p = attn.online_sdpa %q, %k, %v scale(%scale) keys(%lo to %hi, full %lo to %lo) tile(%b, %h, %m) of(%M, %N) {plan = #plan}
    : memref<1x1x24x40xbf16>, memref<1x1x?x40xbf16>, memref<1x1x?x40xbf16> -> !attn.partial<f32>
    mask(%rb, %rh, %rm, %n) {
      %keep = arith.cmpi sle, %n, %rm : index
      attn.yield %keep : i1
    }
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x24x40xbf16>
  return
}

// -----

#plan = #attn.plan<room = cpu, form = flash, lanes = 8, query_vectors = 1, key_rows = 4, value_rows = 4, key_block = 128, query_group = 8>

// A block is visited where some of it may be kept; where all of it is, it is no
// partial block. Captures are read at the first key of the block.
// CHECK-LABEL: func @blocks
// CHECK-SAME:  %[[LEAST:[^:, ]+]]: memref<4xi32>
// CHECK:         %[[FIRST:.+]] = memref.load %[[LEAST]][
// CHECK-NEXT:    %[[SOME:.+]] = arith.cmpi sle, %[[FIRST]], %{{.+}} : i32
// CHECK-NEXT:    %[[ALL:.+]] = arith.cmpi eq, %[[FIRST]], %{{.+}} : i32
// CHECK-NEXT:    scf.if %[[SOME]] {
// CHECK:             arith.select %[[ALL]], %false
// CHECK:         return
func.func @blocks(%q: memref<1x1x8x16xf32>, %k: memref<1x1x512x16xf32>, %o: memref<1x1x8x16xf32>, %scale: f32, %b: index, %h: index, %m: index,
                  %M: index, %N: index, %lo: index, %hi: index, %doc: memref<512xi32>, %least: memref<4xi32>, %mine: i32) {
  %p = attn.online_sdpa %q, %k, %k scale(%scale) keys(%lo to %hi, full %lo to %lo) tile(%b, %h, %m) of(%M, %N)
      captures(%doc[n] : memref<512xi32>, %least[n floordiv 128] : memref<4xi32>, %mine[] : i32) {plan = #plan}
    : memref<1x1x8x16xf32>, memref<1x1x512x16xf32>, memref<1x1x512x16xf32> -> !attn.partial<f32>
    mask(%rb, %rh, %rm, %n, %d, %first, %its) {
      %keep = arith.cmpi eq, %d, %its : i32
      attn.yield %keep : i1
    } blocks(%rb, %rh, %m0, %m1, %n0, %n1, %d, %first, %its) {
      %some = arith.cmpi sle, %first, %its : i32
      %all = arith.cmpi eq, %first, %its : i32
      attn.yield %some, %all : i1, i1
    }
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x8x16xf32>
  return
}

// -----

// y = x w + bias: 8 rows x 3 vectors, k in order, the panel read as it is packed.
// Asked for ahead: the result's lines, and for each k the three lines that the
// panel behind this one (384 rows on) has there.
// CHECK-LABEL: func @product
// CHECK-COUNT-24: memref.prefetch {{.*}}, write, locality<3>, data
// CHECK:         %[[BEHIND:.+]] = arith.addi %{{.+}}, %c384
// CHECK-COUNT-3: memref.prefetch %{{.+}}[%{{.+}}, %[[BEHIND]], %{{.+}}], read, locality<2>, data
// CHECK-COUNT-24: vector.fma
// CHECK-NOT:     attn.
// CHECK:         return
func.func @product(%x: memref<?x384xf32>, %w: memref<1x384x48xf32>, %bias: memref<48xf32>, %y: memref<?x48xf32>) {
  attn.packed_matmul %x, %w bias(%bias : memref<48xf32>) outs(%y) : memref<?x384xf32>, memref<1x384x48xf32>, memref<?x48xf32>
  return
}

// -----

// A panel whose width is known only at run time stores under masks.
// CHECK-LABEL: func @narrow_panel
// CHECK:         vector.maskedstore
func.func @narrow_panel(%x: memref<?x384xf32>, %w: memref<1x384x48xf32>, %y: memref<?x?xf32>) {
  attn.packed_matmul %x, %w outs(%y) : memref<?x384xf32>, memref<1x384x48xf32>, memref<?x?xf32>
  return
}

// -----

// Two query heads with one query each: lanes are channels. 16 sums of 16
// channels become one vector of 8 keys x 2 rows by a tree of shuffles, and each
// line of K and V is read once for both heads.
// CHECK-LABEL: func @decode
// CHECK:         memref.prefetch
// CHECK-COUNT-16: vector.fma
// CHECK-COUNT-30: vector.shuffle
// V of the keys: 2 rows x 1 vector.
// CHECK:         scf.for
// CHECK:           memref.prefetch
// CHECK-COUNT-2:   vector.fma
// CHECK-NOT:     attn.
// CHECK:         return
func.func @decode(%q: memref<1x2x1x16xf32>, %k: memref<1x1x?x16xf32>, %v: memref<1x1x?x16xf32>, %o: memref<1x2x1x16xf32>,
                  %scale: f32, %b: index, %m: index, %n: index, %zero: index) {
  %p = attn.online_sdpa %q, %k, %v scale(%scale) keys(%zero to %n, full %zero to %n) tile(%b, %b, %zero) of(%m, %n)
      {plan = #attn.plan<room = cpu, form = decode, lanes = 16, value_rows = 16, key_block = 32>}
    : memref<1x2x1x16xf32>, memref<1x1x?x16xf32>, memref<1x1x?x16xf32> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x2x1x16xf32>
  return
}

// -----

// With products of bf16 one step takes two channels of K Q^T, or two keys of
// V^T P; what weights a pair of keys has is rounded to bf16.
// BF16-LABEL: func @bf16_products
// BF16:         memref.alloca() {{.*}} : memref<8x32xf32>
// BF16-COUNT-8: attn.bf16_dot
// BF16-COUNT-2: attn.bf16_pack
// BF16-COUNT-8: attn.bf16_dot
// BF16:         return
func.func @bf16_products(%q: memref<1x1x32x16xbf16>, %k: memref<1x1x?x16xbf16>, %v: memref<1x1x?x8xbf16>, %o: memref<1x1x32x8xbf16>,
                  %scale: f32, %b: index, %m: index, %n: index, %zero: index) {
  %p = attn.online_sdpa %q, %k, %v scale(%scale) keys(%zero to %n, full %zero to %n) tile(%b, %b, %zero) of(%m, %n)
      {plan = #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 2, key_rows = 4, value_rows = 4, key_block = 64, query_group = 32, bf16_products = true>}
    : memref<1x1x32x16xbf16>, memref<1x1x?x16xbf16>, memref<1x1x?x8xbf16> -> !attn.partial<f32>
  attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, memref<1x1x32x8xbf16>
  return
}
