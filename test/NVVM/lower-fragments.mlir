// Fragments become the numbers of one thread.

// RUN: attn-opt %s --attn-nvvm-lower-fragments --canonicalize --cse --split-input-file | FileCheck %s

// 64 x 16 has 8 elements per thread: rows lane / 4 and 8 below, columns 2 (lane mod 4) and the next, of each 8.
// CHECK-LABEL: llvm.func @positions
// CHECK-DAG:     %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x
// CHECK-DAG:     %[[C8:.*]] = arith.constant 8 : i32
// CHECK-DAG:     %[[C9:.*]] = arith.constant 9 : i32
// CHECK-DAG:     %[[ROW8:.*]] = arith.addi %[[ROW:.*]], %[[C8]] : i32
// CHECK-DAG:     %[[R0:.*]] = arith.index_cast %[[ROW]] : i32 to index
// CHECK-DAG:     %[[R1:.*]] = arith.index_cast %[[ROW8]] : i32 to index
// Elements 0 and 1: row 0, columns 0 and 1; elements 2 and 3: row 1.
// CHECK:         %[[COL0:.*]] = arith.index_cast %[[COL:.*]] : i32 to index
// CHECK:         arith.cmpi sle, %[[COL0]], %[[R0]]
// CHECK:         %[[NEXT:.*]] = arith.addi %[[COL]], %{{.*}} : i32
// CHECK:         %[[COL1:.*]] = arith.index_cast %[[NEXT]]
// CHECK:         arith.cmpi sle, %[[COL1]], %[[R0]]
// CHECK:         arith.cmpi sle, %[[COL0]], %[[R1]]
// CHECK:         arith.cmpi sle, %[[COL1]], %[[R1]]
// Element 4: the next eight columns.
// CHECK:         %[[FAR:.*]] = arith.addi %[[COL]], %[[C8]] : i32
// CHECK:         %[[COL8:.*]] = arith.index_cast %[[FAR]]
// CHECK:         arith.cmpi sle, %[[COL8]], %[[R0]]
// Maximum of a row in two chains, then over the four lanes of the row.
// CHECK:         arith.maxnumf
// CHECK:         nvvm.shfl.sync bfly
// CHECK:         nvvm.shfl.sync bfly
// CHECK:         scf.if
// CHECK:           llvm.store
gpu.module @m {
  llvm.func @positions(%lse: !llvm.ptr<1>, %n: i32, %x: f32) attributes {gpu.kernel, nvvm.kernel} {
    %first = arith.index_cast %n : i32 to index
    %s = frag.fill %x : !frag.acc<64x16xf32>
    %t = frag.map ins(%s : !frag.acc<64x16xf32>) at(%first, %first) -> !frag.acc<64x16xf32> {
    ^bb0(%a: f32, %row: index, %column: index):
      %zero = arith.constant 0.0 : f32
      %keep = arith.cmpi sle, %column, %row : index
      %r = arith.select %keep, %a, %zero : f32
      frag.yield %r : f32
    }
    %m = frag.row_reduce max %t : !frag.acc<64x16xf32> -> !frag.rows<64xf32>
    %c = frag.row_combine max %m : !frag.rows<64xf32>
    frag.store_rows %c to %lse[%first] bound(%first) : !frag.rows<64xf32>, !llvm.ptr<1>
    llvm.return
  }
}

// -----

// Iteration i: stage i mod 2, and the parity of i div 2. A buffer is free one phase before.
// CHECK-LABEL: llvm.func @ring
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : i32
// CHECK-DAG:     %[[C2:.*]] = arith.constant 2 : i32
// CHECK:         nvvm.mbarrier.init
// CHECK-COUNT-3: nvvm.mbarrier.init
// CHECK:         nvvm.fence.mbarrier.init
// CHECK:         nvvm.barrier
// CHECK:         nvvm.setmaxregister decrease 24
// CHECK:         nvvm.elect.sync
// CHECK:         scf.if
// CHECK:           %[[ROUND:.*]] = arith.divui %[[I:.*]], %[[C2]]
// CHECK:           %[[PARITY:.*]] = arith.andi %[[ROUND]], %[[C1]]
// CHECK:           %[[BEFORE:.*]] = arith.xori %[[PARITY]], %[[C1]]
// CHECK:           arith.remui %[[I]], %[[C2]]
// CHECK:           nvvm.mbarrier.try_wait.parity %{{.*}}, %[[BEFORE]],
// 64 rows of 80 columns are two panels of 64 x 128 bytes.
// CHECK:           nvvm.mbarrier.arrive.expect_tx %{{.*}}, %c16384_i32
// CHECK-COUNT-2:   nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK-NOT:       nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK:         nvvm.setmaxregister increase 240
// The last consumer lets the first go first.
// CHECK:         nvvm.barrier.arrive
// CHECK:         nvvm.mbarrier.try_wait.parity
// CHECK:         nvvm.barrier id = %{{.*}} number_of_threads = %c256_i32
// CHECK:         nvvm.barrier.arrive id = %{{.*}} number_of_threads = %c256_i32
// CHECK:         scf.if
// CHECK:           nvvm.mbarrier.arrive
gpu.module @m {
  llvm.func @ring(%map: !llvm.ptr, %i: i32) attributes {gpu.kernel, nvvm.kernel} {
    %row = arith.index_cast %i : i32 to index
    %k = frag.alloc : !frag.tile<64x80xbf16, stages = 2>
    %full = frag.alloc_barriers arrivals(1) : !frag.barriers<2>
    %empty = frag.alloc_barriers arrivals(8) : !frag.barriers<2>
    frag.roles consumers(2) registers(24, 240) turns producer {
      frag.acquire %empty[%i] : !frag.barriers<2>
      frag.load %map[%row, %row, %row] box(64) to %k signal %full[%i] : !llvm.ptr, !frag.tile<64x80xbf16, stages = 2>, !frag.barriers<2>
    } consumer {
    ^bb0(%w: index):
      frag.await %full[%i] : !frag.barriers<2>
      frag.take_turn %w
      frag.pass_turn %w of 2
      frag.release %empty[%i] : !frag.barriers<2>
    }
    llvm.return
  }
}

// -----

// Steps of 16 channels in K, of 16 keys in V. The descriptors: 1024 bytes between atoms, 128-byte swizzle (2^62 + 2^38), and for V the panel's
// 4096 bytes as leading offset (256 * 2^16 more).
// CHECK-LABEL: llvm.func @products
// CHECK-DAG:     arith.constant 4611686293305360384 : i64
// CHECK-DAG:     arith.constant 4611686293322072064 : i64
// CHECK:         nvvm.wgmma.fence.aligned
// CHECK:         nvvm.wgmma.mma_async {{.*}} <m = 64, n = 32, k = 16>, D[<f32>, <zero>]
// CHECK-COUNT-3: nvvm.wgmma.mma_async {{.*}} <m = 64, n = 32, k = 16>, D[<f32>, <one>]
// CHECK-NOT:     nvvm.wgmma.mma_async
// CHECK:         nvvm.wgmma.commit.group.sync.aligned
// CHECK:         llvm.inline_asm {{.*}} "wgmma.wait_group.sync.aligned 0;"
// CHECK-COUNT-8: llvm.bitcast %{{.*}} : vector<2xf16> to i32
// CHECK:         nvvm.wgmma.fence.aligned
// CHECK-COUNT-2: llvm.inline_asm {{.*}} "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16
// CHECK-NOT:     wgmma.mma_async
// CHECK:         nvvm.wgmma.commit.group.sync.aligned
// CHECK:         llvm.inline_asm {{.*}} "wgmma.wait_group.sync.aligned 0;"
// CHECK-COUNT-4: nvvm.stmatrix
// CHECK:         nvvm.fence.proxy
// CHECK:         nvvm.cp.async.bulk.tensor.global.shared.cta
gpu.module @m {
  llvm.func @products(%map: !llvm.ptr, %i: i32, %x: f32) attributes {gpu.kernel, nvvm.kernel} {
    %row = arith.index_cast %i : i32 to index
    %q = frag.alloc : !frag.tile<64x64xf16>
    %k = frag.alloc : !frag.tile<32x64xf16>
    %s0 = frag.mma_ss %q rows(%row), %k[%i] : !frag.tile<64x64xf16>, !frag.tile<32x64xf16> -> !frag.pending<64x32xf32>
    %s = frag.wait groups(0) %s0 : !frag.pending<64x32xf32> -> !frag.acc<64x32xf32>
    %p = frag.to_a %s : !frag.acc<64x32xf32> -> !frag.a<64x32xf16>
    %o = frag.fill %x : !frag.acc<64x64xf32>
    %o0 = frag.mma_rs %p, %k[%i], %o : !frag.a<64x32xf16>, !frag.tile<32x64xf16>, !frag.acc<64x64xf32> -> !frag.pending<64x64xf32>
    %o1 = frag.wait groups(0) %o0 : !frag.pending<64x64xf32> -> !frag.acc<64x64xf32>
    frag.put %o1 to %q rows(%row) : !frag.acc<64x64xf32>, !frag.tile<64x64xf16>
    frag.store %q rows(%row) columns(64) to %map[%row, %row, %row] by %row : !frag.tile<64x64xf16>, !llvm.ptr
    llvm.return
  }
}

// -----

// The cold path is a function, which is called when some row of the warp is not finite; the row's 32 keys at a time, weights one per lane.
// It computes positions from the thread's number, and is given what it cannot compute: no index, 64 columns as two per lane.
// CHECK-LABEL: llvm.func @mend(
// CHECK:         %[[BROKEN:.*]] = arith.cmpf uge
// CHECK:         %[[ANY:.*]] = nvvm.vote.sync any %{{.*}}, %{{.*}} -> i1
// CHECK:         scf.if %[[ANY]] {
// CHECK-NEXT:      llvm.call @mend_cold_0(
// CHECK-NEXT:    }
// CHECK-LABEL: llvm.func internal @mend_cold_0(
// CHECK-SAME:    attributes {no_inline, passthrough = ["cold"]}
// CHECK:         nvvm.bar.warp.sync
// CHECK:         scf.for %[[I:.*]] = %{{.*}} to %c16_i32
// CHECK:           nvvm.shfl.sync idx
// CHECK:           scf.if
// CHECK:             scf.for {{.*}} step %c32_i32 iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) -> (f32, f32)
// CHECK:               %[[KEEP:.*]] = arith.cmpi sle
// CHECK:               scf.for
// CHECK:                 %[[P:.*]] = nvvm.shfl.sync idx
// CHECK:                 %[[SUM:.*]] = math.fma %[[P]]
// CHECK-NEXT:            arith.select %{{.*}}, %[[SUM]]
// CHECK:             arith.truncf %{{.*}} : f32 to bf16
// CHECK:             llvm.store {{.*}} : bf16, !llvm.ptr<3>
gpu.module @m {
  llvm.func @mend(%n: i32, %first: i32, %x: f32) attributes {gpu.kernel, nvvm.kernel} {
    %lo = arith.index_cast %first : i32 to index
    %i = arith.index_cast %n : i32 to index
    %t = frag.alloc : !frag.tile<64x64xbf16>
    %s = frag.fill %x : !frag.rows<64xf32>
    frag.mend %s ins(%s : !frag.rows<64xf32>) in %t rows(%i) columns(64) at(%i) bound(%i) keys(%lo to %i) : !frag.rows<64xf32>, !frag.tile<64x64xbf16> weights {
    ^bb0(%m: index, %k: index, %w: f32):
      %keep = arith.cmpi sle, %k, %m : index
      frag.yield %w, %keep : f32, i1
    } values {
    ^bb0(%k: index, %c: index):
      frag.yield %x : f32
    }
    llvm.return
  }
}
