// Each way in which kernels cannot be made says why, with exit code 1.

// RUN: not attn-compile %s --emit=bundle 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not attn-compile %s --emit=bundle --target=nvvm:sm_70 2>&1 | FileCheck %s --check-prefix=SM70
// RUN: not attn-compile %s --emit=bundle --target=nvvm:sm_999 2>&1 | FileCheck %s --check-prefix=SM999
// RUN: not attn-compile %s --target=nvvm:sm_90a --emit=bundle --entry=missing 2>&1 | FileCheck %s --check-prefix=ENTRY
// RUN: not attn-compile %s --target=nvvm:sm_90a -o %t.none/x.ptx 2>&1 | FileCheck %s --check-prefix=OUT
// RUN: not env ATTN_MLIR_PTXAS=%t.none attn-compile %s --target=nvvm:sm_90a --emit=bundle 2>&1 | FileCheck %s --check-prefix=NONE

// RUN: not env FAKE_PTXAS=spills ATTN_MLIR_PTXAS=%S/Inputs/fake-ptxas.sh attn-compile %s --target=nvvm:sm_90a --emit=bundle 2>&1 | FileCheck %s --check-prefix=SPILLS
// RUN: not env FAKE_PTXAS=serial ATTN_MLIR_PTXAS=%S/Inputs/fake-ptxas.sh attn-compile %s --target=nvvm:sm_90a --emit=bundle 2>&1 | FileCheck %s --check-prefix=SERIAL
// RUN: not env FAKE_PTXAS=arch ATTN_MLIR_PTXAS=%S/Inputs/fake-ptxas.sh attn-compile %s --target=nvvm:sm_90a --emit=bundle 2>&1 | FileCheck %s --check-prefix=ARCH
// RUN: not env FAKE_PTXAS=old ATTN_MLIR_PTXAS=%S/Inputs/fake-ptxas.sh attn-compile %s --target=nvvm:sm_90a --emit=bundle 2>&1 | FileCheck %s --check-prefix=OLD
// RUN: not env FAKE_PTXAS=broken ATTN_MLIR_PTXAS=%S/Inputs/fake-ptxas.sh attn-compile %s --target=nvvm:sm_90a --emit=bundle 2>&1 | FileCheck %s --check-prefix=BROKEN
// RUN: not env FAKE_PTXAS=silent ATTN_MLIR_PTXAS=%S/Inputs/fake-ptxas.sh attn-compile %s --target=nvvm:sm_90a --emit=bundle 2>&1 | FileCheck %s --check-prefix=SILENT
// RUN: not attn-compile %s --target=nvvm:sm_90a --emit=ptx --name=g 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not attn-compile %s --target=nvvm:sm_90a --emit=cubin --stop-after=fuse 2>&1 | FileCheck %s --check-prefix=STOP

// CPU: error: target 'cpu': --emit=ptx, cubin and bundle expect nvvm:<chip>
// NAME: error: --name=g: kernels have the name of the entry
// STOP: error: --stop-after gives a module: expected --emit=mlir, but found cubin
// SM70: error: {{.*}}sm_70
// SM999: error: {{.*}}sm_999
// ENTRY: error: {{.*}}missing
// OUT: x.ptx: No such file or directory
// NONE: error: ATTN_MLIR_PTXAS names '{{.*}}.none', which is no program
// SPILLS: error: kernel 'attention_attention_0' does not fit in 168 registers: ptxas spills 48 bytes and reloads 52; use a smaller tile of keys
// SERIAL: error: ptxas would slow the kernel down: (C7510) {{.*}}serialized{{.*}}; use a smaller tile of keys
// ARCH: error: ptxas ({{.*}}) does not know 'sm_90a': expected a CUDA toolkit that supports it
// OLD: error: ptxas ({{.*}}) is too old for the PTX of 'sm_90a': expected that of CUDA 13 or newer
// BROKEN: error: ptxas ({{.*}}) failed: {{.*}}Unknown symbol 'a'
// SILENT: error: ptxas ({{.*}}) failed: it said nothing
func.func @attention(%q: tensor<?x?x?x128xbf16>, %k: tensor<?x?x?x128xbf16>, %v: tensor<?x?x?x128xbf16>) -> tensor<?x?x?x128xbf16> {
  %o = attn.sdpa %q, %k, %v : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16> -> tensor<?x?x?x128xbf16>
  return %o : tensor<?x?x?x128xbf16>
}
