//===- ScoreRule.cpp - Scale, score and mask inlined into one generic -----===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A captured tensor becomes an operand of the generic wherever its map only
// picks and fixes dimensions: cut to the part that the scores span, it is legal
// linalg even when the tensor is longer, and vectorises as a plain read. Other
// maps (n floordiv 2) become tensor.extract in the body, a gather.
//
//===----------------------------------------------------------------------===//

#include "ScoreRule.h"

#include "Builders.h"
#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"

#include <limits>

using namespace mlir;
using namespace attn;

namespace {
/// Builds the generic of one rule: operands first, then the body.
class ScoreGeneric {
public:
  ScoreGeneric(const ScoreRule &rule, Value products)
      : rule(rule), products(products),
        rank(cast<RankedTensorType>(products.getType()).getRank()),
        operandOf(rule.captures.size()) {}

  Value create(ImplicitLocOpBuilder &builder);

private:
  bool isRead(unsigned capture) const;
  void addOperand(ImplicitLocOpBuilder &builder, unsigned capture);
  Value position(ImplicitLocOpBuilder &builder, unsigned axis);
  Value read(ImplicitLocOpBuilder &builder, unsigned capture,
             ValueRange elements);
  Value inlineRegion(ImplicitLocOpBuilder &builder, Region &region, Value score,
                     ValueRange elements);
  Value keepFull(ImplicitLocOpBuilder &builder, Value keep);

  const ScoreRule &rule;
  Value products;
  unsigned rank;
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  /// The operand that holds a capture, where one does.
  SmallVector<std::optional<unsigned>> operandOf;
};
} // namespace

/// Whether `region` is there and reads its argument number `argument`.
static bool isUsed(Region *region, unsigned argument) {
  return region && !region->empty() &&
         !region->getArgument(argument).use_empty();
}

bool ScoreGeneric::isRead(unsigned capture) const {
  return isUsed(rule.score, 5 + capture) || isUsed(rule.mask, 4 + capture);
}

/// Every result is a dimension of its own or a constant, and there is something
/// to slice: upstream refuses offset 0 where a static size is 0.
static bool isSlice(RankedTensorType type, AffineMap map) {
  SmallVector<bool> seen(map.getNumDims());
  for (AffineExpr result : map.getResults()) {
    if (isa<AffineConstantExpr>(result))
      continue;
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim || std::exchange(seen[dim.getPosition()], true))
      return false;
  }
  return !llvm::is_contained(type.getShape(), 0);
}

void ScoreGeneric::addOperand(ImplicitLocOpBuilder &builder, unsigned capture) {
  SmallVector<OpFoldResult> offsets, sizes;
  SmallVector<unsigned> kept, loops;
  for (auto [i, result] :
       llvm::enumerate(rule.captureMaps[capture].getResults())) {
    if (auto constant = dyn_cast<AffineConstantExpr>(result)) {
      offsets.push_back(builder.getIndexAttr(constant.getValue()));
      sizes.push_back(builder.getIndexAttr(1));
      continue;
    }
    const ScoreAxis &axis =
        rule.axes[cast<AffineDimExpr>(result).getPosition()];
    offsets.push_back(axis.offset);
    sizes.push_back(axis.loop ? axis.size
                              : OpFoldResult(builder.getIndexAttr(1)));
    if (axis.loop) {
      kept.push_back(i);
      loops.push_back(*axis.loop);
    }
  }
  operandOf[capture] = operands.size();
  operands.push_back(
      createSlice(builder, rule.captures[capture], offsets, sizes, kept));
  maps.push_back(selectDims(builder, rank, loops));
}

/// b, h, m or n of the element at hand, in the whole problem.
Value ScoreGeneric::position(ImplicitLocOpBuilder &builder, unsigned axis) {
  const ScoreAxis &a = rule.axes[axis];
  if (!a.loop)
    return getValueOrCreateConstantIndexOp(builder, builder.getLoc(), a.offset);
  Value index = linalg::IndexOp::create(builder, *a.loop);
  if (isZeroInteger(a.offset))
    return index;
  Value offset =
      getValueOrCreateConstantIndexOp(builder, builder.getLoc(), a.offset);
  return arith::AddIOp::create(builder, offset, index);
}

Value ScoreGeneric::read(ImplicitLocOpBuilder &builder, unsigned capture,
                         ValueRange elements) {
  Value source = rule.captures[capture];
  if (!isa<RankedTensorType>(source.getType()))
    return source;
  if (operandOf[capture])
    return elements[*operandOf[capture]];
  AffineMap map = rule.captureMaps[capture];
  SmallVector<OpFoldResult> positions;
  for (unsigned axis = 0; axis < 4; ++axis)
    positions.push_back(map.isFunctionOfDim(axis)
                            ? OpFoldResult(position(builder, axis))
                            : OpFoldResult(builder.getIndexAttr(0)));
  SmallVector<Value> indices;
  for (unsigned i = 0; i < map.getNumResults(); ++i) {
    OpFoldResult index = affine::makeComposedFoldedAffineApply(
        builder, builder.getLoc(), map.getSubMap({i}), positions);
    indices.push_back(
        getValueOrCreateConstantIndexOp(builder, builder.getLoc(), index));
  }
  return tensor::ExtractOp::create(builder, source, indices);
}

/// What `region` yields; `score` is its first argument when given.
Value ScoreGeneric::inlineRegion(ImplicitLocOpBuilder &builder, Region &region,
                                 Value score, ValueRange elements) {
  IRMapping mapping;
  unsigned first = score ? 1 : 0;
  if (score)
    mapping.map(region.getArgument(0), score);
  for (unsigned axis = 0; axis < 4; ++axis)
    if (isUsed(&region, first + axis))
      mapping.map(region.getArgument(first + axis), position(builder, axis));
  for (unsigned i = 0; i < rule.captures.size(); ++i)
    if (isUsed(&region, first + 4 + i))
      mapping.map(region.getArgument(first + 4 + i),
                  read(builder, i, elements));
  for (Operation &op : region.front().without_terminator())
    builder.clone(op, mapping);
  Value yielded = cast<YieldOp>(region.front().getTerminator()).getValue();
  return mapping.lookupOrDefault(yielded);
}

/// `keep`, or true for a key in the range that needs no mask.
Value ScoreGeneric::keepFull(ImplicitLocOpBuilder &builder, Value keep) {
  if (!rule.fullLo)
    return keep;
  Value n = position(builder, 3);
  Value above =
      arith::CmpIOp::create(builder, arith::CmpIPredicate::sge, n, rule.fullLo);
  Value below =
      arith::CmpIOp::create(builder, arith::CmpIPredicate::slt, n, rule.fullHi);
  Value full = arith::AndIOp::create(builder, above, below);
  return arith::OrIOp::create(builder, full, keep);
}

Value ScoreGeneric::create(ImplicitLocOpBuilder &builder) {
  for (auto [i, capture] : llvm::enumerate(rule.captures)) {
    auto type = dyn_cast<RankedTensorType>(capture.getType());
    if (type && isRead(i) && isSlice(type, rule.captureMaps[i]))
      addOperand(builder, i);
  }
  maps.push_back(builder.getMultiDimIdentityMap(rank));
  return createGeneric(
      builder, operands, products, maps, {},
      [&](ImplicitLocOpBuilder &b, ValueRange elements) -> Value {
        Value s = arith::MulFOp::create(b, elements.back(), rule.scale);
        if (rule.score && !rule.score->empty())
          s = inlineRegion(b, *rule.score, s, elements);
        if (!rule.mask || rule.mask->empty())
          return s;
        Value keep = inlineRegion(b, *rule.mask, {}, elements);
        Value lowest = createFloat(b, s.getType(),
                                   -std::numeric_limits<double>::infinity());
        return arith::SelectOp::create(b, keepFull(b, keep), s, lowest);
      });
}

Value ScoreRule::apply(ImplicitLocOpBuilder &builder, Value products) const {
  return ScoreGeneric(*this, products).create(builder);
}
