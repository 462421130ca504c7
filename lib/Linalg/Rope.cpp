//===- Rope.cpp - attn.rope as elementwise linalg on slices ---------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The first and the second channel of each pair are two tensors (the halves, or
// every other channel), so that both outputs are plain elementwise generics
// written into slices of a copy of x.
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "Lowerings.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;

namespace {
/// Channels offset, offset + stride, ...
struct Channels {
  OpFoldResult offset, size;
  int64_t stride;
};

class RopeLowering {
public:
  RopeLowering(RopeOp op, ImplicitLocOpBuilder &builder);
  Value create();

private:
  /// Offsets, sizes and strides of a slice of x.
  struct Slice {
    SmallVector<OpFoldResult> offsets, sizes, strides;
  };
  Slice sliceOf(const Channels &channels);
  Value take(Value from, const Channels &channels);
  Value put(Value part, Value into, const Channels &channels);
  Value turn(Value destination, bool isSecond);
  AffineMap tableMap();

  RopeOp op;
  ImplicitLocOpBuilder &builder;
  SmallVector<OpFoldResult> sizes; ///< of x, in memory order
  Channels first, second;
};
} // namespace

RopeLowering::RopeLowering(RopeOp op, ImplicitLocOpBuilder &builder)
    : op(op), builder(builder) {
  Location loc = op.getLoc();
  sizes = tensor::getMixedSizes(builder, loc, op.getX());
  auto table = cast<RankedTensorType>(op.getCos().getType());
  OpFoldResult pairs =
      tensor::getMixedSize(builder, loc, op.getCos(), table.getRank() - 1);
  // Take what either operand says of a size: where slices and generics came to
  // differ in it, inserting would cost a copy.
  for (auto [i, dim] : llvm::enumerate(tableMap().getResults())) {
    unsigned position = cast<AffineDimExpr>(dim).getPosition();
    if (int64_t(i) + 1 < table.getRank() && !table.isDynamicDim(i))
      sizes[position] = builder.getIndexAttr(table.getDimSize(i));
  }
  OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
  bool interleaved = op.getInterleaved();
  first = {zero, pairs, interleaved ? 2 : 1};
  second = {interleaved ? one : pairs, pairs, interleaved ? 2 : 1};
}

RopeLowering::Slice RopeLowering::sliceOf(const Channels &channels) {
  OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
  Slice slice{SmallVector<OpFoldResult>(4, zero), sizes,
              SmallVector<OpFoldResult>(4, one)};
  unsigned position = getLayoutPosition(op.getLayout(), 3);
  slice.offsets[position] = channels.offset;
  slice.sizes[position] = channels.size;
  slice.strides[position] = builder.getIndexAttr(channels.stride);
  return slice;
}

Value RopeLowering::take(Value from, const Channels &channels) {
  Slice slice = sliceOf(channels);
  return tensor::ExtractSliceOp::create(builder, from, slice.offsets,
                                        slice.sizes, slice.strides);
}

Value RopeLowering::put(Value part, Value into, const Channels &channels) {
  Slice slice = sliceOf(channels);
  return tensor::InsertSliceOp::create(builder, part, into, slice.offsets,
                                       slice.sizes, slice.strides);
}

/// Memory dimensions of x to those of the tables, [S, R/2] or [B, S, R/2].
AffineMap RopeLowering::tableMap() {
  SmallVector<unsigned> dims;
  if (cast<RankedTensorType>(op.getCos().getType()).getRank() == 3)
    dims.push_back(getLayoutPosition(op.getLayout(), 0));
  dims.push_back(getLayoutPosition(op.getLayout(), 2));
  dims.push_back(getLayoutPosition(op.getLayout(), 3));
  return selectDims(builder, 4, dims);
}

/// Writes a cos - b sin, or b cos + a sin, into its channels of `destination`.
Value RopeLowering::turn(Value destination, bool isSecond) {
  const Channels &channels = isSecond ? second : first;
  AffineMap identity = builder.getMultiDimIdentityMap(4), table = tableMap();
  FloatType accumulator =
      getAccumulatorTypeFor(getElementTypeOrSelf(op.getX().getType()));
  Value part = createGeneric(
      builder,
      {take(op.getX(), first), take(op.getX(), second), op.getCos(),
       op.getSin()},
      take(destination, channels), {identity, identity, table, table, identity},
      {}, [&](ImplicitLocOpBuilder &inner, ValueRange e) -> Value {
        Value a = convertFloat(inner, e[0], accumulator);
        Value b = convertFloat(inner, e[1], accumulator);
        Value cos = convertFloat(inner, e[2], accumulator);
        Value sin = convertFloat(inner, e[3], accumulator);
        Value kept = arith::MulFOp::create(inner, isSecond ? b : a, cos);
        Value moved = arith::MulFOp::create(inner, isSecond ? a : b, sin);
        Value turned =
            isSecond ? arith::AddFOp::create(inner, kept, moved).getResult()
                     : arith::SubFOp::create(inner, kept, moved).getResult();
        return convertFloat(inner, turned, e[4].getType());
      });
  return put(part, destination, channels);
}

Value RopeLowering::create() {
  // The channels that pass come with a copy of x, which is also what gives the
  // result a buffer of its own: CSE makes one tensor.empty of two, and slices
  // inserted into that would be copied through a temporary.
  Value empty = createEmpty(builder, op.getResult().getType(), sizes);
  Value result = linalg::CopyOp::create(builder, op.getX(), empty).getResult(0);
  return turn(turn(result, /*isSecond=*/false), /*isSecond=*/true);
}

/// Nothing to turn, as far as the types say; slices of nothing do not verify.
static bool isTrivial(RopeOp op) {
  auto x = cast<RankedTensorType>(op.getX().getType());
  auto table = cast<RankedTensorType>(op.getCos().getType());
  return llvm::is_contained(x.getShape(), 0) ||
         llvm::is_contained(table.getShape(), 0);
}

LogicalResult attn::lowerToLinalg(RewriterBase &rewriter, RopeOp op) {
  if (isTrivial(op)) {
    rewriter.replaceOp(op, op.getX());
    return success();
  }
  ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
  rewriter.replaceOp(op, RopeLowering(op, builder).create());
  return success();
}
