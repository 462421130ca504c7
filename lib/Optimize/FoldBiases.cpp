//===- FoldBiases.cpp - The pass attn-optimize-fold-biases ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// q (k + b) = q k + q b, where q b is one number for all keys of a row, which
// softmax does not see. Weights of a row add up to 1, so that the bias of V
// comes out of each row as it is: sum_n p[n] (v[n] + b) = (sum_n p[n] v[n]) +
// b.
//
//===----------------------------------------------------------------------===//

#include "BlockHeads.h"
#include "WeightMath.h"
#include "WeightOrigin.h"
#include "attn/Optimize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"

namespace attn {
#define GEN_PASS_DEF_OPTIMIZEFOLDBIASESPASS
#include "attn/Optimize/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr auto kRemark =
    remark::RemarkOpts::name("FoldBiases").category("attn-optimize");

static bool isZero(Value bias) { return matchPattern(bias, m_AnyZeroFloat()); }

/// The rule yields the score with something added that is not made of it.
static bool onlyAdds(Region &score) {
  if (score.empty())
    return true;
  Value value = score.front().getTerminator()->getOperand(0);
  Value given = score.getArgument(0);
  while (value != given) {
    Operation *op = value.getDefiningOp();
    if (!isa_and_nonnull<arith::AddFOp, arith::SubFOp>(op))
      return false;
    // Where both operands are made of the score, one use of it is left over.
    value = isa<arith::AddFOp>(op) && op->getOperand(1) == given
                ? op->getOperand(1)
                : op->getOperand(0);
  }
  return given.hasOneUse();
}

/// Why the bias of K changes the weights; empty when it cannot.
static std::string whyKeyBiasCounts(MhaOp op) {
  if (op.getNormK())
    return "qk_norm follows it";
  if (op.getRopeCos())
    return "rope turns it by position";
  if (op.getSoftcap() || !onlyAdds(op.getScore()))
    return "a rule changes scores by their size";
  if (op.getSinks())
    return "a sink is compared with scores";
  return "";
}

/// Every query keeps a key, whatever the call. In self-attention each row has
/// its own one under any causal clause and window.
static bool keepsKeyInEachRow(MhaOp op) {
  if (op.getKeep() || op.getKvLens() || !op.getMask().empty() ||
      op.getAdditive() || !op.getScore().empty())
    return false;
  if (!op.getSource())
    return !op.getCausalOffset() && op.getWindow().empty();
  int64_t keys = cast<RankedTensorType>(op.getSource().getType()).getDimSize(1);
  bool hasKeys = !ShapedType::isDynamic(keys) && keys > 0;
  return hasKeys && !op.getCausal() && !op.getStaticWindow();
}

static std::string whyValueBiasStays(MhaOp op, WeightOrigin &origin) {
  if (op.getSinks())
    return "with a sink the weights of a row do not add up to 1";
  if (!keepsKeyInEachRow(op))
    return "a row may keep no key, and is 0 without it";
  if (!canRoundAgain(getElementTypeOrSelf(op.getX().getType())))
    return "a bias of 16 bits would be rounded again";
  return origin
      .whyUnknown(op.getWeights().take_back(), op.getBiases().drop_front(2))
      .str();
}

static std::string savingOf(MhaOp op, int64_t size) {
  int64_t width =
      getElementTypeOrSelf(op.getX().getType()).getIntOrFloatBitWidth();
  return (Twine(size * width / 8) + " bytes of weights and " + Twine(size) +
          " FLOP a key less")
      .str();
}

static void clearBias(ImplicitLocOpBuilder &b, MhaOp op, unsigned i) {
  auto type = cast<RankedTensorType>(op.getBiases()[i].getType());
  op.getBiasesMutable()[i].set(
      makeZeros(b, type.getDimSize(0), type.getElementType()));
}

static void dropKeyBias(MhaOp op) {
  if (isZero(op.getBiases()[1]))
    return;
  if (std::string reason = whyKeyBiasCounts(op); !reason.empty()) {
    remark::missed(op.getLoc(), kRemark)
        << remark::reason("the bias of K stays: {0}", reason);
    return;
  }
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto type = cast<RankedTensorType>(op.getBiases()[1].getType());
  clearBias(b, op, 1);
  remark::passed(op.getLoc(), kRemark)
      << "softmax does not see the bias of K: " +
             savingOf(op, type.getDimSize(0));
}

static void foldValueBias(MhaOp op, const BlockShape &shape,
                          WeightOrigin &origin) {
  if (isZero(op.getBiases()[2]))
    return;
  if (std::string reason = whyValueBiasStays(op, origin); !reason.empty()) {
    remark::missed(op.getLoc(), kRemark)
        << remark::reason("the bias of V stays: {0}", reason);
    return;
  }
  ImplicitLocOpBuilder b(op.getLoc(), op);
  // As the columns of wo have it: once for each query head.
  SmallVector<Stripe> stripes;
  for (int64_t h = 0; h < shape.heads; ++h)
    stripes.push_back(shape.rowsOf(2, h / shape.group()));
  Value vector = gatherStripes(b, op.getBiases()[2], 0, stripes);
  op.getBiasesMutable()[3].set(
      addProduct(b, op.getBiases()[3], op.getWeights()[3], vector));
  clearBias(b, op, 2);
  remark::passed(op.getLoc(), kRemark)
      << "the bias of V became a part of the output's: " +
             savingOf(op, shape.keyHeads * shape.valueSize);
}

namespace {
struct OptimizeFoldBiasesPass final
    : attn::impl::OptimizeFoldBiasesPassBase<OptimizeFoldBiasesPass> {
  using Base::Base;

  void runOnOperation() override {
    WeightOrigin origin(getOperation());
    getOperation().walk([&](MhaOp op) {
      if (op.getBiases().empty())
        return;
      std::optional<BlockShape> shape = BlockShape::of(op);
      std::string reason;
      if (!shape)
        reason = "its weights are of dynamic size or empty";
      else if (op.getPacked())
        reason = "packed weights have one bias";
      if (!reason.empty()) {
        remark::missed(op.getLoc(), kRemark)
            << remark::reason("biases stay: {0}", reason);
        return;
      }
      dropKeyBias(op);
      foldValueBias(op, *shape, origin);
    });
  }
};
} // namespace
