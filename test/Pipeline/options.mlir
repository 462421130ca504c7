// The options of the pipelines, and what is said about wrong ones.

// RUN: attn-opt %s --attn-cpu-pipeline="target=cpu:znver3 stop-after=split-heads" | FileCheck %s
// RUN: attn-opt %s --attn-linalg-pipeline="stop-after=input" | FileCheck %s --check-prefix=INPUT
// RUN: not attn-opt %s --attn-cpu-pipeline="stop-after=lunch" 2>&1 | FileCheck %s --check-prefix=STAGE
// RUN: not attn-opt %s --attn-cpu-pipeline="target=cpu" 2>&1 | FileCheck %s --check-prefix=PLAIN
// RUN: not attn-opt %s --attn-cpu-pipeline="target=cpu:nosuch" 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not attn-opt %s --attn-linalg-pipeline="target=cpu:znver3" 2>&1 | FileCheck %s --check-prefix=KIND

// STAGE: error: unknown stage 'lunch': expected one of input, raise, optimize, split-heads, fuse, tile, linalg, cpu, nvvm
// PLAIN: error: target 'cpu': expected cpu:<name>
// NAME: error: unknown target 'cpu:nosuch': no x86-64 or aarch64 CPU or level is named 'nosuch'
// KIND: error: target 'cpu:znver3': expected linalg:<name>

// What no entry reaches is dropped at the first door.
// CHECK-NOT: @unreached
func.func private @unreached() {
  return
}

// CHECK-LABEL: func.func @block(
// CHECK-NOT: attn.mha
// CHECK: attn.sdpa
// INPUT-LABEL: func.func @block(
// INPUT: attn.mha
func.func @block(%x: tensor<2x5x8xf32>, %w: tensor<8x8xf32>) -> tensor<2x5x8xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(2)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  return %y : tensor<2x5x8xf32>
}
