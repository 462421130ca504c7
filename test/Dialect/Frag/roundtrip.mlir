// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s

// Every op once.

// CHECK-LABEL: func.func @host
func.func @host(%q: memref<?x?x?x128xbf16>) {
  // CHECK: frag.tensor_map %{{.*}} box [64, 128] : memref<?x?x?x128xbf16>
  %m = frag.tensor_map %q box [64, 128] : memref<?x?x?x128xbf16>
  return
}

// CHECK-LABEL: func.func @kernel
func.func @kernel(%map: !llvm.ptr, %lse: !llvm.ptr<1>, %i: i32, %row: index, %x: f32) {
  // CHECK: frag.alloc : !frag.tile<128x64xbf16>
  %q = frag.alloc : !frag.tile<128x64xbf16>
  // CHECK: frag.alloc : !frag.tile<32x64xbf16, stages = 2>
  %k = frag.alloc : !frag.tile<32x64xbf16, stages = 2>
  // CHECK: frag.alloc_barriers arrivals(1) : !frag.barriers<2>
  %full = frag.alloc_barriers arrivals(1) : !frag.barriers<2>
  %empty = frag.alloc_barriers arrivals(8) : !frag.barriers<2>
  // CHECK: frag.roles consumers(2) registers(24, 240) turns producer {
  frag.roles consumers(2) registers(24, 240) turns producer {
    // CHECK-NEXT: frag.acquire %{{.*}}[%{{.*}}] : !frag.barriers<2>
    frag.acquire %empty[%i] : !frag.barriers<2>
    // CHECK-NEXT: frag.load %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] box(32) to %{{.*}} signal %{{.*}}[%{{.*}}] : !llvm.ptr, !frag.tile<32x64xbf16, stages = 2>, !frag.barriers<2>
    frag.load %map[%row, %row, %row] box(32) to %k signal %full[%i] : !llvm.ptr, !frag.tile<32x64xbf16, stages = 2>, !frag.barriers<2>
  // CHECK-NEXT: } consumer {
  } consumer {
  // CHECK-NEXT: ^{{.*}}(%[[W:.*]]: index):
  ^bb0(%w: index):
    // CHECK: frag.await %{{.*}}[%{{.*}}] : !frag.barriers<2>
    frag.await %full[%i] : !frag.barriers<2>
    // CHECK: frag.take_turn %[[W]]
    frag.take_turn %w
    // CHECK: frag.mma_ss %{{.*}} rows(%{{.*}}), %{{.*}}[%{{.*}}] : !frag.tile<128x64xbf16>, !frag.tile<32x64xbf16, stages = 2> -> !frag.pending<64x32xf32>
    %s0 = frag.mma_ss %q rows(%row), %k[%i] : !frag.tile<128x64xbf16>, !frag.tile<32x64xbf16, stages = 2> -> !frag.pending<64x32xf32>
    // CHECK: frag.pass_turn %[[W]] of 2
    frag.pass_turn %w of 2
    // CHECK: frag.wait groups(0) %{{.*}} : !frag.pending<64x32xf32> -> !frag.acc<64x32xf32>
    %s = frag.wait groups(0) %s0 : !frag.pending<64x32xf32> -> !frag.acc<64x32xf32>
    // CHECK: frag.release %{{.*}}[%{{.*}}] : !frag.barriers<2>
    frag.release %empty[%i] : !frag.barriers<2>
    // CHECK: frag.row_reduce max %{{.*}} : !frag.acc<64x32xf32> -> !frag.rows<64xf32>
    %m0 = frag.row_reduce max %s : !frag.acc<64x32xf32> -> !frag.rows<64xf32>
    // CHECK: frag.row_combine max %{{.*}} : !frag.rows<64xf32>
    %m = frag.row_combine max %m0 : !frag.rows<64xf32>
    // CHECK: frag.map ins(%{{.*}}, %{{.*}} : !frag.acc<64x32xf32>, !frag.rows<64xf32>) at(%{{.*}}, %{{.*}}) -> !frag.acc<64x32xf32> {
    %p = frag.map ins(%s, %m : !frag.acc<64x32xf32>, !frag.rows<64xf32>) at(%row, %row) -> !frag.acc<64x32xf32> {
    ^bb1(%a: f32, %b: f32, %r: index, %c: index):
      %d = arith.subf %a, %b : f32
      frag.yield %d : f32
    }
    // CHECK: frag.map ins(%{{.*}} : !frag.rows<64xf32>) -> !frag.rows<64xf32> {
    %n = frag.map ins(%m : !frag.rows<64xf32>) -> !frag.rows<64xf32> {
    ^bb1(%a: f32):
      frag.yield %x : f32
    }
    // CHECK: frag.to_a %{{.*}} : !frag.acc<64x32xf32> -> !frag.a<64x32xbf16>
    %a = frag.to_a %p : !frag.acc<64x32xf32> -> !frag.a<64x32xbf16>
    // CHECK: frag.fill %{{.*}} : !frag.acc<64x64xf32>
    %o = frag.fill %x : !frag.acc<64x64xf32>
    // CHECK: frag.mma_rs %{{.*}}, %{{.*}}[%{{.*}}], %{{.*}} : !frag.a<64x32xbf16>, !frag.tile<32x64xbf16, stages = 2>, !frag.acc<64x64xf32> -> !frag.pending<64x64xf32>
    %o0 = frag.mma_rs %a, %k[%i], %o : !frag.a<64x32xbf16>, !frag.tile<32x64xbf16, stages = 2>, !frag.acc<64x64xf32> -> !frag.pending<64x64xf32>
    %o1 = frag.wait groups(0) %o0 : !frag.pending<64x64xf32> -> !frag.acc<64x64xf32>
    // CHECK: frag.store_rows %{{.*}} to %{{.*}}[%{{.*}}] bound(%{{.*}}) : !frag.rows<64xf32>, !llvm.ptr<1>
    frag.store_rows %n to %lse[%row] bound(%row) : !frag.rows<64xf32>, !llvm.ptr<1>
    // CHECK: frag.put %{{.*}} to %{{.*}} rows(%{{.*}}) : !frag.acc<64x64xf32>, !frag.tile<128x64xbf16>
    frag.put %o1 to %q rows(%row) : !frag.acc<64x64xf32>, !frag.tile<128x64xbf16>
    // CHECK: frag.mend %{{.*}} ins(%{{.*}} : !frag.rows<64xf32>) in %{{.*}} rows(%{{.*}}) columns(64) at(%{{.*}}) bound(%{{.*}}) keys(%{{.*}} to %{{.*}}) : !frag.rows<64xf32>, !frag.tile<128x64xbf16> weights {
    frag.mend %m ins(%n : !frag.rows<64xf32>) in %q rows(%row) columns(64) at(%row) bound(%row) keys(%row to %row) : !frag.rows<64xf32>, !frag.tile<128x64xbf16> weights {
    ^bb1(%r: index, %key: index, %b: f32):
      %keep = arith.cmpi sle, %key, %r : index
      // CHECK: frag.yield %{{.*}}, %{{.*}} : f32, i1
      frag.yield %b, %keep : f32, i1
    // CHECK: } values {
    } values {
    ^bb1(%key: index, %c: index):
      frag.yield %x : f32
    }
    // CHECK: frag.store %{{.*}} rows(%{{.*}}) columns(64) to %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] by %[[W]] : !frag.tile<128x64xbf16>, !llvm.ptr
    frag.store %q rows(%row) columns(64) to %map[%row, %row, %row] by %w : !frag.tile<128x64xbf16>, !llvm.ptr
  }
  %ever = arith.cmpi ne, %i, %i : i32
  // CHECK: frag.roles if(%{{.*}}) consumers(1) registers(24, 240) producer {
  frag.roles if(%ever) consumers(1) registers(24, 240) producer {
  } consumer {
  ^bb0(%w: index):
  }
  return
}
