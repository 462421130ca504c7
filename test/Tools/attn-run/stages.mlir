// The module at one door, at every door, and what is said about the way.

// DEFINE: %{inputs} = --input=1x1x5x8xf32=random:1 --input=1x1x7x8xf32=random:2 --input=1x1x7x8xf32=random:3

// RUN: attn-run %s --target=cpu:x86-64-v3 --stop-after=fuse | FileCheck %s --check-prefix=FUSE
// FUSE: #attn.plan<room = cpu, form = flash, lanes = 8,

// RUN: rm -rf %t && attn-run %s %{inputs} --dump-stages=%t | FileCheck %s --check-prefix=RESULT
// RUN: FileCheck %s --check-prefix=INPUT < %t/0-input.mlir
// RUN: FileCheck %s --check-prefix=TILE < %t/5-tile.mlir
// RUN: ls %t | FileCheck %s --check-prefix=FILES
// RESULT: result #0: 1x1x5x8xf32
// INPUT: attn.sdpa {{.*}} causal(top_left)
// TILE: scf.forall
// FILES: 0-input.mlir
// FILES-NEXT: 1-raise.mlir
// FILES-NEXT: 2-optimize.mlir
// FILES-NEXT: 3-split-heads.mlir
// FILES-NEXT: 4-fuse.mlir
// FILES-NEXT: 5-tile.mlir
// FILES-NEXT: 6-linalg.mlir
// FILES-NEXT: 7-cpu.mlir

// RUN: attn-run %s %{inputs} --target=linalg --explain | FileCheck %s --check-prefix=EXPLAIN
// EXPLAIN: target linalg:{{.*}} f32 lanes
// EXPLAIN: room
// EXPLAIN: input {{.*}} 1 attn
// EXPLAIN: cpu {{.*}} llvm
// EXPLAIN: execute {{.*}} machine code
// EXPLAIN: remark: stages.mlir:{{.*}}room = linalg

func.func @f(%q: tensor<1x1x?x8xf32>, %k: tensor<1x1x?x8xf32>, %v: tensor<1x1x?x8xf32>)
    -> tensor<1x1x?x8xf32> {
  %o = attn.sdpa %q, %k, %v causal(top_left)
    : tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32> -> tensor<1x1x?x8xf32>
  return %o : tensor<1x1x?x8xf32>
}
