// The same generator with 4 lanes: compiled for AArch64, linked by a cross
// compiler, run by an emulator, compared with double precision.
// REQUIRES: qemu-aarch64
//
// RUN: attn-opt %s --attn-cpu-pipeline=target=cpu:neoverse-n1 | mlir-translate --mlir-to-llvmir | opt -O2 -mcpu=neoverse-n1 -mtriple=aarch64-linux-gnu | llc -O2 -mcpu=neoverse-n1 -filetype=obj -relocation-model=pic -o %t.o
// RUN: llvm-objdump -d %t.o | FileCheck %s --check-prefix=ASM
// RUN: aarch64-linux-gnu-gcc -O1 -static %S/Inputs/neon_driver.c %t.o -lm -o %t.exe
// RUN: qemu-aarch64 %t.exe | FileCheck %s

// ASM: fmla v{{[0-9]+}}.4s, v{{[0-9]+}}.4s
// CHECK: largest difference below 1e-6

func.func @attend(%q: tensor<1x4x?x40xf32>, %k: tensor<1x2x?x40xf32>, %v: tensor<1x2x?x40xf32>) -> tensor<1x4x?x40xf32> {
  %o = attn.sdpa %q, %k, %v causal(bottom_right)
    : tensor<1x4x?x40xf32>, tensor<1x2x?x40xf32>, tensor<1x2x?x40xf32> -> tensor<1x4x?x40xf32>
  return %o : tensor<1x4x?x40xf32>
}
