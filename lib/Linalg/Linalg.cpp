//===- Linalg.cpp - The Linalg room: which ops, in which order ------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Lowerings.h"
#include "attn/Linalg/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
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
      .Case<RopeOp, QkNormOp, SplitHeadsOp, MergeHeadsOp, MergeOp,
            GatherPagesOp>(
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

/// Elementwise ops on tensors and linalg.softmax, which foreign graphs bring
/// and which do not bufferize, as linalg.generic.
static bool isForeign(Operation *op) {
  if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op))
    return softmax.hasPureTensorSemantics();
  return OpTrait::hasElementwiseMappableTraits(op) &&
         llvm::any_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>);
}

static LogicalResult lowerForeign(RewriterBase &rewriter,
                                  ArrayRef<Operation *> ops) {
  SmallVector<Operation *> elementwise;
  for (Operation *op : ops) {
    auto softmax = dyn_cast<linalg::SoftmaxOp>(op);
    if (!softmax) {
      elementwise.push_back(op);
      continue;
    }
    rewriter.setInsertionPoint(op);
    FailureOr<SmallVector<Value>> parts = softmax.decomposeOperation(rewriter);
    if (failed(parts))
      return softmax.emitOpError("cannot be decomposed");
    rewriter.replaceOp(op, *parts);
  }
  RewritePatternSet patterns(rewriter.getContext());
  linalg::populateElementwiseToLinalgConversionPatterns(patterns);
  return applyOpPatternsGreedily(elementwise, std::move(patterns));
}

namespace {
struct LinalgPass final : attn::impl::LinalgPassBase<LinalgPass> {
  using LinalgPassBase::LinalgPassBase;

  void runOnOperation() override {
    SmallVector<Operation *> ops, foreign;
    getOperation().walk([&](Operation *op) {
      if (isForeign(op))
        foreign.push_back(op);
      if (isa_and_nonnull<AttnDialect>(op->getDialect()) &&
          !isa<FinalizeOp, YieldOp>(op))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : ops)
      if (failed(lower(rewriter, op, all)))
        return signalPassFailure();
    if (!foreign.empty() && failed(lowerForeign(rewriter, foreign)))
      signalPassFailure();
  }
};
} // namespace

void attn::buildLinalgPipeline(OpPassManager &pm, bool all) {
  LinalgPassOptions options;
  options.all = all;
  pm.addNestedPass<func::FuncOp>(createLinalgPass(options));
}
