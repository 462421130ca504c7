// The loops of few queries: 16 sums at once with AVX-512, 8 with AVX2, none of
// them on the stack. The objects are made for named machines, so that the test
// says the same everywhere.
//
// RUN: attn-opt %s --attn-cpu-pipeline=target=cpu:znver5 | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O2 -disable-loop-unrolling -mcpu=znver5 -mtriple=x86_64-linux-gnu \
// RUN:   | llc -O3 -mcpu=znver5 -filetype=obj -o %t.znver5.o
// RUN: %python %S/Inputs/hot_loops.py llvm-objdump %t.znver5.o zmm 16 stack | FileCheck %s --check-prefixes=WIDE
// RUN: attn-opt %s --attn-cpu-pipeline=target=cpu:znver3 | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O2 -disable-loop-unrolling -mcpu=znver3 -mtriple=x86_64-linux-gnu \
// RUN:   | llc -O3 -mcpu=znver3 -filetype=obj -o %t.znver3.o
// RUN: %python %S/Inputs/hot_loops.py llvm-objdump %t.znver3.o ymm 8 stack | FileCheck %s --check-prefixes=NARROW

// K Q^T of D = 128: 8 vectors of channels for 16 sums; V^T P: 4 rows, 4 vectors.
// WIDE: hot loop: 128 products, 0 spills
// WIDE: hot loop: 16 products, 0 spills
// WIDE: hot loops: 2

// 16 vectors of channels for 8 sums; 4 rows, 2 vectors.
// NARROW: hot loop: 128 products, 0 spills
// NARROW: hot loop: 8 products, 0 spills
// NARROW: hot loops: 2

func.func @decode(%q: tensor<1x32x1x128xf32>, %k: tensor<1x8x?x128xf32>, %v: tensor<1x8x?x128xf32>) -> tensor<1x32x1x128xf32> {
  %o = attn.sdpa %q, %k, %v
    : tensor<1x32x1x128xf32>, tensor<1x8x?x128xf32>, tensor<1x8x?x128xf32> -> tensor<1x32x1x128xf32>
  return %o : tensor<1x32x1x128xf32>
}
