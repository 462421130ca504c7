// What no tensor-core kernel takes runs on the general way, in the emulator as on a GPU, and the compiler says why.
// DEFINE: %{run} = attn-run %s --target=nvvm-emulation:sm_90a --check
// RUN: %{run} --entry=f32 --input=1x4x9x40xf32=random:1 --input=1x2x13x40xf32=random:2 --input=1x2x13x40xf32=random:3 2>&1 | FileCheck %s --check-prefixes=F32,OK,LSE
// F32: nvvm-general.mlir:[[#@LINE+17]]:12: warning: 'attn.sdpa' takes the general way on nvvm-emulation:sm_90a: the tensor-core kernels take f16 and bf16
// RUN: %{run} --entry=f64 --input=2x2x7x12xf64=random:1 --input=2x2x11x12xf64=random:2 --input=2x2x11x12xf64=random:3 --input=f64=0.25 --input=2xf64=1,2 2>&1 | FileCheck %s --check-prefix=OK
// RUN: %{run} --entry=half --target=nvvm-emulation:sm_80 --input=1x2x70x64xbf16=random:1 --input=1x2x90x64xbf16=random:2 --input=1x2x90x64xbf16=random:3 2>&1 | FileCheck %s --check-prefixes=SM80,OK
// SM80: warning: 'attn.sdpa' takes the general way on nvvm-emulation:sm_80: there is no tensor-core kernel for sm_80
// RUN: %{run} --entry=weights --input=1x1x5x16xbf16=random:1 --input=1x1x9x16xbf16=random:2 --input=1x1x9x16xbf16=random:3 2>&1 | FileCheck %s --check-prefixes=WEIGHTS,OK
// WEIGHTS: warning: 'attn.sdpa' takes the general way on nvvm-emulation:sm_90a: the weights are a result, so the scores must stand in memory
// Rules of any kind: functions without an instruction, on tensor cores as well, and constants beyond 32 bits.
// RUN: %{run} --entry=functions --input=1x1x20x64xbf16=random:1 --input=1x1x30x64xbf16=random:2 --input=1x1x30x64xbf16=random:3 2>&1 | FileCheck %s --check-prefix=OK
// RUN: %{run} --entry=huge --input=1x1x20x64xbf16=random:1 --input=1x1x30x64xbf16=random:2 --input=1x1x30x64xbf16=random:3 2>&1 | FileCheck %s --check-prefixes=HUGE,OK
// HUGE: warning: 'attn.sdpa' takes the general way on nvvm-emulation:sm_90a: a rule has an index constant beyond 2^30
// RUN: %{run} --entry=block --input=1x6x48xf32=random:1 --input=48x48xf32=random:2:0.1 2>&1 | FileCheck %s --check-prefix=OK
// A size of 0 in a type.
// RUN: %{run} --entry=none --input=1x1x5x64xbf16=random:1 --input=1x1x0x64xbf16=0 2>&1 | FileCheck %s --check-prefixes=NONE,OK
// NONE: warning: 'attn.sdpa' takes the general way on nvvm-emulation:sm_90a: a dimension is 0
// OK: output: ok
// LSE: lse: ok
func.func @f32(%q: tensor<?x?x?x40xf32>, %k: tensor<?x?x?x40xf32>, %v: tensor<?x?x?x40xf32>) -> (tensor<?x?x?x40xf32>, tensor<?x?x?xf32>) {
  %o, %l = attn.sdpa %q, %k, %v causal(bottom_right) returns(lse) : tensor<?x?x?x40xf32>, tensor<?x?x?x40xf32>, tensor<?x?x?x40xf32> -> tensor<?x?x?x40xf32>, tensor<?x?x?xf32>
  return %o, %l : tensor<?x?x?x40xf32>, tensor<?x?x?xf32>
}
func.func @f64(%q: tensor<?x2x?x?xf64>, %k: tensor<?x2x?x?xf64>, %v: tensor<?x2x?x?xf64>, %s: f64, %sinks: tensor<2xf64>) -> tensor<?x2x?x?xf64> {
  %o = attn.sdpa %q, %k, %v scale(%s) window(3, 2) sinks(%sinks : tensor<2xf64>) : tensor<?x2x?x?xf64>, tensor<?x2x?x?xf64>, tensor<?x2x?x?xf64> -> tensor<?x2x?x?xf64>
  return %o : tensor<?x2x?x?xf64>
}
func.func @half(%q: tensor<?x?x?x64xbf16>, %k: tensor<?x?x?x64xbf16>, %v: tensor<?x?x?x64xbf16>) -> tensor<?x?x?x64xbf16> {
  %c = arith.constant 20.0 : f32
  %o = attn.sdpa %q, %k, %v softcap(%c) causal(top_left) : tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16> -> tensor<?x?x?x64xbf16>
  return %o : tensor<?x?x?x64xbf16>
}
func.func @weights(%q: tensor<?x?x?x16xbf16>, %k: tensor<?x?x?x16xbf16>, %v: tensor<?x?x?x16xbf16>) -> (tensor<?x?x?x16xbf16>, tensor<?x?x?x?xf32>) {
  %o, %p = attn.sdpa %q, %k, %v returns(weights) : tensor<?x?x?x16xbf16>, tensor<?x?x?x16xbf16>, tensor<?x?x?x16xbf16> -> tensor<?x?x?x16xbf16>, tensor<?x?x?x?xf32>
  return %o, %p : tensor<?x?x?x16xbf16>, tensor<?x?x?x?xf32>
}
func.func @functions(%q: tensor<?x?x?x64xbf16>, %k: tensor<?x?x?x64xbf16>, %v: tensor<?x?x?x64xbf16>) -> tensor<?x?x?x64xbf16> {
  %o = attn.sdpa %q, %k, %v : tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16> -> tensor<?x?x?x64xbf16>
    score(%s, %b, %h, %m, %n) {
      %near = arith.cmpi sle, %n, %m : index
      %y = math.atan %s : f32
      %z = math.powf %y, %y : f32
      %finite = arith.cmpf ogt, %y, %z : f32
      %r = arith.select %finite, %z, %y : f32
      %e = arith.select %near, %r, %s : f32
      attn.yield %e : f32
    }
  return %o : tensor<?x?x?x64xbf16>
}
func.func @huge(%q: tensor<?x?x?x64xbf16>, %k: tensor<?x?x?x64xbf16>, %v: tensor<?x?x?x64xbf16>) -> tensor<?x?x?x64xbf16> {
  %o = attn.sdpa %q, %k, %v : tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16> -> tensor<?x?x?x64xbf16>
    mask(%b, %h, %m, %n) {
      %far = arith.constant 8589934592 : index
      %end = arith.subi %far, %n : index
      %past = arith.constant 8589934570 : index
      %keep = arith.cmpi sgt, %end, %past : index
      attn.yield %keep : i1
    }
  return %o : tensor<?x?x?x64xbf16>
}
func.func @block(%x: tensor<?x?x48xf32>, %w: tensor<48x48xf32>) -> tensor<?x?x48xf32> {
  %o = attn.mha %x weights(%w, %w, %w, %w) heads(3) kv_heads(3) causal(top_left) : tensor<?x?x48xf32>, tensor<48x48xf32>, tensor<48x48xf32>, tensor<48x48xf32>, tensor<48x48xf32> -> tensor<?x?x48xf32>
  return %o : tensor<?x?x48xf32>
}
func.func @none(%q: tensor<?x?x?x64xbf16>, %k: tensor<?x?x0x64xbf16>) -> tensor<?x?x?x64xbf16> {
  %o = attn.sdpa %q, %k, %k : tensor<?x?x?x64xbf16>, tensor<?x?x0x64xbf16>, tensor<?x?x0x64xbf16> -> tensor<?x?x?x64xbf16>
  return %o : tensor<?x?x?x64xbf16>
}
