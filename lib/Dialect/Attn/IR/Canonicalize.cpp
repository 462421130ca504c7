//===- Canonicalize.cpp - Folds and local patterns of the attn ops
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// split_heads, merge_heads
//===----------------------------------------------------------------------===//

/// split_heads(merge_heads(x)) -> x
OpFoldResult SplitHeadsOp::fold(FoldAdaptor) {
  auto merge = getX().getDefiningOp<MergeHeadsOp>();
  if (!merge || merge.getX().getType() != getType() ||
      merge.getX().getType().getDimSize(1) != int64_t(getHeads()))
    return nullptr;
  return merge.getX();
}

/// merge_heads(split_heads(x)) -> x
OpFoldResult MergeHeadsOp::fold(FoldAdaptor) {
  auto split = getX().getDefiningOp<SplitHeadsOp>();
  if (!split || split.getX().getType() != getType())
    return nullptr;
  return split.getX();
}

//===----------------------------------------------------------------------===//
// Clauses of sdpa and mha
//===----------------------------------------------------------------------===//

namespace {
/// causal(%c0) -> causal(top_left)
template <typename OpTy>
struct NameConstantCausal : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.getCausalOffset() || !isConstantIntValue(op.getCausalOffset(), 0))
      return rewriter.notifyMatchFailure(op, "no constant offset of 0");
    rewriter.modifyOpInPlace(op, [&] {
      op.setCausal(Causal::TopLeft);
      op.getCausalOffsetMutable().clear();
    });
    return success();
  }
};

/// window(%c4, 0) -> window(4, 0)
template <typename OpTy>
struct FoldWindowConstants : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    std::optional<ArrayRef<int64_t>> window = op.getStaticWindow();
    if (!window || op.getWindow().empty())
      return rewriter.notifyMatchFailure(op, "no window of values");
    SmallVector<int64_t> sizes(*window);
    SmallVector<Value> left;
    auto next = op.getWindow().begin();
    for (int64_t &size : sizes) {
      if (!ShapedType::isDynamic(size))
        continue;
      Value value = *next++;
      std::optional<int64_t> constant = getConstantIntValue(value);
      if (constant && *constant >= -1)
        size = *constant;
      else
        left.push_back(value);
    }
    if (left.size() == op.getWindow().size())
      return rewriter.notifyMatchFailure(op, "no constant window size");
    rewriter.modifyOpInPlace(op, [&] {
      op.getWindowMutable().assign(left);
      op.setStaticWindow(sizes);
    });
    return success();
  }
};

/// window(-1, -1) keeps every key.
template <typename OpTy>
struct DropUnboundedWindow : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    std::optional<ArrayRef<int64_t>> window = op.getStaticWindow();
    if (!window || llvm::any_of(*window, [](int64_t s) { return s != -1; }))
      return rewriter.notifyMatchFailure(op, "no unbounded window");
    rewriter.modifyOpInPlace(op, [&] { op.removeStaticWindowAttr(); });
    return success();
  }
};

/// A score region that yields its score, a mask region that yields true.
template <typename OpTy>
struct DropTrivialRegions : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto yielded = [](Region &region) {
      return cast<YieldOp>(region.front().getTerminator()).getValue();
    };
    Region &score = op.getScore(), &mask = op.getMask();
    bool dropScore = !score.empty() && yielded(score) == score.getArgument(0);
    bool dropMask = !mask.empty() && matchPattern(yielded(mask), m_One());
    if (!dropScore && !dropMask)
      return rewriter.notifyMatchFailure(op, "the regions do something");
    rewriter.modifyOpInPlace(op, [&] {
      if (dropScore)
        rewriter.eraseBlock(&score.front());
      if (dropMask)
        rewriter.eraseBlock(&mask.front());
    });
    return success();
  }
};

/// Captures that neither region reads.
template <typename OpTy>
struct DropUnusedCaptures : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    // Arguments before the captures: (s,) b, h, m, n.
    auto isUsed = [&](unsigned capture) {
      Region &score = op.getScore(), &mask = op.getMask();
      return (!score.empty() && !score.getArgument(5 + capture).use_empty()) ||
             (!mask.empty() && !mask.getArgument(4 + capture).use_empty());
    };
    SmallVector<Value> captures;
    SmallVector<Attribute> maps;
    BitVector score(5), mask(4);
    for (auto [i, capture] : llvm::enumerate(op.getCaptures())) {
      bool used = isUsed(i);
      score.push_back(!used);
      mask.push_back(!used);
      if (!used)
        continue;
      captures.push_back(capture);
      maps.push_back(op.getCaptureMapsAttr()[i]);
    }
    if (captures.size() == op.getCaptures().size())
      return rewriter.notifyMatchFailure(op, "every capture is read");
    rewriter.modifyOpInPlace(op, [&] {
      op.getCapturesMutable().assign(captures);
      if (maps.empty())
        op.removeCaptureMapsAttr();
      else
        op.setCaptureMapsAttr(rewriter.getArrayAttr(maps));
      if (!op.getScore().empty())
        op.getScore().front().eraseArguments(score);
      if (!op.getMask().empty())
        op.getMask().front().eraseArguments(mask);
    });
    return success();
  }
};

/// layout(bhsd, bhsd, bhsd, bhsd) is the default.
template <typename OpTy>
struct DropIdentityLayouts : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    ArrayAttr layouts = op.getLayoutsAttr();
    if (!layouts ||
        !llvm::all_of(layouts.template getAsValueRange<AffineMapAttr>(),
                      [](AffineMap m) { return m.isIdentity(); }))
      return rewriter.notifyMatchFailure(op, "no layouts, or real ones");
    rewriter.modifyOpInPlace(op, [&] { op.removeLayoutsAttr(); });
    return success();
  }
};

/// An LSE that nobody reads is not computed.
struct DropUnreadMergeLse : OpRewritePattern<MergeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MergeOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getLse() || !op.getLse().use_empty())
      return rewriter.notifyMatchFailure(op, "no LSE, or one that is read");
    auto merge =
        MergeOp::create(rewriter, op.getLoc(), op.getOutput().getType(),
                        /*lse=*/Type(), op.getParts(), op.getPartLses(),
                        op.getSinks(), op.getLayoutsAttr());
    rewriter.replaceAllUsesWith(op.getOutput(), merge.getOutput());
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

template <typename OpTy>
static void addClausePatterns(RewritePatternSet &patterns,
                              MLIRContext *context) {
  patterns.add<NameConstantCausal<OpTy>, FoldWindowConstants<OpTy>,
               DropUnboundedWindow<OpTy>, DropTrivialRegions<OpTy>,
               DropUnusedCaptures<OpTy>>(context);
}

void MhaOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  addClausePatterns<MhaOp>(patterns, context);
}

void SdpaOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  addClausePatterns<SdpaOp>(patterns, context);
  patterns.add<DropIdentityLayouts<SdpaOp>>(context);
}

void GatherPagesOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                MLIRContext *context) {
  patterns.add<DropIdentityLayouts<GatherPagesOp>>(context);
}

void MergeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                          MLIRContext *context) {
  patterns.add<DropIdentityLayouts<MergeOp>, DropUnreadMergeLse>(context);
}
