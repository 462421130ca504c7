//===- Passes.h - The room Optimize -----------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whole blocks are rewritten while they still are blocks.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_OPTIMIZE_PASSES_H
#define ATTN_OPTIMIZE_PASSES_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <optional>

namespace attn {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "attn/Optimize/Passes.h.inc"

/// The room as a part of a whole way: what it finds by itself. `without` lists
/// passes to leave out, by the words behind `attn-optimize-`.
void buildOptimizePipeline(mlir::OpPassManager &pm,
                           llvm::ArrayRef<std::string> without = {});

/// The words that `without` may hold, in the order of the passes.
llvm::ArrayRef<llvm::StringLiteral> optimizePassWords();

/// Registers `--attn-optimize{prune=... merge=... function=... without=...}`.
void registerOptimizePipeline();

} // namespace attn

#endif // ATTN_OPTIMIZE_PASSES_H
