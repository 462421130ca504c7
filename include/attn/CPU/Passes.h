//===- Passes.h - The passes of the CPU room --------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From tensors with tile-level attn ops and linalg to the LLVM dialect.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CPU_PASSES_H
#define ATTN_CPU_PASSES_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "attn/Support/TargetInfo.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace attn {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "attn/CPU/Passes.h.inc"

/// Appends the passes of the CPU room, in order, for a resolved target. `pm` is
/// anchored on the module.
void buildCPUPipeline(mlir::OpPassManager &pm, const TargetInfo &target);

/// @{ The ends of the CPU room, for host code around another room's kernels:
/// the entry ABI, on tensors and without canonicalization, and the way from
/// memrefs to the LLVM dialect, with buffers placed in the workspace.
void buildCPUEntryPipeline(mlir::OpPassManager &pm);
void buildCPUHostPipeline(mlir::OpPassManager &pm);
/// @}

/// Registers `--attn-cpu`.
void registerCPUPipelines();
} // namespace attn

#endif // ATTN_CPU_PASSES_H
