// The general way: each linalg op on buffers is a kernel, in which a thread computes one element after the other.

// RUN: attn-opt %s --attn-nvvm-kernels=chip=sm_80 --split-input-file | FileCheck %s

// CHECK-LABEL: gpu.module @sums_kernels [#nvvm.target<O = 3, chip = "sm_80"
// CHECK:         llvm.func @sums_general_0(%[[TOTAL:[^:]*]]: i64, {{.*}}) attributes {attn.general, {{.*}}nvvm.maxntid = array<i32: 256>
// CHECK:           scf.for %[[I:.*]] = %{{.*}} to %[[TOTAL]] step %{{.*}} : i64 {
// The place of the element, in 64 bits.
// CHECK:             arith.remui %[[I]]
// CHECK:             %[[START:.*]] = llvm.load %[[OUT:.*]] : !llvm.ptr<1> -> f32
// The sum stays in a register.
// CHECK:             %[[SUM:.*]] = scf.for {{.*}} iter_args(%[[SO_FAR:.*]] = %[[START]]) -> (f32)
// CHECK:               %[[X:.*]] = llvm.load
// CHECK:               %[[MORE:.*]] = arith.addf %[[SO_FAR]], %[[X]]
// CHECK:               scf.yield %[[MORE]]
// CHECK:             llvm.store %[[SUM]], %[[OUT]]
// CHECK-LABEL: func.func @sums(
// CHECK:         %[[BLOCKS:.*]] = affine.apply
// CHECK:         %[[GRID:.*]] = arith.minsi %[[BLOCKS]], %c65536
// CHECK:         gpu.launch_func  @sums_kernels::@sums_general_0 blocks in (%[[GRID]], %c1{{.*}}, %c1{{.*}}) threads in (%c256
// The reduction is the first loop.
func.func @sums(%x: memref<?x?xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>], iterator_types = ["reduction", "parallel"]}
    ins(%x : memref<?x?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %b, %a : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// Nested code, truth values as bytes, positions; a named op and a copy, in order; a copy onto itself is none.
// CHECK-LABEL: llvm.func @others_general_0
// CHECK:         llvm.load {{.*}} -> i8
// CHECK:         scf.if
// CHECK:           llvm.load {{.*}} -> f32
// CHECK:       llvm.func @others_general_1
// CHECK:       llvm.func @others_general_2
// CHECK-NOT:   llvm.func
// CHECK-LABEL: func.func @others(
// CHECK:         gpu.launch_func {{.*}}others_general_0
// CHECK:         gpu.launch_func {{.*}}others_general_1
// CHECK:         gpu.launch_func {{.*}}others_general_2
func.func @others(%k: memref<8xi1>, %x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32, strided<[2]>>) {
  %zero = arith.constant 0.0 : f32
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]} ins(%k : memref<8xi1>) outs(%y : memref<8xf32>) {
  ^bb0(%keep: i1, %b: f32):
    %i = linalg.index 0 : index
    %r = scf.if %keep -> f32 {
      %v = memref.load %x[%i] : memref<8xf32>
      scf.yield %v : f32
    } else {
      scf.yield %zero : f32
    }
    linalg.yield %r : f32
  }
  linalg.fill ins(%zero : f32) outs(%x : memref<8xf32>)
  memref.copy %y, %z : memref<8xf32> to memref<8xf32, strided<[2]>>
  memref.copy %y, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// More heads and batches than a grid has blocks across are further rounds of tiles.
// CHECK-LABEL: llvm.func @many_attention_0
// CHECK:         %[[X:.*]] = nvvm.read.ptx.sreg.ctaid.x
// CHECK:         scf.while (%{{.*}} = %[[X]]
// CHECK:           arith.cmpi uge
// CHECK:         frag.roles if(
// CHECK-LABEL: func.func @many(
// CHECK:         arith.muli
// CHECK:         arith.minsi %{{.*}}, %c65535
// CHECK:         gpu.launch_func  @many_kernels::@many_attention_0 blocks in (%{{.*}}, %{{.*}}, %{{.*}}) threads in (%c384
#plan = #attn.plan<room = nvvm, form = flash, key_block = 128, query_group = 128, warpgroups = 2, stages = 2>
func.func @many(%q: memref<1x70000x128x64xbf16>, %s: f32) {
  %i = arith.constant 0 : index
  %n = arith.constant 128 : index
  scf.forall (%b, %h, %m) = (0, 0, 0) to (1, 70000, 128) step (1, 1, 128) {
    %view = memref.subview %q[0, %h, %m, 0] [1, 1, 128, 64] [1, 1, 1, 1] : memref<1x70000x128x64xbf16> to memref<1x1x128x64xbf16, strided<[573440000, 8192, 64, 1], offset: ?>>
    %p = attn.online_sdpa %view, %view, %view scale(%s) keys(%i to %n, full %i to %n) tile(%b, %h, %m) of(%n, %n) {plan = #plan}
      : memref<1x1x128x64xbf16, strided<[573440000, 8192, 64, 1], offset: ?>>, memref<1x1x128x64xbf16, strided<[573440000, 8192, 64, 1], offset: ?>>, memref<1x1x128x64xbf16, strided<[573440000, 8192, 64, 1], offset: ?>> -> !attn.partial<f32>
    attn.finalize %p outs(%view) layout(bhsd) : !attn.partial<f32>, memref<1x1x128x64xbf16, strided<[573440000, 8192, 64, 1], offset: ?>>
  }
  return
}
