//===- SplitHeads.cpp - The pass attn-split-heads
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Blocks are split first and head moves folded after, so that heads split by
// hand beside a block and those of the block itself take the same way.
//
//===----------------------------------------------------------------------===//

#include "attn/SplitHeads/Passes.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_SPLITHEADSPASS
#include "attn/SplitHeads/Passes.h.inc"
} // namespace attn

using namespace attn;

static constexpr auto kRemark =
    remark::RemarkOpts::name("HeadMove").category("attn-split-heads");

static bool readsThroughLayout(Operation *op) {
  return isa<SdpaOp, RopeOp, QkNormOp>(op);
}

/// Says why a transpose of heads is still a copy. Run after the patterns, so
/// that each is said once.
static void reportCopies(func::FuncOp func) {
  func.walk([](linalg::TransposeOp op) {
    if (!op.hasPureTensorSemantics() || op.getPermutation().size() != 4)
      return;
    auto sdpa = op.getInput().getDefiningOp<SdpaOp>();
    if (sdpa && op.getInput() == sdpa.getOutput())
      remark::missed(op.getLoc(), kRemark) << remark::reason(
          "the output of attn.sdpa has other uses than this transpose");
    else if (llvm::any_of(op->getUsers(), readsThroughLayout))
      remark::missed(op.getLoc(), kRemark) << remark::reason(
          "the transposed heads have other uses than attention");
  });
}

namespace {
struct SplitHeadsPass final : attn::impl::SplitHeadsPassBase<SplitHeadsPass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](MhaOp op) {
      remark::passed(op.getLoc(), remark::RemarkOpts::name("Mha").category(
                                      "attn-split-heads"))
          << "split into projections and attn.sdpa";
      rewriter.setInsertionPoint(op);
      splitMha(rewriter, op);
    });
    RewritePatternSet patterns(&getContext());
    populateFoldHeadMovesPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    reportCopies(getOperation());
  }
};
} // namespace

ArrayRef<llvm::StringLiteral> attn::splitHeadsPassWords() {
  static constexpr llvm::StringLiteral words[] = {"share-projections"};
  return words;
}

void attn::buildSplitHeadsPipeline(OpPassManager &pm,
                                   ArrayRef<std::string> without) {
  pm.addNestedPass<func::FuncOp>(createSplitHeadsPass());
  // Only now is a projection an op of its own.
  if (!llvm::is_contained(without, "share-projections"))
    pm.addNestedPass<func::FuncOp>(createSplitHeadsShareProjectionsPass());
}
