//===- Lowerings.h - One function per op that Linalg converts ---*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_LINALG_LOWERINGS_H
#define ATTN_LIB_LINALG_LOWERINGS_H

#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/IR/PatternMatch.h"

namespace attn {

// Each replaces `op` by linalg on tensors, or reports why it cannot.
mlir::LogicalResult lowerToLinalg(mlir::RewriterBase &rewriter, SdpaOp op);
mlir::LogicalResult lowerToLinalg(mlir::RewriterBase &rewriter, RopeOp op);
mlir::LogicalResult lowerToLinalg(mlir::RewriterBase &rewriter, QkNormOp op);
mlir::LogicalResult lowerToLinalg(mlir::RewriterBase &rewriter,
                                  SplitHeadsOp op);
mlir::LogicalResult lowerToLinalg(mlir::RewriterBase &rewriter,
                                  MergeHeadsOp op);
mlir::LogicalResult lowerToLinalg(mlir::RewriterBase &rewriter, MergeOp op);
mlir::LogicalResult lowerToLinalg(mlir::RewriterBase &rewriter,
                                  GatherPagesOp op);

/// Replaces every attn.finalize of `op`, then `op`.
mlir::LogicalResult lowerToLinalg(mlir::RewriterBase &rewriter,
                                  OnlineSdpaOp op);

} // namespace attn

#endif // ATTN_LIB_LINALG_LOWERINGS_H
