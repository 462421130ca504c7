//===- PruneHeads.cpp - The pass attn-optimize-prune-heads ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which heads stay is decided by pure functions; BlockHeads makes the block.
//
//===----------------------------------------------------------------------===//

#include "BlockHeads.h"
#include "HeadList.h"
#include "attn/Optimize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/BitVector.h"

namespace attn {
#define GEN_PASS_DEF_OPTIMIZEPRUNEHEADSPASS
#include "attn/Optimize/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using llvm::BitVector;

static constexpr auto kRemark =
    remark::RemarkOpts::name("PruneHeads").category("attn-optimize");

/// The query heads that add 0 to every output, as far as constants tell.
static BitVector findDead(MhaOp op, const BlockShape &shape) {
  BitVector dead(shape.heads);
  std::optional<WeightBytes> output = WeightBytes::of(op.getWeights().back());
  std::optional<WeightBytes> value =
      WeightBytes::of(op.getWeights()[shape.weightOf(2)]);
  std::optional<WeightBytes> bias;
  if (shape.biased)
    bias = WeightBytes::of(op.getBiases()[shape.weightOf(2)]);
  for (int64_t h = 0; h < shape.heads; ++h) {
    if (output && output->isZero(1, shape.outputColumnsOf(h)))
      dead.set(h);
    Stripe rows = shape.rowsOf(2, h / shape.group());
    if (value && value->isZero(0, rows) &&
        (!shape.biased || (bias && bias->isZero(0, rows))))
      dead.set(h);
  }
  return dead;
}

/// Query heads of key head `g` that are not `removed`.
static int64_t countKept(const BlockShape &shape, const BitVector &removed,
                         int64_t g) {
  int64_t kept = 0;
  for (int64_t h = g * shape.group(); h < (g + 1) * shape.group(); ++h)
    kept += !removed.test(h);
  return kept;
}

/// Takes heads out of `removed` until each key head with a query head left has
/// as many as any other, and one head is left at least.
static void keepGroupsEqual(const BlockShape &shape, BitVector &removed) {
  if (removed.all())
    removed.reset(0);
  int64_t most = 0;
  for (int64_t g = 0; g < shape.keyHeads; ++g)
    most = std::max(most, countKept(shape, removed, g));
  for (int64_t g = 0; g < shape.keyHeads; ++g) {
    int64_t kept = countKept(shape, removed, g);
    for (int64_t h = g * shape.group(); kept > 0 && kept < most; ++h)
      if (removed.test(h)) {
        removed.reset(h);
        ++kept;
      }
  }
}

/// What is left, or why that is no attn.mha.
static FailureOr<HeadChoice> chooseKept(const BlockShape &shape,
                                        const BitVector &removed,
                                        std::string &reason) {
  HeadChoice choice;
  int64_t each = 0;
  for (int64_t g = 0; g < shape.keyHeads; ++g) {
    int64_t kept = countKept(shape, removed, g);
    if (kept == 0)
      continue;
    if (each != 0 && kept != each) {
      reason = ("key heads would be left with " + Twine(each) + " and " +
                Twine(kept) + " query heads, expected as many for each")
                   .str();
      return failure();
    }
    each = kept;
    choice.key.push_back(g);
    for (int64_t h = g * shape.group(); h < (g + 1) * shape.group(); ++h)
      if (!removed.test(h))
        choice.query.push_back(h);
  }
  if (choice.query.empty()) {
    reason = "no head would be left";
    return failure();
  }
  return choice;
}

static std::string listOf(const BitVector &heads) {
  return listHeads(SmallVector<int64_t>(heads.set_bits()));
}

static void remove(RewriterBase &rewriter, MhaOp op, const BlockShape &shape,
                   const BitVector &removed, const HeadChoice &choice) {
  std::string saved = chooseHeads(rewriter, op, choice);
  remark::passed(op.getLoc(), kRemark)
      << ("removed heads " + listOf(removed) + " of " + Twine(shape.heads) +
          ": " + saved)
             .str();
}

namespace {
struct OptimizePruneHeadsPass final
    : attn::impl::OptimizePruneHeadsPassBase<OptimizePruneHeadsPass> {
  using Base::Base;

  void runOnOperation() override {
    if (failed(pruneNamed()))
      return signalPassFailure();
    if (dead)
      getOperation().walk([this](MhaOp op) { pruneDead(op); });
  }

private:
  LogicalResult pruneNamed() {
    FailureOr<NamedHeads> named =
        findNamedHeads(getOperation(), llvm::to_vector(heads), function,
                       [](MhaOp op) { return int64_t(op.getHeads()); });
    if (failed(named))
      return failure();
    IRRewriter rewriter(&getContext());
    for (auto &[block, groups] : *named) {
      auto op = cast<MhaOp>(block);
      BitVector removed(op.getHeads());
      for (const HeadGroup &group : groups)
        for (int64_t head : group)
          removed.set(head);
      std::optional<BlockShape> shape = BlockShape::of(op);
      std::string reason;
      FailureOr<HeadChoice> choice = failure();
      if (!shape)
        reason = "its weights are of dynamic size or empty";
      else
        choice = chooseKept(*shape, removed, reason);
      if (succeeded(choice))
        reason = whyFixed(op, *choice);
      if (!reason.empty())
        return op.emitOpError()
               << "cannot lose heads " << listOf(removed) << ": " << reason;
      remove(rewriter, op, *shape, removed, *choice);
    }
    return success();
  }

  void pruneDead(MhaOp op) {
    std::optional<BlockShape> shape = BlockShape::of(op);
    if (!shape)
      return;
    BitVector found = findDead(op, *shape), removed = found;
    keepGroupsEqual(*shape, removed);
    std::string reason;
    if (removed.any()) {
      FailureOr<HeadChoice> choice = chooseKept(*shape, removed, reason);
      reason = whyFixed(op, *choice);
      if (reason.empty()) {
        IRRewriter rewriter(&getContext());
        remove(rewriter, op, *shape, removed, *choice);
        found.reset(removed);
      }
    }
    if (found.none())
      return;
    if (reason.empty())
      reason = "others of their groups are alive, or all of the block are dead";
    remark::missed(op.getLoc(), kRemark) << remark::reason(
        "heads {0} write nothing and stay: {1}", listOf(found), reason);
  }
};
} // namespace
