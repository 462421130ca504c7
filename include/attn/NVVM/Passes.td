//===- Passes.td - Passes of the room NVVM -----------------*- tablegen -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_NVVM_PASSES_TD
#define ATTN_NVVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def NVVMKernelsPass : Pass<"attn-nvvm-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn parallel attention tasks into kernels of fragments";
  let description = [{
    The `scf.forall` around each `attn.online_sdpa` and its `attn.finalize`
    becomes a kernel in the `frag` dialect, one thread block per task, and a
    `gpu.launch_func`. The kernel computes its key range again from its block
    number, copies through TMA what the plan says, and has the rules of score
    and mask as scalar code on every element.

    ```text
    scf.forall (%b, %h, %m) ... { %p = attn.online_sdpa ... ; attn.finalize %p ... }
    // becomes
    %q = frag.tensor_map %arg0 box [64, 64] : memref<?x?x?x128xbf16>
    gpu.launch_func @f_kernels::@f_attention_0 blocks in (%tiles, %heads, %batches) ...
    ```
    What stands around attention, or was planned for linalg, is the general way:
    each linalg op and each copy becomes a kernel `<function>_general_<n>`, in
    which a thread computes one element after the other.

    Reads: tasks on buffers, with a plan of room nvvm, and linalg on buffers.
    Declines, with an error: loops around attention, heads that are not
    contiguous, bodies of linalg with effects.
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_90a\"", "The kernels' chip">,
    Option<"features", "features", "std::string", "\"+ptx80\"", "The PTX version">
  ];
  let dependentDialects = [
    "::attn::AttnDialect", "::attn::frag::FragDialect", "::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def NVVMLowerFragmentsPass : Pass<"attn-nvvm-lower-fragments", "::mlir::ModuleOp"> {
  let summary = "Turn fragments into the numbers of one thread";
  let description = [{
    Accumulators, rows and left operands become f32 and i32 values, tiles and
    barriers byte offsets; products, copies and barriers become `nvvm` ops and
    the few forms of `llvm.inline_asm` that nvvm lacks.

    Reads: kernels in the `frag` dialect. Makes: no `frag` op is left in a
    `gpu.module`; each kernel uses dynamic shared memory alone.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def NVVMToLLVMPass : Pass<"attn-nvvm-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Convert what is left in kernels to the LLVM dialect";
  let description = [{
    An index is 32 bits wide. Elementary functions become `ex2.approx`,
    `lg2.approx` and arithmetic: no device library is linked.

    Makes: kernels in the llvm and nvvm dialects.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"
  ];
}

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
    In host functions `gpu.launch_func` becomes `attn_emu_launch`, after the
    buffers that it passes are registered, and `frag.tensor_map` becomes
    `attn_emu_encode_tensor_map`.

    Reads: kernels in the llvm and nvvm dialects, host functions on memrefs. Declines: an op, an intrinsic
    or an asm string that the emulator does not know is an error that names it.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

#endif // ATTN_NVVM_PASSES_TD
