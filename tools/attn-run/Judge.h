//===- Judge.h - One attn op against the reference ------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_JUDGE_H
#define ATTN_TOOLS_ATTN_RUN_JUDGE_H

#include "Check.h"
#include "Rules.h"

namespace attn {

/// Judges the results of `op` on the values of its operands; one judgement per
/// result goes to `judged`, with `name` for the op. Fails when the op cannot be
/// judged.
/// Where the inputs' type is one of `narrowWeights`, P enters P V in it, as
/// tensor cores and products of bf16 take it, and the bound says so.
llvm::Error judgeOp(mlir::Operation *op, llvm::StringRef name, FindValue find,
                    llvm::ArrayRef<reference::Dtype> narrowWeights,
                    std::vector<Judgement> &judged);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_JUDGE_H
