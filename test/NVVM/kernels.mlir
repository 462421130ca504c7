// From a task to fragments: FlashAttention-3's schedule.

// RUN: attn-opt %s --attn-nvvm-pipeline=stop-after=linalg --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --loop-invariant-code-motion --cse --attn-nvvm-kernels --canonicalize --cse --split-input-file | FileCheck %s

// CHECK-LABEL: gpu.module @causal_kernels [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx80">]
// CHECK:         llvm.func @causal_attention_0({{.*}}nvvm.maxntid = array<i32: 384>
// Later queries see more keys: they go first.
// CHECK:           %[[X:.*]] = nvvm.read.ptx.sreg.ctaid.x
// CHECK:           %[[LAST:.*]] = arith.subi %{{.*}}, %c1_i32
// CHECK-NEXT:      arith.subi %[[LAST]], %[[X]]
// CHECK-DAG:       %[[Q:.*]] = frag.alloc : !frag.tile<128x128xbf16>
// CHECK-DAG:       %[[K:.*]] = frag.alloc : !frag.tile<128x128xbf16, stages = 2>
// CHECK:           frag.alloc_barriers arrivals(8)
// Without any key all threads fill the results, and there are no roles.
// CHECK:           %[[ANY:.*]] = arith.cmpi ne, %{{.*}}, %c0
// CHECK:           %[[NONE:.*]] = arith.cmpi eq, %{{.*}}, %c0
// CHECK:           scf.if %[[NONE]] {
// CHECK:             scf.for
// CHECK:               llvm.store {{.*}} : bf16, !llvm.ptr<1>
// CHECK:           } {attn.cold}
// CHECK:           frag.roles if(%[[ANY]]) consumers(2) registers(24, 240) turns producer {
// CHECK:             frag.load {{.*}} box(64) to %[[Q]]
// CHECK:             scf.for
// CHECK:               frag.acquire
// CHECK:               frag.load {{.*}} box(128) to %[[K]]
// CHECK:           } consumer {
// S = Q K(0)^T, masked: past the end of the keys or above the diagonal
// CHECK:             frag.mma_ss %[[Q]]
// CHECK:             frag.map {{.*}} at(
// CHECK:               arith.cmpi sle
// CHECK:               arith.cmpi slt
// CHECK:               arith.select {{.*}}
// p = 2^(s c - m c)
// CHECK:             math.fma
// CHECK-NEXT:        llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"
// The masked blocks, in which the keys do not end, then the full ones.
// CHECK:             %[[MASKED:.*]]:4 = scf.for
// CHECK:               frag.map {{.*}} at(
// CHECK-NOT:           arith.cmpi slt
// CHECK:               arith.cmpi sle
// CHECK-NOT:           arith.cmpi slt
// CHECK:             scf.for {{.*}} iter_args({{.*}} = %[[MASKED]]#0
// CHECK:               %[[I1:.*]] = arith.subi
// CHECK:               frag.await
// CHECK:               frag.take_turn
// CHECK-NEXT:          %[[S:.*]] = frag.mma_ss
// CHECK-NEXT:          %[[O:.*]] = frag.mma_rs {{.*}}[%[[I1]]]
// CHECK-NEXT:          frag.pass_turn
// CHECK-NEXT:          frag.wait groups(1) %[[S]]
// CHECK-NOT:           at(
// O is still under way while the exponentials are computed; waiting for V keeps the wait late.
// CHECK:               ex2.approx
// CHECK:               frag.await
// CHECK-NEXT:          frag.wait groups(0) %[[O]]
// CHECK:             frag.mma_rs
// Rows that a dropped value spoils are computed anew, from global memory: no other kernel needs that.
// CHECK:             frag.put %{{.*}} to %[[Q]]
// CHECK:             frag.mend {{.*}} in %[[Q]] {{.*}} columns(128)
// CHECK:               llvm.load
// CHECK:             values {
// CHECK:             frag.store %[[Q]]

// CHECK-LABEL: func.func @causal(
// CHECK:         %[[OUT:.*]] = memref.alloc
// CHECK:         frag.tensor_map %arg0 box [64, 64]
// CHECK:         frag.tensor_map %arg1 box [64, 128]
// CHECK:         frag.tensor_map %[[OUT]] box [64, 64]
// CHECK:         %[[X:.*]] = affine.apply #{{.*}}()[%{{.*}}]
// CHECK:         gpu.launch_func @causal_kernels::@causal_attention_0 blocks in (%[[X]], %{{.*}}, %{{.*}}) threads in (%c384, %c1, %c1) dynamic_shared_memory_size %c163912_i32
// CHECK:         return %[[OUT]]
func.func @causal(%q: tensor<?x?x?x128xbf16>, %k: tensor<?x?x?x128xbf16>, %v: tensor<?x?x?x128xbf16>) -> tensor<?x?x?x128xbf16> {
  %o = attn.sdpa %q, %k, %v causal(bottom_right) : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16> -> tensor<?x?x?x128xbf16>
  return %o : tensor<?x?x?x128xbf16>
}

// -----

// Without a mask: one loop, in which nothing is masked; the first queries first. [B,S,H,D] is a matter of strides.
// CHECK-LABEL: llvm.func @full_attention_0
// CHECK:           %[[X:.*]] = nvvm.read.ptx.sreg.ctaid.x
// CHECK-NEXT:      arith.muli %[[X]], %c192_i32
// CHECK:           frag.roles {{.*}}consumers(3) registers(32, 160) turns
// CHECK:           } consumer {
// CHECK:             scf.for
// CHECK-NOT:         scf.for
// CHECK:             frag.store_rows
// CHECK-NOT:         frag.mend
// CHECK-LABEL: func.func @full(
// CHECK:         %[[T:.*]] = memref.transpose %arg0 (d0, d1, d2, d3) -> (d0, d2, d1, d3)
// CHECK:         frag.tensor_map %[[T]] box [64, 64]
func.func @full(%q: tensor<?x?x?x64xf16>, %k: tensor<?x?x?x64xf16>, %v: tensor<?x?x?x64xf16>) -> (tensor<?x?x?x64xf16>, tensor<?x?x?xf32>) {
  %o, %l = attn.sdpa %q, %k, %v layout(bshd, bshd, bshd, bshd) returns(lse) : tensor<?x?x?x64xf16>, tensor<?x?x?x64xf16>, tensor<?x?x?x64xf16> -> tensor<?x?x?x64xf16>, tensor<?x?x?xf32>
  return %o, %l : tensor<?x?x?x64xf16>, tensor<?x?x?xf32>
}

// -----

// A window has masked blocks on both sides: three loops. A score rule comes after the scale and before the mask, and then p = 2^((s - m) log2(e)).
// CHECK-LABEL: llvm.func @window_attention_0
// CHECK:           } consumer {
// CHECK:             frag.map {{.*}} at(
// CHECK:               arith.mulf
// CHECK:               math.tanh
// CHECK:               arith.select
// CHECK:             arith.subf
// CHECK-NEXT:        arith.mulf
// CHECK-NEXT:        llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"
// CHECK-COUNT-3:     scf.for
func.func @window(%q: tensor<?x?x?x128xbf16>, %k: tensor<?x?x?x128xbf16>, %c: f32) -> tensor<?x?x?x128xbf16> {
  %o = attn.sdpa %q, %k, %k softcap(%c) causal(bottom_right) window(100, 0) : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16> -> tensor<?x?x?x128xbf16>
  return %o : tensor<?x?x?x128xbf16>
}

// -----

// 132 blocks share all tasks: the ring goes on from task to task, and the next task's queries come while the last one is finished.
// CHECK-LABEL: llvm.func @shared_attention_0
// CHECK:           %[[Q:.*]] = frag.alloc : !frag.tile<128x128xbf16>
// CHECK:           %[[O:.*]] = frag.alloc : !frag.tile<128x128xbf16>
// CHECK:           frag.roles {{.*}} producer {
// In odd waves in reverse order: 132 w + (w odd ? 131 - x : x).
// CHECK:             scf.for %[[WAVE:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[START:.*]] = %{{.*}}) -> (i32)
// CHECK:               %[[BEFORE:.*]] = arith.muli %[[WAVE]], %[[N:.*]] : i32
// CHECK:               %[[PLACE:.*]] = arith.select
// CHECK:               arith.addi %[[BEFORE]], %[[PLACE]]
// CHECK:               frag.acquire %{{.*}}[%[[START]]]
// CHECK:               frag.acquire %[[QEMPTY:.*]][%[[WAVE]]] : !frag.barriers<1>
// CHECK:               frag.load {{.*}} to %[[Q]] signal %[[QFULL:.*]][%[[WAVE]]]
// CHECK:               scf.for
// CHECK:           } consumer {
// CHECK:             scf.for %[[W:.*]] = %{{.*}} to %{{.*}} iter_args(%{{.*}} = %{{.*}}) -> (i32)
// CHECK:               frag.await %[[QFULL]][%[[W]]]
// CHECK:               scf.for
// CHECK:               frag.release %[[QEMPTY]][%[[W]]]
// CHECK:               frag.mma_rs
// CHECK:               frag.release
// CHECK:               frag.store %[[O]]
// CHECK-LABEL: func.func @shared(
// CHECK:         gpu.launch_func @shared_kernels::@shared_attention_0 blocks in (%c132, %c1, %c1) threads in (%c384, %c1, %c1)
#plan = #attn.plan<room = nvvm, form = flash, key_block = 160, query_group = 128, warpgroups = 2, stages = 2, blocks = 132>
func.func @shared(%q: tensor<?x?x?x128xbf16>, %k: tensor<?x?x?x128xbf16>, %v: tensor<?x?x?x128xbf16>) -> tensor<?x?x?x128xbf16> {
  %o = attn.sdpa %q, %k, %v {plan = #plan} : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16> -> tensor<?x?x?x128xbf16>
  return %o : tensor<?x?x?x128xbf16>
}
