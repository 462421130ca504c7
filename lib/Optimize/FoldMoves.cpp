//===- FoldMoves.cpp - The pass attn-optimize-fold-moves ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream's canonicalization joins transposes and reshapes that follow each
// other; here generics that only transpose are made such, and what went is
// said.
//
//===----------------------------------------------------------------------===//

#include "MovedBytes.h"
#include "attn/Optimize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_OPTIMIZEFOLDMOVESPASS
#include "attn/Optimize/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr auto kRemark =
    remark::RemarkOpts::name("FoldMoves").category("attn-optimize");

/// The permutation of a generic that only transposes, as linalg.transpose has
/// it; empty when it does more.
static SmallVector<int64_t> permutationOf(linalg::GenericOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 1 ||
      op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      op.getBody()->getTerminator()->getOperand(0) !=
          op.getBody()->getArgument(0))
    return {};
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!maps[0].isPermutation() || !maps[1].isPermutation())
    return {};
  // Dimension i of the result is loop maps[1](i), which reads the input there.
  SmallVector<int64_t> permutation;
  for (AffineExpr loop : maps[1].getResults())
    permutation.push_back(*maps[0].getResultPosition(loop));
  return permutation;
}

static bool isMove(Operation *op) {
  return op && (isa<linalg::TransposeOp, tensor::ExpandShapeOp,
                    tensor::CollapseShapeOp>(op) ||
                (isa<linalg::GenericOp>(op) &&
                 !permutationOf(cast<linalg::GenericOp>(op)).empty()));
}

namespace {
/// Next to other moves and to attention, where it can join them.
struct NameTranspose : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<int64_t> permutation = permutationOf(op);
    if (permutation.empty())
      return rewriter.notifyMatchFailure(op, "more than a transpose");
    auto joins = [](Operation *other) {
      return isMove(other) || isa<SdpaOp, RopeOp, QkNormOp, MhaOp>(other);
    };
    Operation *maker = op.getDpsInputs()[0].getDefiningOp();
    if (!(maker && joins(maker)) && llvm::none_of(op->getUsers(), joins))
      return rewriter.notifyMatchFailure(op, "no other move beside it");
    rewriter.replaceOpWithNewOp<linalg::TransposeOp>(
        op, op.getDpsInputs()[0], op.getDpsInits()[0], permutation);
    return success();
  }
};

/// Moves of a function, and what transposes read and write.
struct Moves {
  int64_t transposes = 0, reshapes = 0;
  MovedBytes moved; ///< by the transposes

  explicit Moves(func::FuncOp func) {
    func.walk([this](Operation *op) {
      if (!isMove(op))
        return;
      bool isReshape = isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op);
      (isReshape ? reshapes : transposes) += 1;
      if (!isReshape)
        moved.add(cast<RankedTensorType>(op->getResult(0).getType()));
    });
  }
};

struct OptimizeFoldMovesPass final
    : attn::impl::OptimizeFoldMovesPassBase<OptimizeFoldMovesPass> {
  using Base::Base;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<NameTranspose>(&getContext());
    linalg::TransposeOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                         &getContext());
    FrozenRewritePatternSet frozen(std::move(patterns));
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      Moves before(func);
      SmallVector<Operation *> moves;
      func.walk([&](Operation *op) {
        if (isMove(op))
          moves.push_back(op);
      });
      (void)applyOpPatternsGreedily(moves, frozen);
      Moves after(func);
      int64_t gone = before.transposes - after.transposes;
      int64_t reshapes = before.reshapes - after.reshapes;
      MovedBytes saved = before.moved;
      saved.bytes -= after.moved.bytes;
      if (gone > 0 || reshapes > 0)
        remark::passed(func.getLoc(), kRemark)
            << (Twine(gone) + " of " + Twine(before.transposes) +
                " transposes and " + Twine(reshapes) + " of " +
                Twine(before.reshapes) + " reshapes are gone: " + saved.less())
                   .str();
    }
  }
};
} // namespace
