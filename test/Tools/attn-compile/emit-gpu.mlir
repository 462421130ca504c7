// What attn-compile writes for GPUs: PTX text, an ELF, a bundle.

// RUN: attn-compile %s --emit=ptx --target=nvvm:sm_90a | FileCheck %s --check-prefix=PTX
// RUN: attn-compile %s --target=nvvm:sm_90a -o %t.cubin
// RUN: llvm-readelf -h %t.cubin | FileCheck %s --check-prefix=CUBIN
// RUN: attn-compile %s --target=nvvm:sm_90a -o %t.bundle
// RUN: %python %S/Inputs/read_bundle.py %t.bundle | FileCheck %s --check-prefix=BUNDLE

// REQUIRES: ptxas

// PTX: .target sm_90a
// PTX: .entry attention_attention_0
// PTX-NOT: st.local
// PTX-COUNT-16: wgmma.mma_async

// CUBIN: Machine: NVIDIA CUDA architecture

// BUNDLE: entry attention
// BUNDLE: kernel attention_attention_0 sm_90a threads 384 spills 0
// BUNDLE: grid [2, 4, 2] arguments
// BUNDLE-SAME: tensor_map
// BUNDLE: results {{\[\[}}2, 4, 129, 128], [2, 4, 129]]
// BUNDLE: does not fit the other arguments: expected equal to {{129, found 130|130, found 129}}
// BUNDLE: 5 damaged files refused
// BUNDLE: ok
func.func @attention(%q: tensor<?x?x?x128xbf16>, %k: tensor<?x?x?x128xbf16>, %v: tensor<?x?x?x128xbf16>)
    -> (tensor<?x?x?x128xbf16>, tensor<?x?x?xf32>) {
  %o, %l = attn.sdpa %q, %k, %v causal(bottom_right) returns(lse)
    : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16> -> tensor<?x?x?x128xbf16>, tensor<?x?x?xf32>
  return %o, %l : tensor<?x?x?x128xbf16>, tensor<?x?x?xf32>
}
