//===- FoldAffine.cpp - The pass attn-optimize-fold-affine ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// W (f * t + s) + b = (W * f) t + (W s + b), channel by channel: what a norm
// multiplies and adds last goes into the weights that read it, and what is
// multiplied and added to a block's result into the last of its weights.
//
//===----------------------------------------------------------------------===//

#include "BlockHeads.h"
#include "WeightMath.h"
#include "WeightOrigin.h"
#include "attn/Optimize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_OPTIMIZEFOLDAFFINEPASS
#include "attn/Optimize/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr auto kRemark =
    remark::RemarkOpts::name("FoldAffine").category("attn-optimize");

//===----------------------------------------------------------------------===//
// Elementwise code
//===----------------------------------------------------------------------===//

/// One value of each element, [B, S, E]: no sums, and in the order of memory.
static bool isElementwise(linalg::GenericOp op) {
  return op.hasPureTensorSemantics() && op->getNumResults() == 1 &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         op.getNumLoops() == 3 &&
         op.getIndexingMapMatchingResult(cast<OpResult>(op->getResult(0)))
             .isIdentity();
}

/// True when `map` reads (..., e) at e alone: all else is 0.
static bool readsChannel(AffineMap map) {
  if (map.getNumResults() == 0)
    return true;
  AffineExpr last = getAffineDimExpr(2, map.getContext());
  for (AffineExpr expr : map.getResults().drop_back())
    if (!isa<AffineConstantExpr>(expr))
      return false;
  return map.getResults().back() == last;
}

/// The tensor [E] that an op copied to all rows of `rows`; null when none did.
static Value broadcastSource(Value rows) {
  Operation *op = rows.getDefiningOp();
  if (auto broadcast = dyn_cast_or_null<linalg::BroadcastOp>(op)) {
    bool toRows = broadcast.hasPureTensorSemantics() &&
                  broadcast.getDimensions() == ArrayRef<int64_t>{0, 1};
    return toRows ? broadcast.getInput() : nullptr;
  }
  auto copy = dyn_cast_or_null<linalg::GenericOp>(op);
  if (!copy || !isElementwise(copy) || copy.getNumDpsInputs() != 1 ||
      copy.getBody()->getTerminator()->getOperand(0) !=
          copy.getBody()->getArgument(0) ||
      !readsChannel(copy.getIndexingMapsArray()[0]))
    return nullptr;
  return copy.getDpsInputs()[0];
}

/// What `value` of the body is for each channel, as the value around `op` that
/// it is read from; null when it depends on more than the channel.
static Value channelSource(linalg::GenericOp op, Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner() != op.getBody())
      return value;
    OpOperand *operand = op.getMatchingOpOperand(argument);
    if (op.isDpsInit(operand))
      return nullptr;
    AffineMap map = op.getMatchingIndexingMap(operand);
    if (readsChannel(map))
      return operand->get();
    return map.isIdentity() ? broadcastSource(operand->get()) : nullptr;
  }
  Operation *maker = value.getDefiningOp();
  if (!op->isProperAncestor(maker) || matchPattern(maker, m_Constant()))
    return value;
  return nullptr;
}

/// The same as a scalar or a tensor [E] before `b`'s op. Null when it has
/// another type than `element`.
static Value asVector(ImplicitLocOpBuilder &b, Value source, Type element) {
  if (getElementTypeOrSelf(source.getType()) != element)
    return nullptr;
  // A constant may stand in the body, or behind the block.
  if (matchPattern(source, m_Constant()))
    source = b.clone(*source.getDefiningOp())->getResult(0);
  auto type = dyn_cast<RankedTensorType>(source.getType());
  if (!type)
    return source;
  if (type.getRank() == 0)
    return tensor::ExtractOp::create(b, source, ValueRange{});
  if (type.getRank() == 1)
    return source;
  DenseElementsAttr constant;
  if (matchPattern(source, m_Constant(&constant)))
    return arith::ConstantOp::create(
        b, constant.reshape(type.clone({type.getNumElements()})));
  SmallVector<ReassociationIndices> all(1);
  llvm::append_range(all[0], llvm::seq<int64_t>(type.getRank()));
  return tensor::CollapseShapeOp::create(b, source, all);
}

namespace {
/// One multiplication or addition of a value per channel.
struct Step {
  Operation *op = nullptr; ///< in the body of a generic
  Value inner, channel;    ///< its operands: the rest, and the one per channel
  bool isProduct() const { return isa<arith::MulFOp>(op); }
};
} // namespace

/// Reads `value` of the body as a step from `accept`ed values.
static std::optional<Step> readStep(linalg::GenericOp op, Operation *maker,
                                    function_ref<bool(Value)> accept) {
  if (!isa_and_nonnull<arith::MulFOp, arith::AddFOp>(maker))
    return std::nullopt;
  for (unsigned i : {0u, 1u}) {
    Value inner = maker->getOperand(i), channel = maker->getOperand(1 - i);
    if (accept(inner) && channelSource(op, channel))
      return Step{maker, inner, channel};
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// In front of blocks
//===----------------------------------------------------------------------===//

/// The block reads `value` as rows of x or of a context.
static bool isBlockInput(OpOperand &use) {
  auto op = dyn_cast<MhaOp>(use.getOwner());
  return op && (use.get() == op.getX() || use.get() == op.getSource()) &&
         use.getOperandNumber() < (op.getSource() ? 2u : 1u);
}

/// Biases of 0 where the block has none.
static void giveBiases(ImplicitLocOpBuilder &b, MhaOp op) {
  if (!op.getBiases().empty())
    return;
  SmallVector<Value> zeros;
  for (Value weight : op.getWeights()) {
    auto type = cast<RankedTensorType>(weight.getType());
    zeros.push_back(makeZeros(b, type.getDimSize(0), type.getElementType()));
  }
  op.getBiasesMutable().assign(zeros);
}

/// Makes `op`, which reads `value`, read the rest of `step` instead.
static void foldInput(MhaOp op, Value value, const Step &step, Value vector) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  if (!step.isProduct())
    giveBiases(b, op);
  unsigned inputs = op.getWeights().size() - 1;
  for (unsigned i = 0; i < inputs; ++i) {
    bool isQuery = i == 0 && !op.getPacked();
    if (!(op.getPacked() || value == (isQuery ? op.getX() : op.getKeySource())))
      continue;
    Value weight = op.getWeights()[i];
    if (step.isProduct())
      op.getWeightsMutable()[i].set(multiplyAlong(b, weight, 1, vector));
    else
      op.getBiasesMutable()[i].set(
          addProduct(b, op.getBiases()[i], weight, vector));
  }
}

/// Why the weights of `op` cannot take a step; empty when they can.
static std::string whyFixedWeights(MhaOp op, WeightOrigin &origin) {
  if (!BlockShape::of(op))
    return "its weights are of dynamic size or empty";
  StringRef unknown = origin.whyUnknown(op.getWeights(), op.getBiases());
  if (!unknown.empty())
    return unknown.str();
  if (!canRoundAgain(getElementTypeOrSelf(op.getX().getType())))
    return "weights of 16 bits would be rounded again";
  return "";
}

static std::string savingOf(const Step &step, int64_t channels, Value vector) {
  bool isTensor = isa<RankedTensorType>(vector.getType());
  int64_t width =
      getElementTypeOrSelf(vector.getType()).getIntOrFloatBitWidth();
  return (Twine(step.isProduct() ? "a factor" : "an addend") + " of " +
          (isTensor ? Twine(channels) + " channels" : Twine("all channels")))
             .str() +
         ": " + std::to_string(isTensor ? channels * width / 8 : 0) +
         " bytes of weights and " + std::to_string(channels) +
         " FLOP a row less";
}

namespace {
struct OptimizeFoldAffinePass final
    : attn::impl::OptimizeFoldAffinePassBase<OptimizeFoldAffinePass> {
  using Base::Base;

  void runOnOperation() override {
    origin.emplace(getOperation());
    SmallVector<MhaOp> blocks;
    getOperation().walk([&](MhaOp op) { blocks.push_back(op); });
    for (MhaOp op : blocks) {
      while (foldInFront(op, op.getX()) ||
             (op.getSource() && foldInFront(op, op.getSource())) ||
             foldBehind(op)) {
      }
    }
    RewritePatternSet patterns(&getContext());
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    SmallVector<Operation *> left(changed.begin(), changed.end());
    (void)applyOpPatternsGreedily(left, std::move(patterns));
  }

private:
  /// Generics that lost a step.
  llvm::SetVector<Operation *> changed;
  std::optional<WeightOrigin> origin;
  /// Values that stay as they are, with their remark said.
  llvm::DenseSet<Value> refused;

  void refuse(MhaOp op, Value value, StringRef what, StringRef reason) {
    if (refused.insert(value).second)
      remark::missed(op.getLoc(), kRemark)
          << remark::reason("{0} stays: {1}", what, reason);
  }

  bool foldInFront(MhaOp op, Value value) {
    auto maker = value.getDefiningOp<linalg::GenericOp>();
    if (!maker || refused.contains(value) || !isElementwise(maker))
      return false;
    Operation *yield = maker.getBody()->getTerminator();
    std::optional<Step> step =
        readStep(maker, yield->getOperand(0).getDefiningOp(),
                 [&](Value inner) { return !channelSource(maker, inner); });
    if (!step || !maker->isProperAncestor(step->op))
      return false;
    constexpr StringLiteral kWhat = "what is last multiplied or added to its "
                                    "rows";
    for (OpOperand &use : value.getUses()) {
      if (isa<tensor::DimOp>(use.getOwner()))
        continue;
      std::string reason =
          isBlockInput(use)
              ? whyFixedWeights(cast<MhaOp>(use.getOwner()), *origin)
              : "'" + use.getOwner()->getName().getStringRef().str() +
                    "' reads the rows as well";
      if (!reason.empty()) {
        refuse(op, value, kWhat, reason);
        return false;
      }
    }
    if (!origin->isWeight(channelSource(maker, step->channel))) {
      refuse(op, value, kWhat, "it is known at the call alone");
      return false;
    }
    ImplicitLocOpBuilder b(op.getLoc(), maker);
    Value vector = asVector(b, channelSource(maker, step->channel),
                            getElementTypeOrSelf(value.getType()));
    if (!vector)
      return false;
    llvm::SetVector<Operation *> users;
    for (OpOperand &use : value.getUses())
      if (isBlockInput(use))
        users.insert(use.getOwner());
    for (Operation *user : users)
      foldInput(cast<MhaOp>(user), value, *step, vector);
    yield->setOperand(0, step->inner);
    if (step->op->use_empty())
      step->op->erase();
    int64_t channels = cast<RankedTensorType>(value.getType()).getDimSize(2);
    remark::passed(op.getLoc(), kRemark)
        << ("folded into the weights of " + Twine(users.size()) +
            " blocks: " + savingOf(*step, channels, vector))
               .str();
    finish(maker);
    return true;
  }

  /// Leaves out a generic that copies its input, and notes others.
  void finish(linalg::GenericOp op) {
    Value yielded = op.getBody()->getTerminator()->getOperand(0);
    if (auto argument = dyn_cast<BlockArgument>(yielded)) {
      OpOperand *operand = op.getMatchingOpOperand(argument);
      if (op.getMatchingIndexingMap(operand).isIdentity() &&
          operand->get().getType() == op->getResult(0).getType()) {
        op->getResult(0).replaceAllUsesWith(operand->get());
        changed.remove(op);
        op->erase();
        return;
      }
    }
    changed.insert(op);
  }

  bool foldBehind(MhaOp op) {
    Value value = op.getOutput();
    if (!value.hasOneUse() || refused.contains(value))
      return false;
    OpOperand &use = *value.use_begin();
    auto reader = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (!reader || !isElementwise(reader) || !reader.isDpsInput(&use) ||
        !reader.getMatchingIndexingMap(&use).isIdentity())
      return false;
    BlockArgument argument = reader.getMatchingBlockArgument(&use);
    if (!argument.hasOneUse())
      return false;
    std::optional<Step> step =
        readStep(reader, *argument.user_begin(),
                 [&](Value inner) { return inner == argument; });
    if (!step)
      return false;
    if (std::string reason = whyFixedWeights(op, *origin); !reason.empty()) {
      refuse(op, value, "what is first multiplied or added to its result",
             reason);
      return false;
    }
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value source = channelSource(reader, step->channel);
    if (!isBefore(source, op))
      return false;
    if (!origin->isWeight(source)) {
      refuse(op, value, "what is first multiplied or added to its result",
             "it is known at the call alone");
      return false;
    }
    Value vector = asVector(b, source, getElementTypeOrSelf(value.getType()));
    if (!vector)
      return false;
    foldOutput(b, op, *step, vector);
    step->op->getResult(0).replaceAllUsesWith(argument);
    step->op->erase();
    int64_t channels = cast<RankedTensorType>(value.getType()).getDimSize(2);
    remark::passed(op.getLoc(), kRemark)
        << "folded into the output weights: " +
               savingOf(*step, channels, vector);
    finish(reader);
    return true;
  }

  /// `value` is there where `op` stands; a constant can be made there.
  bool isBefore(Value value, MhaOp op) {
    return matchPattern(value, m_Constant()) ||
           DominanceInfo(op->getParentOp()).properlyDominates(value, op);
  }

  static void foldOutput(ImplicitLocOpBuilder &b, MhaOp op, const Step &step,
                         Value vector) {
    unsigned last = op.getWeights().size() - 1;
    if (step.isProduct()) {
      op.getWeightsMutable()[last].set(
          multiplyAlong(b, op.getWeights()[last], 0, vector));
      if (!op.getBiases().empty())
        op.getBiasesMutable()[last].set(
            multiplyAlong(b, op.getBiases()[last], 0, vector));
      return;
    }
    giveBiases(b, op);
    op.getBiasesMutable()[last].set(
        addAlong(b, op.getBiases()[last], 0, vector));
  }
};
} // namespace
