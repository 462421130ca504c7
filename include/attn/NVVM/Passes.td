//===- Passes.td - Passes of the room NVVM -----------------*- tablegen -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_NVVM_PASSES_TD
#define ATTN_NVVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def NVVMToEmulationPass : Pass<"attn-nvvm-to-emulation", "::mlir::ModuleOp"> {
  let summary = "Turn GPU kernels into host functions for the emulator";
  let description = [{
    Every `llvm.func` of a `gpu.module` becomes a host function in the LLVM
    dialect, so that the very kernel that goes to PTX can run without a GPU:
    `nvvm` ops and the known forms of `llvm.inline_asm` become calls of
    `attn_emu_*` (`attn/Emulator/Abi.h`), each with a string that says which op
    of which source line it stands for. Address spaces are flattened; a shared
    address becomes its 32-bit offset, and each load and store of shared or
    global memory asks the emulator for the address first, which is where it is
    checked.

    ```text
    %0 = nvvm.read.ptx.sreg.tid.x : i32
    %1 = llvm.load %p : !llvm.ptr<3> -> f32
    // becomes
    %0 = llvm.call @attn_emu_read_ptx_sreg_tid_x() : () -> i32
    %a = llvm.call @attn_emu_shared_address(%p, %c4, %c4, %read, %site)
    %1 = llvm.load %a : !llvm.ptr -> f32
    ```
    Reads: kernels in the llvm and nvvm dialects. Declines: an op, an intrinsic
    or an asm string that the emulator does not know is an error that names it.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // ATTN_NVVM_PASSES_TD
