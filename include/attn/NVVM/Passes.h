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

#include "attn/Dialect/Attn/IR/Attn.h"
#include "attn/Dialect/Frag/IR/Frag.h"
#include "attn/Support/TargetInfo.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace attn {

/// On an emulated kernel: bytes of its shared variables, beside the dynamic
/// part that a launch asks for (i32).
inline constexpr llvm::StringLiteral kEmulatedSharedAttr =
    "attn.emulated_shared";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "attn/NVVM/Passes.h.inc"

/// Appends the passes of the NVVM room, in order, for a resolved target. `pm`
/// is anchored on the module. Leaves kernels in the llvm and nvvm dialects and
/// host functions that launch them.
void buildNVVMPipeline(mlir::OpPassManager &pm, const TargetInfo &target);

/// The same for functions that call no others: without inlining, so that those
/// of an entry stay apart.
void buildNVVMKernelPipeline(mlir::OpPassManager &pm, const TargetInfo &target);

/// Registers `--attn-nvvm`.
void registerNVVMPipelines();

} // namespace attn

#endif // ATTN_NVVM_PASSES_H
