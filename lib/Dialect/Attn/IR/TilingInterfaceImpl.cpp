//===- TilingInterfaceImpl.cpp - How attn.sdpa is cut over batch, head and
// queries
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attn;

// The iteration domain is (B, H, M). Keys and channels are never cut here: the
// target's room walks the keys itself.

SmallVector<utils::IteratorType> SdpaOp::getLoopIteratorTypes() {
  return SmallVector<utils::IteratorType>(3, utils::IteratorType::parallel);
}

SmallVector<Range> SdpaOp::getIterationDomain(OpBuilder &builder) {
  SmallVector<Range> ranges;
  for (unsigned dim = 0; dim < 3; ++dim)
    ranges.push_back(
        {builder.getIndexAttr(0),
         tensor::getMixedSize(builder, getLoc(), getQuery(),
                              getLayoutPosition(getQueryLayout(), dim)),
         builder.getIndexAttr(1)});
  return ranges;
}

/// Slices logical dimensions b, h, s of `source`; the channels stay whole.
static Value sliceOf(OpBuilder &builder, Location loc, Value source,
                     AffineMap layout, ArrayRef<OpFoldResult> offsets,
                     ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> logicalOffsets(offsets), logicalSizes(sizes);
  logicalOffsets.push_back(builder.getIndexAttr(0));
  logicalSizes.push_back(
      tensor::getMixedSize(builder, loc, source, getLayoutPosition(layout, 3)));
  SmallVector<OpFoldResult> strides(4, builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(
      builder, loc, source, applyLayout<OpFoldResult>(layout, logicalOffsets),
      applyLayout<OpFoldResult>(layout, logicalSizes), strides);
}

/// Whether query heads [head, head + count) are known to be of one group: the
/// tiles of a loop begin at multiples of their size, so a divisor of the
/// group's size keeps them inside.
static bool shareKeyHead(OpFoldResult head, OpFoldResult count, OpFoldResult h,
                         OpFoldResult hkv) {
  std::optional<int64_t> size = getConstantIntValue(count);
  if (size == 1)
    return true;
  std::optional<int64_t> heads = getConstantIntValue(h),
                         keyHeads = getConstantIntValue(hkv),
                         first = getConstantIntValue(head);
  return size > 0 && heads && keyHeads > 0 &&
         (*heads / *keyHeads) % *size == 0 && first.value_or(0) % *size == 0;
}

/// The key/value head of query head `head`: head floordiv (H / Hkv).
static FailureOr<std::pair<OpFoldResult, OpFoldResult>>
keyHeads(SdpaOp op, OpBuilder &builder, OpFoldResult head, OpFoldResult count) {
  Location loc = op.getLoc();
  auto dim = [&](Value value, AffineMap layout) {
    return tensor::getMixedSize(builder, loc, value,
                                getLayoutPosition(layout, 1));
  };
  OpFoldResult h = dim(op.getQuery(), op.getQueryLayout());
  OpFoldResult hkv = dim(op.getKey(), op.getKeyLayout());
  if (isEqualConstantIntOrValue(h, hkv))
    return std::make_pair(head, count);
  if (!shareKeyHead(head, count, h, hkv))
    return failure();
  AffineExpr s0, s1, s2;
  bindSymbols(builder.getContext(), s0, s1, s2);
  OpFoldResult group = affine::makeComposedFoldedAffineApply(
      builder, loc, s0.floorDiv(s1), {h, hkv});
  OpFoldResult keyHead = affine::makeComposedFoldedAffineApply(
      builder, loc, s0.floorDiv(s1), {head, group});
  return std::make_pair(keyHead, OpFoldResult(builder.getIndexAttr(1)));
}

FailureOr<TilingResult>
SdpaOp::getTiledImplementation(OpBuilder &builder,
                               ArrayRef<OpFoldResult> offsets,
                               ArrayRef<OpFoldResult> sizes) {
  Location loc = getLoc();
  if (hasNamedVariants())
    return emitOpError("expects named variants to be expanded before tiling: "
                       "run attn-fuse-variants first");
  auto heads = keyHeads(*this, builder, offsets[1], sizes[1]);
  if (failed(heads))
    return emitOpError("expects tiles of query heads that share one key head");
  OpFoldResult zero = builder.getIndexAttr(0);
  OpFoldResult n = tensor::getMixedSize(builder, loc, getKey(),
                                        getLayoutPosition(getKeyLayout(), 2));
  SmallVector<OpFoldResult> keyOffsets{offsets[0], heads->first, zero};
  SmallVector<OpFoldResult> keySizes{sizes[0], heads->second, n};
  Value q = sliceOf(builder, loc, getQuery(), getQueryLayout(),
                    offsets.take_front(3), sizes.take_front(3));
  Value k =
      sliceOf(builder, loc, getKey(), getKeyLayout(), keyOffsets, keySizes);
  Value v =
      sliceOf(builder, loc, getValue(), getValueLayout(), keyOffsets, keySizes);

  // The regions see positions in the whole problem: pass the offsets on.
  SmallVector<Value> base;
  for (unsigned dim = 0; dim < 3; ++dim) {
    Value offset = getValueOrCreateConstantIndexOp(builder, loc, offsets[dim]);
    if (!getOffsets().empty())
      offset = arith::AddIOp::create(builder, loc, getOffsets()[dim], offset);
    base.push_back(offset);
  }
  SmallVector<Type> types;
  for (unsigned i = 0; i < getNumResults(); ++i) {
    SmallVector<OpFoldResult> resultOffsets, resultSizes;
    if (failed(getResultTilePosition(builder, i, offsets, sizes, resultOffsets,
                                     resultSizes)))
      return failure();
    SmallVector<int64_t> shape;
    for (OpFoldResult size : resultSizes)
      shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
    types.push_back(
        cast<RankedTensorType>(getResult(i).getType()).clone(shape));
  }
  IRMapping mapping;
  auto tiled = cast<SdpaOp>(builder.clone(*getOperation(), mapping));
  tiled.getQueryMutable().assign(q);
  tiled.getKeyMutable().assign(k);
  tiled.getValueMutable().assign(v);
  tiled.getOffsetsMutable().assign(base);
  if (getSinks()) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(tiled);
    OpFoldResult one = builder.getIndexAttr(1);
    tiled.getSinksMutable().assign(tensor::ExtractSliceOp::create(
        builder, loc, getSinks(), offsets[1], sizes[1], one));
  }
  for (auto [result, type] : llvm::zip(tiled->getResults(), types))
    result.setType(type);
  SmallVector<Operation *> slices{q.getDefiningOp(), k.getDefiningOp(),
                                  v.getDefiningOp()};
  return TilingResult{{tiled}, SmallVector<Value>(tiled->getResults()), slices};
}

LogicalResult SdpaOp::getResultTilePosition(
    OpBuilder &builder, unsigned number, ArrayRef<OpFoldResult> offsets,
    ArrayRef<OpFoldResult> sizes, SmallVector<OpFoldResult> &resultOffsets,
    SmallVector<OpFoldResult> &resultSizes) {
  Location loc = getLoc();
  OpFoldResult zero = builder.getIndexAttr(0);
  resultOffsets.assign(offsets.begin(), offsets.begin() + 3);
  resultSizes.assign(sizes.begin(), sizes.begin() + 3);
  Value result = getResult(number);
  if (result == getLse())
    return success();
  bool isWeights = result == getWeights();
  Value source = isWeights ? getKey() : getValue();
  AffineMap sourceLayout = isWeights ? getKeyLayout() : getValueLayout();
  resultOffsets.push_back(zero);
  resultSizes.push_back(
      tensor::getMixedSize(builder, loc, source,
                           getLayoutPosition(sourceLayout, isWeights ? 2 : 3)));
  if (isWeights)
    return success();
  resultOffsets = applyLayout<OpFoldResult>(getOutputLayout(), resultOffsets);
  resultSizes = applyLayout<OpFoldResult>(getOutputLayout(), resultSizes);
  return success();
}

FailureOr<TilingResult>
SdpaOp::generateResultTileValue(OpBuilder &builder, unsigned number,
                                ArrayRef<OpFoldResult> offsets,
                                ArrayRef<OpFoldResult> sizes) {
  // Back from the result's memory order to (b, h, m); a tile of the output
  // spans all channels.
  SmallVector<OpFoldResult> logicalOffsets, logicalSizes;
  bool isOutput = getResult(number) == getOutput();
  AffineMap layout =
      isOutput ? getOutputLayout() : getIdentityLayout(getContext());
  for (unsigned dim = 0; dim < 3; ++dim) {
    unsigned position = isOutput ? getLayoutPosition(layout, dim) : dim;
    logicalOffsets.push_back(offsets[position]);
    logicalSizes.push_back(sizes[position]);
  }
  FailureOr<TilingResult> tiled =
      getTiledImplementation(builder, logicalOffsets, logicalSizes);
  if (failed(tiled))
    return failure();
  tiled->tiledValues = {tiled->tiledValues[number]};
  return tiled;
}
