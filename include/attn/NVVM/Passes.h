//===- Passes.h - The room NVVM ---------------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels for NVIDIA GPUs, and the same kernels for the emulator.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_NVVM_PASSES_H
#define ATTN_NVVM_PASSES_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {

/// On an emulated kernel: bytes of its shared variables, beside the dynamic
/// part that a launch asks for (i32).
inline constexpr llvm::StringLiteral kEmulatedSharedAttr =
    "attn.emulated_shared";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "attn/NVVM/Passes.h.inc"

} // namespace attn

#endif // ATTN_NVVM_PASSES_H
