// GPU kernels, run by the emulator in every schedule and judged by the reference.
// DEFINE: %{run} = attn-run %s --target=nvvm-emulation:sm_90a --check
// RUN: %{run} --entry=causal --input=1x4x200x128xbf16=random:1 --input=1x2x333x128xbf16=random:2 --input=1x2x333x128xbf16=random:3 --schedule=eager | FileCheck %s
// RUN: %{run} --entry=causal --input=2x2x65x128xbf16=random:4 --input=2x1x129x128xbf16=random:5 --input=2x1x129x128xbf16=random:6 --schedule=late --seed=2 | FileCheck %s
// RUN: %{run} --entry=causal --input=1x1x200x128xbf16=random:7 --input=1x1x70x128xbf16=random:8 --input=1x1x70x128xbf16=random:9 --schedule=random --seed=3 | FileCheck %s
// RUN: %{run} --entry=full --input=1x3x190x64xf16=random:1 --input=1x1x257x64xf16=random:2 --input=1x1x257x64xf16=random:3 --schedule=random --seed=4 --threads=2 | FileCheck %s
// Sinks far above the scores: what they leave of large values is not lost.
// RUN: %{run} --entry=sinks --input=1x4x70x64xbf16=random:1 --input=1x4x40x64xbf16=random:2 --input=1x4x40x64xbf16=random:3:1e9 --input=4xf32=20,90,110,200 | FileCheck %s
// CHECK: check: attn.sdpa {{.*}}, output: ok

// No key at all: zeros, and an LSE of -inf, also of several heads in a row in memory. No query, no head, no batch: no block.
// RUN: %{run} --entry=lse --input=2x70x3x64xbf16=random:1 --input=2x0x1x64xbf16=0 --input=2x0x1x64xbf16=0 --input=70x0xf32=0 | FileCheck %s --check-prefix=EMPTY
// RUN: %{run} --entry=lse --input=2x200x3x64xbf16=random:1 --input=2x0x3x64xbf16=0 --input=2x0x3x64xbf16=0 --input=200x0xf32=0 --schedule=random | FileCheck %s --check-prefix=EMPTY
// EMPTY: result #0: {{.*}}bf16, mean 0, least 0, largest 0
// EMPTY: result #1: {{.*}}f32, {{.*}}-inf
// EMPTY: output: ok
// EMPTY: lse: ok
// RUN: %{run} --entry=full --input=1x2x0x64xf16=0 --input=1x1x5x64xf16=random:1 --input=1x1x5x64xf16=random:2 | FileCheck %s --check-prefix=NONE
// RUN: %{run} --entry=full --input=1x0x7x64xf16=0 --input=1x0x5x64xf16=0 --input=1x0x5x64xf16=0 | FileCheck %s --check-prefix=NONE
// RUN: %{run} --entry=full --input=0x2x7x64xf16=0 --input=0x1x5x64xf16=0 --input=0x1x5x64xf16=0 | FileCheck %s --check-prefix=NONE
// NONE: output: ok

// The whole way is visible: what leaves the NVVM room launches kernels, and the end is the LLVM dialect.
// RUN: attn-run %s --entry=full --target=nvvm-emulation:sm_90a --stop-after=nvvm | FileCheck %s --check-prefix=NVVM
// NVVM: gpu.module @full_body_kernels
// NVVM: func.func private @full_body
// NVVM: gpu.launch_func
// RUN: attn-run %s --entry=full --target=nvvm-emulation:sm_90a --stop-after=cpu | FileCheck %s --check-prefix=LLVM
// LLVM: llvm.call @attn_emu_launch
// LLVM-NOT: gpu.

// RUN: not attn-run %s --entry=full --target=nvvm-emulation:sm_90a --schedule=soon 2>&1 | FileCheck %s --match-full-lines --check-prefix=SOON
// SOON: error: --schedule=soon: expected eager, late or random
// Positions have 32 bits in a tensor-core kernel: an offset beyond is an error, not another number.
// RUN: not %{run} --entry=shifted --input=1x1x9x64xbf16=random:1 --input=1x1x9x64xbf16=random:2 --input=index=8589934592 2>&1 | FileCheck %s --match-full-lines --check-prefix=FAR
// RUN: %{run} --entry=shifted --input=1x1x9x64xbf16=random:1 --input=1x1x9x64xbf16=random:2 --input=index=-3 | FileCheck %s
// FAR: error: invalid operand: gpu.launch_func at {{[^ ]+}}: a kernel takes 32 bits, but a size or an offset is 8589934592
func.func @shifted(%q: tensor<1x1x9x64xbf16>, %k: tensor<1x1x9x64xbf16>, %offset: index) -> tensor<1x1x9x64xbf16> {
  %o = attn.sdpa %q, %k, %k causal(%offset) : tensor<1x1x9x64xbf16>, tensor<1x1x9x64xbf16>, tensor<1x1x9x64xbf16> -> tensor<1x1x9x64xbf16>
  return %o : tensor<1x1x9x64xbf16>
}
func.func @causal(%q: tensor<?x?x?x128xbf16>, %k: tensor<?x?x?x128xbf16>, %v: tensor<?x?x?x128xbf16>) -> tensor<?x?x?x128xbf16> {
  %o = attn.sdpa %q, %k, %v causal(bottom_right) : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16> -> tensor<?x?x?x128xbf16>
  return %o : tensor<?x?x?x128xbf16>
}
func.func @full(%q: tensor<?x?x?x64xf16>, %k: tensor<?x?x?x64xf16>, %v: tensor<?x?x?x64xf16>) -> tensor<?x?x?x64xf16> {
  %o = attn.sdpa %q, %k, %v : tensor<?x?x?x64xf16>, tensor<?x?x?x64xf16>, tensor<?x?x?x64xf16> -> tensor<?x?x?x64xf16>
  return %o : tensor<?x?x?x64xf16>
}
func.func @sinks(%q: tensor<?x4x?x64xbf16>, %k: tensor<?x4x?x64xbf16>, %v: tensor<?x4x?x64xbf16>, %sinks: tensor<4xf32>) -> tensor<?x4x?x64xbf16> {
  %o = attn.sdpa %q, %k, %v sinks(%sinks : tensor<4xf32>) : tensor<?x4x?x64xbf16>, tensor<?x4x?x64xbf16>, tensor<?x4x?x64xbf16> -> tensor<?x4x?x64xbf16>
  return %o : tensor<?x4x?x64xbf16>
}
func.func @lse(%q: tensor<?x?x?x64xbf16>, %k: tensor<?x?x?x64xbf16>, %v: tensor<?x?x?x64xbf16>, %bias: tensor<?x?xf32>) -> (tensor<?x?x?x64xbf16>, tensor<?x?x?xf32>) {
  %o, %l = attn.sdpa %q, %k, %v layout(bshd, bshd, bshd, bshd) additive(%bias : tensor<?x?xf32>) returns(lse) : tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16> -> tensor<?x?x?x64xbf16>, tensor<?x?x?xf32>
  return %o, %l : tensor<?x?x?x64xbf16>, tensor<?x?x?xf32>
}
