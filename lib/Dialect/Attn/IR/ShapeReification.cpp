//===- ShapeReification.cpp - Result shapes of the attn ops as values
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace attn;

static OpFoldResult dimOf(OpBuilder &builder, Location loc, Value value,
                          AffineMap layout, unsigned dim) {
  return tensor::getMixedSize(builder, loc, value,
                              getLayoutPosition(layout, dim));
}

/// A result that is static where its type says so and `sizes` elsewhere.
static SmallVector<OpFoldResult> withStatic(OpBuilder &builder, Type type,
                                            ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> result(sizes);
  auto shaped = cast<RankedTensorType>(type);
  for (int64_t i = 0; i < shaped.getRank(); ++i)
    if (!shaped.isDynamicDim(i))
      result[i] = builder.getIndexAttr(shaped.getDimSize(i));
  return result;
}

LogicalResult SdpaOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  auto query = [&](unsigned dim) {
    return dimOf(builder, loc, getQuery(), getQueryLayout(), dim);
  };
  OpFoldResult b = query(0), h = query(1), m = query(2);
  OpFoldResult n = dimOf(builder, loc, getKey(), getKeyLayout(), 2);
  OpFoldResult dv = dimOf(builder, loc, getValue(), getValueLayout(), 3);
  SmallVector<OpFoldResult> output =
      applyLayout<OpFoldResult>(getOutputLayout(), {b, h, m, dv});
  shapes.push_back(withStatic(builder, getOutput().getType(), output));
  if (getLse())
    shapes.push_back(withStatic(builder, getLse().getType(), {b, h, m}));
  if (getWeights())
    shapes.push_back(withStatic(builder, getWeights().getType(), {b, h, m, n}));
  return success();
}

LogicalResult MergeOp::reifyResultShapes(OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  SmallVector<OpFoldResult> lses =
      tensor::getMixedSizes(builder, loc, getPartLses());
  OpFoldResult dv = tensor::getMixedSize(
      builder, loc, getParts(), 1 + getLayoutPosition(getPartLayout(), 3));
  shapes.push_back(
      withStatic(builder, getOutput().getType(),
                 applyLayout<OpFoldResult>(getOutputLayout(),
                                           {lses[1], lses[2], lses[3], dv})));
  if (getLse())
    shapes.push_back(
        withStatic(builder, getLse().getType(), ArrayRef(lses).drop_front()));
  return success();
}

LogicalResult
GatherPagesOp::reifyResultShapes(OpBuilder &builder,
                                 ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  auto pool = [&](unsigned dim) {
    return dimOf(builder, loc, getPool(), getPoolLayout(), dim);
  };
  OpFoldResult b = tensor::getMixedSize(builder, loc, getTable(), 0);
  OpFoldResult pages = tensor::getMixedSize(builder, loc, getTable(), 1);
  AffineExpr s0, s1;
  bindSymbols(builder.getContext(), s0, s1);
  OpFoldResult n = affine::makeComposedFoldedAffineApply(builder, loc, s0 * s1,
                                                         {pages, pool(2)});
  shapes.push_back(withStatic(
      builder, getResult().getType(),
      applyLayout<OpFoldResult>(getResultLayout(), {b, pool(1), n, pool(3)})));
  return success();
}

LogicalResult MhaOp::reifyResultShapes(OpBuilder &builder,
                                       ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  SmallVector<OpFoldResult> x = tensor::getMixedSizes(builder, loc, getX());
  OpFoldResult n = tensor::getMixedSize(builder, loc, getKeySource(), 1);
  OpFoldResult e = tensor::getMixedSize(builder, loc, getWeights().back(), 0);
  shapes.push_back(withStatic(builder, getOutput().getType(), {x[0], x[1], e}));
  if (getProbabilities())
    shapes.push_back(
        withStatic(builder, getProbabilities().getType(),
                   {x[0], builder.getIndexAttr(getHeads()), x[1], n}));
  return success();
}

LogicalResult
SplitHeadsOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  SmallVector<OpFoldResult> x = tensor::getMixedSizes(builder, loc, getX());
  AffineExpr e = builder.getAffineDimExpr(0);
  OpFoldResult d = affine::makeComposedFoldedAffineApply(
      builder, loc, e.floorDiv(getHeads()), {x[2]});
  shapes.push_back(
      withStatic(builder, getResult().getType(),
                 {x[0], builder.getIndexAttr(getHeads()), x[1], d}));
  return success();
}

LogicalResult
MergeHeadsOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  SmallVector<OpFoldResult> x = tensor::getMixedSizes(builder, loc, getX());
  AffineExpr h = builder.getAffineDimExpr(0), d = builder.getAffineDimExpr(1);
  OpFoldResult e =
      affine::makeComposedFoldedAffineApply(builder, loc, h * d, {x[1], x[3]});
  shapes.push_back(withStatic(builder, getResult().getType(), {x[0], x[2], e}));
  return success();
}

LogicalResult RopeOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(builder, getLoc(), getX()));
  return success();
}

LogicalResult QkNormOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(builder, getLoc(), getX()));
  return success();
}
