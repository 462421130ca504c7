//===- FoldScale.cpp - The pass attn-optimize-fold-scale ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// scale (q k) = (scale q) k. A norm of Q undoes a factor in front of it, so
// that its own weights take the factor there; rope keeps it.
//
//===----------------------------------------------------------------------===//

#include "BlockHeads.h"
#include "WeightMath.h"
#include "WeightOrigin.h"
#include "attn/Optimize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"

namespace attn {
#define GEN_PASS_DEF_OPTIMIZEFOLDSCALEPASS
#include "attn/Optimize/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr auto kRemark =
    remark::RemarkOpts::name("FoldScale").category("attn-optimize");

/// The factor of the rows of a packed weight: `scale` of Q, 1 of K and V.
static Value rowFactors(ImplicitLocOpBuilder &b, const BlockShape &shape,
                        double scale, Type element) {
  int64_t queries = shape.heads * shape.size;
  int64_t rows = queries + 2 * shape.keyHeads * shape.size;
  SmallVector<Attribute> factors(rows, b.getFloatAttr(element, 1.0));
  std::fill_n(factors.begin(), queries, b.getFloatAttr(element, scale));
  return arith::ConstantOp::create(
      b,
      DenseElementsAttr::get(RankedTensorType::get({rows}, element), factors));
}

static void fold(MhaOp op, const BlockShape &shape, double scale) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto scalar = [&](Type element, double value) -> Value {
    return arith::ConstantOp::create(b, b.getFloatAttr(element, value));
  };
  if (Value gamma = op.getNormQ()) {
    Value factor = scalar(getElementTypeOrSelf(gamma.getType()), scale);
    op.getNormQMutable().assign(multiplyAlong(b, gamma, 0, factor));
  } else {
    Type element = getElementTypeOrSelf(op.getX().getType());
    Value factor = op.getPacked() ? rowFactors(b, shape, scale, element)
                                  : scalar(element, scale);
    for (MutableOperandRange values :
         {op.getWeightsMutable(), op.getBiasesMutable()})
      if (!values.empty())
        values[0].set(multiplyAlong(b, values[0].get(), 0, factor));
  }
  op.getScaleMutable().assign(scalar(op.getScale().getType(), 1.0));
}

/// Scores that a rule changes are natural ones; else the kernels multiply Q by
/// log2(e) in any case, and by the scale in the same step.
static bool hasScoreRule(MhaOp op) {
  return !op.getScore().empty() || op.getSoftcap() || op.getAlibi() ||
         op.getAdditive();
}

namespace {
struct OptimizeFoldScalePass final
    : attn::impl::OptimizeFoldScalePassBase<OptimizeFoldScalePass> {
  using Base::Base;

  void runOnOperation() override {
    WeightOrigin origin(getOperation());
    getOperation().walk([&](MhaOp op) {
      APFloat scale(0.0);
      if (!op.getScale() ||
          !matchPattern(op.getScale(), m_ConstantFloat(&scale)))
        return;
      bool losesInfo = false;
      scale.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                    &losesInfo);
      double number = scale.convertToDouble();
      if (number == 1.0)
        return;
      std::optional<BlockShape> shape = BlockShape::of(op);
      Value weight = op.getNormQ() ? op.getNormQ() : op.getWeights()[0];
      std::string reason;
      if (!shape)
        reason = "its weights are of dynamic size or empty";
      else if (!canRoundAgain(getElementTypeOrSelf(weight.getType())))
        reason = "weights of 16 bits would be rounded again";
      else if (StringRef unknown =
                   origin.whyUnknown(op.getWeights().take_front(),
                                     op.getBiases().take_front(std::min<size_t>(
                                         1, op.getBiases().size())));
               !unknown.empty())
        reason = unknown.str();
      else if (!scale.isFinite() || scale.isZero())
        reason = "it is 0 or not finite";
      if (!reason.empty()) {
        remark::missed(op.getLoc(), kRemark)
            << remark::reason("scale stays: {0}", reason);
        return;
      }
      fold(op, *shape, number);
      int64_t saved = hasScoreRule(op) ? shape->heads * shape->size : 0;
      remark::passed(op.getLoc(), kRemark)
          << ("scale folded into the weights of Q: 0 bytes of weights and " +
              Twine(saved) + " FLOP a query less")
                 .str();
    });
  }
};
} // namespace
