//===- FoldHeadMoves.cpp - Moves of heads become layout maps
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A transpose of heads that is left in the IR bufferizes to a copy of Q, K, V
// or O. Everything that reads heads can read them in any order through its
// layout map, so transposes next to such ops are folded into the maps, and
// transposes before rope and norms are pushed behind them.
//
//===----------------------------------------------------------------------===//

#include "attn/SplitHeads/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Layout arithmetic
//===----------------------------------------------------------------------===//

// result(i) of a layout is the logical dimension kept at memory position i;
// dimension i of transpose(x, p) is dimension p[i] of x.

/// The layout of x where that of transpose(x, permutation) is `layout`.
static AffineMap layoutBefore(AffineMap layout, ArrayRef<int64_t> permutation) {
  SmallVector<AffineExpr> results(4);
  for (auto [i, from] : llvm::enumerate(permutation))
    results[from] = layout.getResult(i);
  return AffineMap::get(4, 0, results, layout.getContext());
}

/// The layout of transpose(x, permutation) where that of x is `layout`.
static AffineMap layoutAfter(AffineMap layout, ArrayRef<int64_t> permutation) {
  SmallVector<AffineExpr> results;
  for (int64_t from : permutation)
    results.push_back(layout.getResult(from));
  return AffineMap::get(4, 0, results, layout.getContext());
}

/// The transpose of heads that makes `value`, also behind a cast: layout maps
/// ask for no more static sizes than there are.
static linalg::TransposeOp headTranspose(Value value) {
  if (auto cast = value.getDefiningOp<tensor::CastOp>())
    value = cast.getSource();
  auto op = value.getDefiningOp<linalg::TransposeOp>();
  if (!op || !op.hasPureTensorSemantics() || op.getPermutation().size() != 4)
    return nullptr;
  return op;
}

static ArrayAttr withLayout(SdpaOp op, unsigned operand, AffineMap layout) {
  SmallVector<AffineMap> maps;
  for (unsigned i = 0; i < 4; ++i)
    maps.push_back(i == operand ? layout : op.getLayout(i));
  return Builder(op.getContext()).getAffineMapArrayAttr(maps);
}

/// linalg.transpose into a fresh tensor.
static Value transpose(OpBuilder &b, Location loc, Value value,
                       ArrayRef<int64_t> permutation) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value), moved;
  for (int64_t from : permutation)
    moved.push_back(sizes[from]);
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  Value init = tensor::EmptyOp::create(b, loc, moved, element);
  return linalg::TransposeOp::create(b, loc, value, init, permutation)
      ->getResult(0);
}

static Value castTo(OpBuilder &b, Location loc, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return tensor::CastOp::create(b, loc, type, value);
}

//===----------------------------------------------------------------------===//
// split_heads and merge_heads
//===----------------------------------------------------------------------===//

static const int64_t kSwapHeadsAndRows[] = {0, 2, 1, 3};

namespace {
/// [B, S, H*D] -> [B, S, H, D] -> [B, H, S, D]
struct SplitToTranspose : OpRewritePattern<SplitHeadsOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SplitHeadsOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t heads = op.getHeads();
    SmallVector<OpFoldResult> x =
        tensor::getMixedSizes(rewriter, loc, op.getX());
    AffineExpr s = rewriter.getAffineSymbolExpr(0);
    OpFoldResult d = affine::makeComposedFoldedAffineApply(
        rewriter, loc, s.floorDiv(heads), {x[2]});
    SmallVector<OpFoldResult> sizes{x[0], x[1], rewriter.getIndexAttr(heads),
                                    d};
    SmallVector<int64_t> shape;
    for (OpFoldResult size : sizes)
      shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
    Type type =
        RankedTensorType::get(shape, getElementTypeOrSelf(op.getX().getType()));
    SmallVector<ReassociationIndices> groups{{0}, {1}, {2, 3}};
    Value bshd = tensor::ExpandShapeOp::create(rewriter, loc, type, op.getX(),
                                               groups, sizes);
    Value bhsd = transpose(rewriter, loc, bshd, kSwapHeadsAndRows);
    rewriter.replaceOp(op, castTo(rewriter, loc, bhsd, op.getType()));
    return success();
  }
};

/// [B, H, S, D] -> [B, S, H, D] -> [B, S, H*D]
struct MergeToTranspose : OpRewritePattern<MergeHeadsOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MergeHeadsOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value bshd = transpose(rewriter, loc, op.getX(), kSwapHeadsAndRows);
    SmallVector<ReassociationIndices> groups{{0}, {1}, {2, 3}};
    Value rows = tensor::CollapseShapeOp::create(rewriter, loc, bshd, groups);
    rewriter.replaceOp(op, castTo(rewriter, loc, rows, op.getType()));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Transposes around sdpa, rope and norms
//===----------------------------------------------------------------------===//

/// sdpa(transpose(x)) -> sdpa(x) with another layout of that operand.
struct FoldOperandTranspose : OpRewritePattern<SdpaOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SdpaOp op,
                                PatternRewriter &rewriter) const override {
    bool changed = false;
    for (unsigned i = 0; i < 3; ++i) {
      linalg::TransposeOp move = headTranspose(op->getOperand(i));
      if (!move)
        continue;
      AffineMap layout = layoutBefore(op.getLayout(i), move.getPermutation());
      rewriter.modifyOpInPlace(op, [&] {
        op.setLayoutsAttr(withLayout(op, i, layout));
        op->setOperand(i, move.getInput());
      });
      changed = true;
    }
    if (!changed)
      return rewriter.notifyMatchFailure(op, "no operand is a transpose");
    return success();
  }
};

/// transpose(sdpa) -> sdpa with another layout of the output, when the
/// transpose is its only use.
struct FoldOutputTranspose : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp move,
                                PatternRewriter &rewriter) const override {
    auto op = move.getInput().getDefiningOp<SdpaOp>();
    if (!op || !move.hasPureTensorSemantics() ||
        move.getInput() != op.getOutput())
      return rewriter.notifyMatchFailure(move, "not the output of attn.sdpa");
    if (!op.getOutput().hasOneUse())
      return rewriter.notifyMatchFailure(move, "the output has other uses");
    AffineMap layout = layoutAfter(op.getOutputLayout(), move.getPermutation());
    Type type = move->getResult(0).getType();
    rewriter.modifyOpInPlace(op, [&] {
      op.setLayoutsAttr(withLayout(op, 3, layout));
      op.getOutput().setType(cast<RankedTensorType>(type));
    });
    rewriter.replaceOp(move, op.getOutput());
    return success();
  }
};

/// True when every use of `value` reads it through a layout map, or would
/// after transposes are pushed on.
static bool onlyReadByAttention(Value value) {
  return llvm::all_of(value.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isa<SdpaOp>(user))
      return use.getOperandNumber() < 3;
    if (isa<tensor::DimOp>(user))
      return true;
    return isa<RopeOp, QkNormOp, tensor::CastOp>(user) &&
           use.getOperandNumber() == 0 &&
           onlyReadByAttention(user->getResult(0));
  });
}

/// Pushes the transpose `move` behind `op`, which reads it as `x`.
template <typename OpTy>
LogicalResult pushBehind(OpTy op, PatternRewriter &rewriter,
                         function_ref<void(linalg::TransposeOp)> relayout) {
  linalg::TransposeOp move = headTranspose(op.getX());
  if (!move || !onlyReadByAttention(move->getResult(0)))
    return rewriter.notifyMatchFailure(op, "no transpose to push behind it");
  SmallVector<int64_t> permutation(move.getPermutation());
  Type before = op.getType();
  rewriter.modifyOpInPlace(op, [&] {
    relayout(move);
    op.getXMutable().assign(move.getInput());
    op.getResult().setType(cast<RankedTensorType>(move.getInput().getType()));
  });
  rewriter.setInsertionPointAfter(op);
  Value moved = transpose(rewriter, op.getLoc(), op.getResult(), permutation);
  Value result = castTo(rewriter, op.getLoc(), moved, before);
  rewriter.replaceUsesWithIf(op.getResult(), result, [&](OpOperand &use) {
    Operation *user = use.getOwner();
    return user != moved.getDefiningOp() && !isa<tensor::DimOp>(user);
  });
  return success();
}

/// rope(transpose(x)) -> transpose(rope(x)) with another layout.
struct PushBehindRope : OpRewritePattern<RopeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RopeOp op,
                                PatternRewriter &rewriter) const override {
    return pushBehind(op, rewriter, [&](linalg::TransposeOp move) {
      op.setLayout(layoutBefore(op.getLayout(), move.getPermutation()));
    });
  }
};

/// qk_norm(transpose(x)) -> transpose(qk_norm(x)), the channels staying last.
struct PushBehindNorm : OpRewritePattern<QkNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QkNormOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp move = headTranspose(op.getX());
    if (!move || move.getPermutation().back() != 3)
      return rewriter.notifyMatchFailure(op, "the transpose moves channels");
    return pushBehind(op, rewriter, [](linalg::TransposeOp) {});
  }
};
} // namespace

void attn::populateFoldHeadMovesPatterns(RewritePatternSet &patterns) {
  patterns.add<SplitToTranspose, MergeToTranspose, FoldOperandTranspose,
               FoldOutputTranspose, PushBehindRope, PushBehindNorm>(
      patterns.getContext());
  // A size read from a transpose would keep it alive.
  memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
}
