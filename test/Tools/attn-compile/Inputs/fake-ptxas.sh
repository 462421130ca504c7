#!/bin/bash
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Says what ptxas says in the case named by FAKE_PTXAS; writes a file that is no machine code.
# With FAKE_PTXAS_TILE, the fault is in kernels whose products have so many columns, not in others.
for word in "$@"; do [[ $word == *.ptx ]] && input=$word; done
is_faulty() { grep -q "wgmma.*m64n${FAKE_PTXAS_TILE:-}" "$input"; }
report() {
  grep -o '^.visible .entry [a-z_0-9]*' "$input" | while read -r _ _ kernel; do
    echo "ptxas info    : Compiling entry function '$kernel' for 'sm_90a'"
    echo "ptxas info    : Function properties for $kernel"
    echo "    $1 bytes stack frame, $2 bytes spill stores, $3 bytes spill loads"
    echo "ptxas info    : Used 168 registers, used 16 barriers"
  done
}
echo code > "${@: -1}"
case $FAKE_PTXAS in
  spills) if is_faulty; then report 64 48 52; else report 0 0 0; fi ;;
  serial)
    report 0 0 0
    is_faulty && echo "ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized due to insufficient register resources for the wgmma pipeline in the function 'attention_attention_0'"
    ;;
  arch) echo "ptxas fatal   : Value 'sm_90a' is not defined for option 'gpu-name'"; exit 255 ;;
  old) echo "ptxas x.ptx, line 5; fatal   : Unsupported .version 8.0; current version is '7.4'"; exit 255 ;;
  broken) echo "ptxas x.ptx, line 9; error   : Unknown symbol 'a'"; exit 255 ;;
  silent) ;;
esac
exit 0
