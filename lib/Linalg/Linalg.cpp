//===- Linalg.cpp - The Linalg room: which ops, in which order ------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Lowerings.h"
#include "attn/Linalg/Passes.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_LINALGPASS
#include "attn/Linalg/Passes.h.inc"
} // namespace attn

using namespace attn;

/// An op without a plan is nobody else's: it becomes the general way.
template <typename OpTy>
static bool isGivenToLinalg(OpTy op) {
  return !op.getPlan() || op.getPlan()->getRoom() == Room::Linalg;
}

/// The unfused form costs memory that grows with M * N.
static void remarkScores(SdpaOp op) {
  auto query = cast<RankedTensorType>(op.getQuery().getType());
  auto key = cast<RankedTensorType>(op.getKey().getType());
  SmallVector<int64_t> shape;
  for (unsigned d : {0u, 1u, 2u})
    shape.push_back(getLogicalDim(query, op.getQueryLayout(), d));
  shape.push_back(getLogicalDim(key, op.getKeyLayout(), 2));
  std::string text = "unfused: the scores stand in memory, ";
  llvm::raw_string_ostream(text)
      << RankedTensorType::get(shape, op.getAccumulatorType());
  remark::analysis(op.getLoc(),
                   remark::RemarkOpts::name("Scores").category("attn-linalg"))
      << text;
}

static LogicalResult lower(RewriterBase &rewriter, Operation *op, bool all) {
  rewriter.setInsertionPoint(op);
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<SdpaOp, OnlineSdpaOp>([&](auto typed) {
        if (!all && !isGivenToLinalg(typed))
          return success();
        if (auto sdpa = dyn_cast<SdpaOp>(op))
          remarkScores(sdpa);
        return lowerToLinalg(rewriter, typed);
      })
      .Case<RopeOp, QkNormOp, SplitHeadsOp, MergeHeadsOp>(
          [&](auto typed) { return lowerToLinalg(rewriter, typed); })
      .Case([&](MhaOp mha) {
        if (!all)
          return success();
        return LogicalResult(
            mha.emitOpError("expects blocks to be split before attn-linalg: "
                            "run attn-split-heads first"));
      })
      .Default(success());
}

namespace {
struct LinalgPass final : attn::impl::LinalgPassBase<LinalgPass> {
  using LinalgPassBase::LinalgPassBase;

  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa_and_nonnull<AttnDialect>(op->getDialect()) &&
          !isa<FinalizeOp, YieldOp>(op))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : ops)
      if (failed(lower(rewriter, op, all)))
        return signalPassFailure();
  }
};
} // namespace

void attn::buildLinalgPipeline(OpPassManager &pm, bool all) {
  LinalgPassOptions options;
  options.all = all;
  pm.addNestedPass<func::FuncOp>(createLinalgPass(options));
}
