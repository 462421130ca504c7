//===- HeadsReport.h - What each head of a run was worth --------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-run --heads-report: the numbers of docs/heads.md for every attn.mha of
// an entry, from the values that a run brings to it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_HEADSREPORT_H
#define ATTN_TOOLS_ATTN_RUN_HEADSREPORT_H

#include "Check.h"
#include "HeadKinds.h"

#include "attn/Reference/Blocks.h"

namespace attn {

/// Another head, -1 where there is none, and how alike it is.
struct Alike {
  int64_t head = -1;
  double similarity = 0;
};

/// One head of a block.
struct HeadLine {
  HeadNumbers numbers;
  Alike looks, writes;
  double contribution = 0, drop = 0;
};

/// Every head of `block`, whose weights and heads `result` holds. Counted are
/// queries that keep a key; without a context, of tokens that some query keeps.
/// Empty when there is no such query, or a weight is not finite.
std::vector<HeadLine> readHeads(const reference::Block &block, bool hasContext,
                                const reference::BlockResult &result);

/// The report of every attn.mha of `entry`, as checkEntry takes it. Fails when
/// there is none, or a rule cannot be interpreted.
llvm::Error reportHeads(llvm::raw_ostream &os, mlir::func::FuncOp entry,
                        llvm::ArrayRef<Tensor> inputs,
                        llvm::ArrayRef<Tensor> outputs, RunEntry run);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_HEADSREPORT_H
