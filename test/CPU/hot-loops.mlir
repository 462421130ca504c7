// The loops that do the work hold their sums in registers: no vector store to
// the stack, at either width, masked or not. The objects are made for named
// machines, so that the test says the same everywhere.
//
// RUN: attn-opt %s --attn-cpu-pipeline=target=cpu:znver5 | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O2 -disable-loop-unrolling -mcpu=znver5 -mtriple=x86_64-linux-gnu \
// RUN:   | llc -O3 -mcpu=znver5 -filetype=obj -o %t.znver5.o
// RUN: %python %S/Inputs/hot_loops.py llvm-objdump %t.znver5.o zmm 16 | FileCheck %s --check-prefixes=LOOPS
// RUN: attn-opt %s --attn-cpu-pipeline=target=cpu:sapphirerapids | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O2 -disable-loop-unrolling -mcpu=sapphirerapids -mtriple=x86_64-linux-gnu \
// RUN:   | llc -O3 -mcpu=sapphirerapids -filetype=obj -o %t.spr.o
// RUN: %python %S/Inputs/hot_loops.py llvm-objdump %t.spr.o zmm 16 | FileCheck %s --check-prefixes=LOOPS
// RUN: attn-opt %s --attn-cpu-pipeline=target=cpu:znver3 | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O2 -disable-loop-unrolling -mcpu=znver3 -mtriple=x86_64-linux-gnu \
// RUN:   | llc -O3 -mcpu=znver3 -filetype=obj -o %t.znver3.o
// RUN: %python %S/Inputs/hot_loops.py llvm-objdump %t.znver3.o ymm 12 | FileCheck %s --check-prefixes=LOOPS

// Two loops (K Q^T and V^T P) of two functions at least.
// LOOPS-NOT: {{[1-9][0-9]*}} spills
// LOOPS: hot loop: {{[0-9]+}} products, 0 spills
// LOOPS-NOT: {{[1-9][0-9]*}} spills
// LOOPS: hot loops: {{[4-9]|[1-9][0-9]}}

func.func @causal(%q: tensor<1x4x?x64xf32>, %k: tensor<1x2x?x64xf32>, %v: tensor<1x2x?x64xf32>) -> tensor<1x4x?x64xf32> {
  %o = attn.sdpa %q, %k, %v causal(bottom_right)
    : tensor<1x4x?x64xf32>, tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32> -> tensor<1x4x?x64xf32>
  return %o : tensor<1x4x?x64xf32>
}

func.func @plain(%q: tensor<1x4x?x128xf32>, %k: tensor<1x4x?x128xf32>, %v: tensor<1x4x?x128xf32>) -> tensor<1x4x?x128xf32> {
  %o = attn.sdpa %q, %k, %v
    : tensor<1x4x?x128xf32>, tensor<1x4x?x128xf32>, tensor<1x4x?x128xf32> -> tensor<1x4x?x128xf32>
  return %o : tensor<1x4x?x128xf32>
}
