// Each way in which kernels cannot be made says why, with exit code 1.

// RUN: not attn-compile %s --emit=bundle 2>&1 | FileCheck %s --match-full-lines --check-prefix=CPU
// RUN: not attn-compile %s --emit=bundle --target=nvvm:sm_70 2>&1 | FileCheck %s --match-full-lines --check-prefix=SM70
// RUN: not attn-compile %s --emit=bundle --target=nvvm:sm_999 2>&1 | FileCheck %s --match-full-lines --check-prefix=SM999
// RUN: not attn-compile %s --target=nvvm:sm_90a --emit=bundle --entry=missing 2>&1 | FileCheck %s --match-full-lines --check-prefix=ENTRY
// RUN: not attn-compile %s --target=nvvm:sm_90a -o %t.none/x.ptx 2>&1 | FileCheck %s --match-full-lines --check-prefix=OUT
// RUN: not env ATTN_MLIR_PTXAS=%t.none attn-compile %s --target=nvvm:sm_90a --emit=bundle 2>&1 | FileCheck %s --match-full-lines --check-prefix=NONE

// RUN: not env FAKE_PTXAS=arch ATTN_MLIR_PTXAS=%S/Inputs/fake-ptxas.sh attn-compile %s --target=nvvm:sm_90a --emit=bundle 2>&1 | FileCheck %s --match-full-lines --check-prefix=ARCH
// RUN: not env FAKE_PTXAS=old ATTN_MLIR_PTXAS=%S/Inputs/fake-ptxas.sh attn-compile %s --target=nvvm:sm_90a --emit=bundle 2>&1 | FileCheck %s --match-full-lines --check-prefix=OLD
// RUN: not env FAKE_PTXAS=broken ATTN_MLIR_PTXAS=%S/Inputs/fake-ptxas.sh attn-compile %s --target=nvvm:sm_90a --emit=bundle 2>&1 | FileCheck %s --match-full-lines --check-prefix=BROKEN
// RUN: not env FAKE_PTXAS=silent ATTN_MLIR_PTXAS=%S/Inputs/fake-ptxas.sh attn-compile %s --target=nvvm:sm_90a --emit=bundle 2>&1 | FileCheck %s --match-full-lines --check-prefix=SILENT
// RUN: not attn-compile %s --target=nvvm:sm_90a --emit=ptx --name=g 2>&1 | FileCheck %s --match-full-lines --check-prefix=NAME
// RUN: not attn-compile %s --target=nvvm:sm_90a --emit=cubin --stop-after=fuse 2>&1 | FileCheck %s --match-full-lines --check-prefix=STOP

// CPU: error: target 'cpu': --emit=ptx, cubin and bundle expect nvvm:<chip>
// NAME: error: --name=g: kernels have the name of the entry
// STOP: error: --stop-after gives a module: expected --emit=mlir, but found cubin
// SM70: error: unknown target 'nvvm:sm_70': expected one of sm_80, sm_86, sm_87, sm_89, sm_90, sm_90a, but got 'sm_70'
// SM999: error: unknown target 'nvvm:sm_999': expected one of sm_80, sm_86, sm_87, sm_89, sm_90, sm_90a, but got 'sm_999'
// ENTRY: error: no entry 'missing': expected one of: attention
// OUT: error: {{[^ ]+}}.none/x.ptx: No such file or directory
// NONE: error: ATTN_MLIR_PTXAS names '{{[^ ]+}}.none', which is no program
// ARCH: error: ptxas ({{[^ ]+}}fake-ptxas.sh) does not know 'sm_90a': expected a CUDA toolkit that supports it
// OLD: error: ptxas ({{[^ ]+}}fake-ptxas.sh) is too old for the PTX of 'sm_90a': expected that of CUDA 13 or newer
// BROKEN: error: ptxas ({{[^ ]+}}fake-ptxas.sh) failed: ptxas x.ptx, line 9; error   : Unknown symbol 'a'
// SILENT: error: ptxas ({{[^ ]+}}fake-ptxas.sh) failed: it said nothing
func.func @attention(%q: tensor<?x?x?x128xbf16>, %k: tensor<?x?x?x128xbf16>, %v: tensor<?x?x?x128xbf16>) -> tensor<?x?x?x128xbf16> {
  %o = attn.sdpa %q, %k, %v : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16> -> tensor<?x?x?x128xbf16>
  return %o : tensor<?x?x?x128xbf16>
}
