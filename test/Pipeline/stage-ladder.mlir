// One block on its way: what each room takes and what it leaves.

// RUN: attn-opt %s --attn-cpu-pipeline="stop-after=input" | FileCheck %s --check-prefix=INPUT
// RUN: attn-opt %s --attn-cpu-pipeline="stop-after=raise" | FileCheck %s --check-prefix=INPUT
// RUN: attn-opt %s --attn-cpu-pipeline="stop-after=split-heads" | FileCheck %s --check-prefix=SPLIT
// RUN: attn-opt %s --attn-cpu-pipeline="stop-after=fuse" | FileCheck %s --check-prefix=FUSE
// RUN: attn-opt %s --attn-cpu-pipeline="stop-after=tile" | FileCheck %s --check-prefix=TILE
// RUN: attn-opt %s --attn-linalg-pipeline="stop-after=linalg" | FileCheck %s --check-prefix=LINALG
// RUN: attn-opt %s --attn-cpu-pipeline | FileCheck %s --check-prefix=CPU
// RUN: attn-opt %s --attn-linalg-pipeline | FileCheck %s --check-prefix=CPU
// RUN: attn-opt %s --attn-cpu-pipeline="target=cpu:neoverse-n1" | FileCheck %s --check-prefix=CPU

// INPUT-LABEL: func.func @block(
// INPUT:         attn.mha {{.*}} heads(4) causal(top_left)

// Projections, and heads that nobody moved.
// SPLIT-LABEL: func.func @block(
// SPLIT-NOT:     attn.mha
// SPLIT-NOT:     linalg.transpose
// SPLIT:         attn.sdpa {{.*}} causal(top_left) layout(bshd, bshd, bshd, bshd)

// The rule as code, and a plan.
// FUSE-LABEL:  func.func @block(
// FUSE:          attn.sdpa
// FUSE-NOT:      causal
// FUSE-SAME:     #attn.plan<room = cpu, form = flash, lanes = 8
// FUSE:          mask

// A task per batch, head and query group; where its keys end is an SSA value.
// TILE-LABEL:  func.func @block(
// TILE-NOT:      attn.sdpa
// TILE:          scf.forall
// TILE:            attn.online_sdpa {{.*}} keys({{.*}} to %[[#]], full
// TILE:            attn.finalize

// LINALG-LABEL: func.func @block(
// LINALG-NOT:    {{ attn\.[a-z]}}

// CPU-NOT:     func.func
// CPU-DAG:     llvm.func @_mlir_ciface_block(
// CPU-DAG:     llvm.func @_mlir_ciface_block_shapes(
// CPU-DAG:     llvm.func @_mlir_ciface_block_workspace(

func.func @block(%x: tensor<2x?x64xf32>, %w: tensor<64x64xf32> {attn.weight}) -> tensor<2x?x64xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(4) causal(top_left)
    : tensor<2x?x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32> -> tensor<2x?x64xf32>
  return %y : tensor<2x?x64xf32>
}
