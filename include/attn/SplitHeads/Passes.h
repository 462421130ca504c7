//===- Passes.h - From whole blocks to attn.sdpa
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_SPLITHEADS_PASSES_H
#define ATTN_SPLITHEADS_PASSES_H

#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace attn {

#define GEN_PASS_DECL
#include "attn/SplitHeads/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "attn/SplitHeads/Passes.h.inc"

/// Replaces `op` by projections and an attn.sdpa; cannot fail on verified IR.
void splitMha(mlir::RewriterBase &rewriter, MhaOp op);

/// split_heads and merge_heads to reshapes and transposes; transposes around
/// attn.sdpa, attn.rope and attn.qk_norm into layout maps.
void populateFoldHeadMovesPatterns(mlir::RewritePatternSet &patterns);

/// The room as a pipeline on modules. `without` lists passes to leave out, by
/// the words behind `attn-split-heads-`.
void buildSplitHeadsPipeline(mlir::OpPassManager &pm,
                             llvm::ArrayRef<std::string> without = {});

/// The words that `without` may hold.
llvm::ArrayRef<llvm::StringLiteral> splitHeadsPassWords();

} // namespace attn

#endif // ATTN_SPLITHEADS_PASSES_H
