//===- GpuCode.h - An entry as machine code for a GPU -----------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_GPUCODE_H
#define ATTN_EXECUTE_GPUCODE_H

#include "attn/Execute/Compiler.h"
#include "attn/Execute/Ptxas.h"

namespace attn {

/// One module of kernels.
struct GpuImage {
  Ptx ptx;
  Cubin cubin;
};

/// An entry as the NVVM room has left it, and its kernels assembled.
struct GpuCode {
  Compiler::Module module;
  Signature signature;
  std::vector<GpuImage> images; ///< one per gpu.module, in order
};

/// Compiles one entry of `module` for the chip of `options` with the assembler
/// at `ptxas`. A tensor-core kernel that would spill registers, or whose
/// products ptxas would make serial, is compiled again with the next smaller
/// tile, and where there is none goes the general way; each time
/// `compiler.takeWarnings()` says so. A general kernel that spills is a
/// warning. Where `ptxas` is empty there is PTX alone, and nobody judges it.
/// `module` stays as it is.
llvm::Expected<GpuCode> compileForGpu(Compiler &compiler, mlir::ModuleOp module,
                                      llvm::StringRef entry,
                                      const PipelineOptions &options,
                                      llvm::StringRef ptxas);

} // namespace attn

#endif // ATTN_EXECUTE_GPUCODE_H
