//===- Passes.h - The room Fuse ---------------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Variants become regions, and every attention gets its plan.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_FUSE_PASSES_H
#define ATTN_FUSE_PASSES_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "attn/Fuse/Passes.h.inc"

/// The room: variants, then plan. `target` is `linalg` or `cpu:<name>`.
void buildFusePipeline(mlir::OpPassManager &pm, llvm::StringRef target);

/// Registers `--attn-fuse{target=...}`.
void registerFusePipeline();

} // namespace attn

#endif // ATTN_FUSE_PASSES_H
