//===- ShareProjections.cpp - The pass attn-split-heads-share-projections -===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Blocks that project the same memory by the same weights do so once, and once
// before a loop: upstream's elimination of common subexpressions and motion of
// loop-invariant code. Here is said what that saves.
//
//===----------------------------------------------------------------------===//

#include "attn/SplitHeads/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_SPLITHEADSSHAREPROJECTIONSPASS
#include "attn/SplitHeads/Passes.h.inc"
} // namespace attn

using namespace attn;

static constexpr auto kRemark =
    remark::RemarkOpts::name("ShareProjections").category("attn-split-heads");

/// A product of rows with a weight [O, K].
static linalg::GenericOp asProjection(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  bool isProduct = generic && linalg::isaContractionOpInterface(generic) &&
                   generic.getNumDpsInputs() == 2 && generic.getNumLoops() == 3;
  return isProduct ? generic : nullptr;
}

/// What one row of a projection costs.
static std::string costOfRow(linalg::GenericOp op) {
  auto weight = cast<RankedTensorType>(op.getDpsInputs()[1].getType());
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  if (!weight.hasStaticShape())
    return "the FLOP and bytes of a row";
  int64_t bytes = weight.getDimSize(0) * result.getElementTypeBitWidth() / 8;
  return (Twine(2 * weight.getNumElements()) + " FLOP and " + Twine(bytes) +
          " bytes a row")
      .str();
}

namespace {
/// Says of each projection that goes what that saves.
struct Listener : RewriterBase::Listener {
  explicit Listener(func::FuncOp func) {
    func.walk([this](linalg::GenericOp op) {
      if (asProjection(op) && !op->use_empty())
        costs[op] = costOfRow(op);
    });
  }

  // The body is gone by then.
  void notifyOperationErased(Operation *op) override {
    if (auto cost = costs.find(op); cost != costs.end())
      remark::passed(op->getLoc(), kRemark)
          << "another block has this projection: " + cost->second + " less";
  }

  llvm::DenseMap<Operation *, std::string> costs;
};

struct SplitHeadsShareProjectionsPass final
    : attn::impl::SplitHeadsShareProjectionsPassBase<
          SplitHeadsShareProjectionsPass> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    bool attends = func.walk([](SdpaOp) { return WalkResult::interrupt(); })
                       .wasInterrupted();
    if (!attends)
      return markAllAnalysesPreserved();
    func.walk([](LoopLikeOpInterface loop) { hoist(loop); });
    Listener listener(func);
    IRRewriter rewriter(&getContext(), &listener);
    DominanceInfo dominance(func);
    eliminateCommonSubExpressions(rewriter, dominance, func);
  }

private:
  static void hoist(LoopLikeOpInterface loop) {
    SmallVector<linalg::GenericOp> inside;
    for (Region *region : loop.getLoopRegions())
      region->walk([&](linalg::GenericOp op) {
        if (asProjection(op))
          inside.push_back(op);
      });
    moveLoopInvariantCode(loop);
    for (linalg::GenericOp op : inside)
      if (!loop->isProperAncestor(op))
        remark::passed(op.getLoc(), kRemark)
            << "projected once, before the loop: " + costOfRow(op) +
                   " less in each further turn";
  }
};
} // namespace
