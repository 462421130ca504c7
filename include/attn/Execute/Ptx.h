//===- Ptx.h - From a kernel module to PTX text -----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM's code generator for NVIDIA GPUs, in this process.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_PTX_H
#define ATTN_EXECUTE_PTX_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/Support/Error.h"

#include <string>

namespace attn {

/// The text of one `gpu.module`.
struct Ptx {
  std::string module; ///< the symbol of the gpu.module
  std::string chip;   ///< `sm_90a`
  std::string text;
};

/// Accepts the chips that LLVM knows from sm_80 on: older ones have neither the
/// bf16 tensor cores nor the asynchronous copies that the kernels are made of.
llvm::Error checkChip(llvm::StringRef chip);

/// Compiles `module`, whose kernels are llvm.func of the llvm and nvvm dialects
/// and which has one `#nvvm.target`. Fails when a kernel calls a function that
/// has no body: nothing is linked later. `module` is left as it was.
llvm::Expected<Ptx> emitPtx(mlir::gpu::GPUModuleOp module);

} // namespace attn

#endif // ATTN_EXECUTE_PTX_H
