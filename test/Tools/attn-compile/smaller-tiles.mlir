// A kernel that does not fit in registers gets smaller tiles, and the compiler says so; the last way out is the general one.

// RUN: env FAKE_PTXAS=spills FAKE_PTXAS_TILE=176 ATTN_MLIR_PTXAS=%S/Inputs/fake-ptxas.sh attn-compile %s --target=nvvm:sm_90a -o %t.bundle 2> %t.txt
// RUN: FileCheck %s --match-full-lines --check-prefix=ONE --input-file=%t.txt
// RUN: %python %S/Inputs/read_bundle.py %t.bundle | FileCheck %s --check-prefix=SMALLER
// ONE: {{[^ ]+}}smaller-tiles.mlir:[[#@LINE+29]]:8: warning: 'attn.sdpa' spills 48 bytes in 168 registers with tiles of 128 x 176: takes 128 x 128
// ONE-NOT: warning
// SMALLER: kernel attention_attention_0 sm_90a threads 384 spills 0
// SMALLER: 'box': [64, 128, 1, 1]

// RUN: env FAKE_PTXAS=serial FAKE_PTXAS_TILE=176 ATTN_MLIR_PTXAS=%S/Inputs/fake-ptxas.sh attn-compile %s --target=nvvm:sm_90a -o %t.cubin 2> %t.txt
// RUN: FileCheck %s --match-full-lines --check-prefix=SERIAL --input-file=%t.txt
// SERIAL: {{[^ ]+}}smaller-tiles.mlir:[[#@LINE+22]]:8: warning: 'attn.sdpa' would be slowed down by ptxas with tiles of 128 x 176: takes 128 x 128
// SERIAL-NEXT: (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized due to insufficient register resources for the wgmma pipeline in the function 'attention_attention_0'

// RUN: env FAKE_PTXAS=spills ATTN_MLIR_PTXAS=%S/Inputs/fake-ptxas.sh attn-compile %s --target=nvvm:sm_90a -o %t.bundle 2> %t.txt
// RUN: FileCheck %s --check-prefix=ALL --input-file=%t.txt
// RUN: %python %S/Inputs/read_bundle.py %t.bundle | FileCheck %s --check-prefix=GENERAL
// ALL: with tiles of 128 x 176: takes 128 x 128
// ALL-NEXT: with tiles of 128 x 128: takes 128 x 112
// ALL-NEXT: with tiles of 128 x 112: takes 128 x 96
// ALL-NEXT: with tiles of 128 x 96: takes 128 x 80
// ALL-NEXT: with tiles of 128 x 80: takes 128 x 64
// ALL-NEXT: with tiles of 128 x 64: takes 128 x 48
// ALL-NEXT: with tiles of 128 x 48: takes 128 x 32
// ALL-NEXT: with tiles of 128 x 32: takes 128 x 16
// ALL-NEXT: with tiles of 128 x 16: takes the general way
// ALL-NOT: warning
// GENERAL: kernel attention_general_0 sm_90a threads 256 spills 0

// Without an assembler there is PTX that nobody has judged.
// RUN: env ATTN_MLIR_PTXAS=%t.none attn-compile %s --target=nvvm:sm_90a -o %t.ptx 2>&1 | FileCheck %s --check-prefix=NOBODY
// NOBODY: warning: nobody says whether the kernels fit in registers: ATTN_MLIR_PTXAS names '{{[^ ]+}}.none', which is no program
func.func @attention(%q: tensor<?x?x?x128xbf16>, %k: tensor<?x?x?x128xbf16>, %v: tensor<?x?x?x128xbf16>) -> tensor<?x?x?x128xbf16> {
  %o = attn.sdpa %q, %k, %v : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16> -> tensor<?x?x?x128xbf16>
  return %o : tensor<?x?x?x128xbf16>
}
