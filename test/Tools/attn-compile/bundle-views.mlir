// Buffers of a launch in any order in memory: heads behind rows, K and V as halves of one buffer. Sizes, strides and offsets are those of
// the arguments, in bytes for tensor maps and in elements for pointers.

// REQUIRES: ptxas
// RUN: attn-compile %s --entry=bshd --target=nvvm:sm_90a -o %t.bundle
// RUN: %python %S/Inputs/read_bundle.py %t.bundle | FileCheck %s --check-prefix=BSHD
// BSHD: {'argument': 1, 'box': [64, 128, 1, 1], 'dtype': 'bf16', 'sizes': [64, ['size', 1, 1], 2, ['size', 1, 0]], 'strides': [256, 128, ['mul', ['mul', 128, ['size', 1, 1]], 2]], 'swizzle': 128}
// RUN: attn-compile %s --entry=halves --target=nvvm:sm_90a -o %t.bundle
// RUN: %python %S/Inputs/read_bundle.py %t.bundle | FileCheck %s --check-prefix=HALVES
// HALVES: 'argument': 1, 'box': [64, 128, 1, 1], 'dtype': 'bf16', 'offset': 128,
// HALVES-SAME: {'i64': ['mul', 128, ['size', 1, 2]]}, {'pointer': {'argument': 1, 'offset': 128}}
func.func @bshd(%q: tensor<?x?x2x64xbf16>, %k: tensor<?x?x2x64xbf16>) -> tensor<?x?x2x64xbf16> {
  %o = attn.sdpa %q, %k, %k layout(bshd, bshd, bshd, bshd) causal(top_left) : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16> -> tensor<?x?x2x64xbf16>
  return %o : tensor<?x?x2x64xbf16>
}
func.func @halves(%q: tensor<?x2x?x64xbf16>, %kv: tensor<?x2x?x128xbf16>) -> tensor<?x2x?x64xbf16> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %kv, %c0 : tensor<?x2x?x128xbf16>
  %n = tensor.dim %kv, %c2 : tensor<?x2x?x128xbf16>
  %k = tensor.extract_slice %kv[0, 0, 0, 0] [%b, 2, %n, 64] [1, 1, 1, 1] : tensor<?x2x?x128xbf16> to tensor<?x2x?x64xbf16>
  %v = tensor.extract_slice %kv[0, 0, 0, 64] [%b, 2, %n, 64] [1, 1, 1, 1] : tensor<?x2x?x128xbf16> to tensor<?x2x?x64xbf16>
  %o = attn.sdpa %q, %k, %v causal(top_left) : tensor<?x2x?x64xbf16>, tensor<?x2x?x64xbf16>, tensor<?x2x?x64xbf16> -> tensor<?x2x?x64xbf16>
  return %o : tensor<?x2x?x64xbf16>
}
