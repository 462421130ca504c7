// Where the machine multiplies bf16 in pairs, the hot loops do nothing else: 16
// sums in registers, no conversion among them. Without such products, the same
// file has none of their instructions.
//
// RUN: attn-opt %s --attn-cpu-pipeline=target=cpu:znver4 | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O2 -disable-loop-unrolling -mcpu=znver4 -mtriple=x86_64-linux-gnu \
// RUN:   | llc -O3 -mcpu=znver4 -filetype=obj -o %t.o
// RUN: %python %S/Inputs/hot_loops.py llvm-objdump %t.o zmm 16 stack | FileCheck %s --check-prefixes=LOOPS
// RUN: llvm-objdump -d %t.o | FileCheck %s --check-prefix=DOTS
// RUN: attn-opt %s --attn-cpu-pipeline=target=cpu:x86-64-v4 | FileCheck %s --check-prefix=WIDENS

// Two loops (K Q^T and V^T P) of 4 keys or channels x 4 vectors of queries.
// LOOPS-NOT: {{[1-9][0-9]*}} spills
// LOOPS: hot loop: 16 products, 0 spills, 0 moves
// LOOPS-NOT: {{[1-9][0-9]*}} spills
// LOOPS: hot loops: {{[2-9]}}
// DOTS: vdpbf16ps
// DOTS: vcvtne2ps2bf16
// WIDENS-NOT: avx512bf16

func.func @causal(%q: tensor<1x4x?x64xbf16>, %k: tensor<1x2x?x64xbf16>, %v: tensor<1x2x?x64xbf16>) -> tensor<1x4x?x64xbf16> {
  %o = attn.sdpa %q, %k, %v causal(bottom_right)
    : tensor<1x4x?x64xbf16>, tensor<1x2x?x64xbf16>, tensor<1x2x?x64xbf16> -> tensor<1x4x?x64xbf16>
  return %o : tensor<1x4x?x64xbf16>
}
