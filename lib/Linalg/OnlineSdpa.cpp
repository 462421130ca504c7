//===- OnlineSdpa.cpp - attn.online_sdpa as a loop over key blocks --------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// An scf.for that carries (acc, max, sum) as tensors [m, Dv], [m], [m]. The
// blocks begin at multiples of the block size, whatever the range, so that a
// row's bits do not depend on where its group's range begins.
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "Lowerings.h"
#include "ScoreRule.h"
#include "Softmax.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <limits>

using namespace mlir;
using namespace attn;

/// Keys per block where no plan says it.
static constexpr int64_t defaultKeyBlock = 64;
static constexpr double infinity = std::numeric_limits<double>::infinity();

namespace {
/// The running result of one query group.
struct Partial {
  Value acc, max, sum;
};

class OnlineSdpa {
public:
  OnlineSdpa(OnlineSdpaOp op, ImplicitLocOpBuilder &builder);
  Partial create();

private:
  /// Rows [from, from + count) of an operand as a matrix in its memory order.
  Value matrix(Value tensor, unsigned operand, OpFoldResult from,
               OpFoldResult count);
  AffineMap matrixMap(unsigned operand, unsigned row, unsigned channel);
  Partial step(ImplicitLocOpBuilder &b, Value from, Value count,
               const Partial &before);
  Value scores(ImplicitLocOpBuilder &b, Value from, Value count);
  Value rescale(ImplicitLocOpBuilder &b, Value tensor, Value factor);

  OnlineSdpaOp op;
  ImplicitLocOpBuilder &builder;
  FloatType accumulator;
  OpFoldResult zero, m, dv;
  Value query;
};
} // namespace

OnlineSdpa::OnlineSdpa(OnlineSdpaOp op, ImplicitLocOpBuilder &builder)
    : op(op), builder(builder), accumulator(op.getAccumulatorType()),
      zero(builder.getIndexAttr(0)) {
  auto sizeOf = [&](Value value, unsigned operand, unsigned dim) {
    return tensor::getMixedSize(builder, op.getLoc(), value,
                                getLayoutPosition(op.getLayout(operand), dim));
  };
  m = sizeOf(op.getQuery(), 0, 2);
  dv = sizeOf(op.getValue(), 2, 3);
  query = matrix(op.getQuery(), 0, zero, m);
}

Value OnlineSdpa::matrix(Value tensor, unsigned operand, OpFoldResult from,
                         OpFoldResult count) {
  AffineMap layout = op.getLayout(operand);
  unsigned row = getLayoutPosition(layout, 2);
  unsigned channel = getLayoutPosition(layout, 3);
  SmallVector<OpFoldResult> offsets(4, zero);
  SmallVector<OpFoldResult> sizes(4, builder.getIndexAttr(1));
  offsets[row] = from;
  sizes[row] = count;
  sizes[channel] =
      tensor::getMixedSize(builder, builder.getLoc(), tensor, channel);
  return createSlice(builder, tensor, offsets, sizes,
                     {std::min(row, channel), std::max(row, channel)});
}

/// How dimensions (m, n, d) of a contraction index the matrix of an operand.
AffineMap OnlineSdpa::matrixMap(unsigned operand, unsigned row,
                                unsigned channel) {
  AffineMap layout = op.getLayout(operand);
  bool rowsFirst = getLayoutPosition(layout, 2) < getLayoutPosition(layout, 3);
  if (rowsFirst)
    return selectDims(builder, 3, {row, channel});
  return selectDims(builder, 3, {channel, row});
}

/// The scores of keys [from, from + count), as [m, count].
Value OnlineSdpa::scores(ImplicitLocOpBuilder &b, Value from, Value count) {
  Value keys = matrix(op.getKey(), 1, from, count);
  Value empty = createFilled(b, {m, count}, accumulator, 0.0);
  Value products = createGeneric(
      b, {query, keys}, empty,
      {matrixMap(0, 0, 2), matrixMap(1, 1, 2), selectDims(b, 3, {0, 1})}, {2},
      [&](ImplicitLocOpBuilder &inner, ValueRange e) -> Value {
        Value product =
            arith::MulFOp::create(inner, convertFloat(inner, e[0], accumulator),
                                  convertFloat(inner, e[1], accumulator));
        return arith::AddFOp::create(inner, e[2], product);
      });
  ScoreRule rule;
  rule.axes = {ScoreAxis{op.getBatch(), {}, {}},
               ScoreAxis{op.getHead(), {}, {}}, ScoreAxis{op.getRow(), m, 0},
               ScoreAxis{from, count, 1}};
  rule.scale = op.getScale();
  rule.score = &op.getScore();
  rule.mask = &op.getMask();
  rule.captures = llvm::to_vector(op.getCaptures());
  rule.captureMaps = op.getCaptureMapValues();
  rule.fullLo = op.getFullLo();
  rule.fullHi = op.getFullHi();
  return rule.apply(b, products);
}

/// factor[row] * tensor[row, ...], in place.
Value OnlineSdpa::rescale(ImplicitLocOpBuilder &b, Value tensor, Value factor) {
  unsigned rank = cast<RankedTensorType>(tensor.getType()).getRank();
  return createGeneric(
      b, factor, tensor,
      {selectDims(b, rank, {0}), b.getMultiDimIdentityMap(rank)}, {},
      [](ImplicitLocOpBuilder &inner, ValueRange e) -> Value {
        return arith::MulFOp::create(inner, e[1], e[0]);
      });
}

/// exp(old max - new max) for each row, what the sums so far must be scaled by.
/// A row without a kept key so far has nothing to carry on, and -inf - -inf
/// would make NaN of it.
static Value createFactors(ImplicitLocOpBuilder &builder, Value oldMax,
                           Value blockMax) {
  AffineMap row = builder.getMultiDimIdentityMap(1);
  Value empty = tensor::EmptyOp::create(
      builder, tensor::getMixedSizes(builder, builder.getLoc(), oldMax),
      getElementTypeOrSelf(oldMax.getType()));
  return createGeneric(
      builder, {oldMax, blockMax}, empty, {row, row, row}, {},
      [](ImplicitLocOpBuilder &b, ValueRange e) -> Value {
        Type type = e[0].getType();
        Value none = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, e[0],
                                           createFloat(b, type, -infinity));
        Value newMax = arith::MaximumFOp::create(b, e[0], e[1]);
        Value factor =
            math::ExpOp::create(b, arith::SubFOp::create(b, e[0], newMax));
        return arith::SelectOp::create(b, none, createFloat(b, type, 0.0),
                                       factor);
      });
}

/// Every carried tensor is last read before it is written, so that the loop
/// works in place.
Partial OnlineSdpa::step(ImplicitLocOpBuilder &b, Value from, Value count,
                         const Partial &before) {
  Value s = scores(b, from, count);
  Value blockMax =
      createRowMax(b, s, createFilled(b, m, accumulator, -infinity));
  Value factors = createFactors(b, before.max, blockMax);
  AffineMap row = b.getMultiDimIdentityMap(1);
  Value max =
      createGeneric(b, blockMax, before.max, {row, row}, {},
                    [](ImplicitLocOpBuilder &inner, ValueRange e) -> Value {
                      return arith::MaximumFOp::create(inner, e[1], e[0]);
                    });
  Value p = createExponentials(b, s, max);
  Value sum = createRowSum(b, p, rescale(b, before.sum, factors));
  Value acc = createWeightedSum(
      b, p, matrix(op.getValue(), 2, from, count),
      rescale(b, before.acc, factors),
      {selectDims(b, 3, {0, 1}), matrixMap(2, 1, 2), selectDims(b, 3, {0, 2})},
      1);
  return {acc, max, sum};
}

Partial OnlineSdpa::create() {
  Location loc = op.getLoc();
  int64_t size = op.getPlan() ? op.getPlan()->getKeyBlock() : defaultKeyBlock;
  Value block = arith::ConstantIndexOp::create(builder, size);
  AffineExpr s0 = builder.getAffineSymbolExpr(0);
  Value first = getValueOrCreateConstantIndexOp(
      builder, loc,
      affine::makeComposedFoldedAffineApply(
          builder, loc, s0.floorDiv(size) * size, {op.getLo()}));
  SmallVector<Value> inits{createFilled(builder, {m, dv}, accumulator, 0.0),
                           createFilled(builder, m, accumulator, -infinity),
                           createFilled(builder, m, accumulator, 0.0)};
  auto loop = scf::ForOp::create(
      builder, first, op.getHi(), block, inits,
      [&](OpBuilder &nested, Location, Value at, ValueRange carried) {
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPoint(nested.getInsertionBlock(),
                                  nested.getInsertionPoint());
        Value from = arith::MaxSIOp::create(builder, at, op.getLo());
        Value next = arith::AddIOp::create(builder, at, block);
        Value to = arith::MinSIOp::create(builder, next, op.getHi());
        Value count = arith::SubIOp::create(builder, to, from);
        Partial after =
            step(builder, from, count, {carried[0], carried[1], carried[2]});
        scf::YieldOp::create(builder,
                             ValueRange{after.acc, after.max, after.sum});
      });
  return {loop.getResult(0), loop.getResult(1), loop.getResult(2)};
}

/// O and, when asked for, LSE into the destinations of `op`.
static SmallVector<Value> finalize(ImplicitLocOpBuilder &builder, FinalizeOp op,
                                   const Partial &partial) {
  Value sink = op.getSinks().empty() ? Value() : op.getSinks().front();
  Value denominator =
      createDenominator(builder, partial.max, partial.sum, sink, AffineMap());
  SmallVector<unsigned> memory;
  for (AffineExpr result : op.getLayout().getResults())
    memory.push_back(cast<AffineDimExpr>(result).getPosition());
  SmallVector<Value> results{createNormalized(
      builder, partial.acc, denominator, op.getInits()[0],
      {selectDims(builder, 4, {2, 3}), selectDims(builder, 4, {2}),
       selectDims(builder, 4, memory)})};
  if (op.getInits().size() == 2)
    results.push_back(createLse(builder, partial.max, partial.sum,
                                op.getInits()[1], selectDims(builder, 3, {2})));
  return results;
}

LogicalResult attn::lowerToLinalg(RewriterBase &rewriter, OnlineSdpaOp op) {
  SmallVector<FinalizeOp> users;
  for (Operation *user : op.getPartial().getUsers()) {
    auto finalizer = dyn_cast<FinalizeOp>(user);
    if (!finalizer)
      return op.emitOpError() << "expects its result to go to attn.finalize, "
                                 "but got a use by '"
                              << user->getName() << "'";
    users.push_back(finalizer);
  }
  auto isTensor = [](Type type) { return isa<RankedTensorType>(type); };
  for (Value operand : {op.getQuery(), op.getKey(), op.getValue()})
    if (!isTensor(operand.getType()))
      return op.emitOpError() << "expects tensors before attn-linalg, but got "
                              << operand.getType();
  for (FinalizeOp user : users)
    if (!llvm::all_of(user.getInits().getTypes(), isTensor))
      return user.emitOpError("expects tensors before attn-linalg");

  int64_t heads = getLogicalDim(cast<ShapedType>(op.getQuery().getType()),
                                op.getLayout(0), 1);
  if (heads != 1)
    return op.emitOpError()
           << "expects one query head for attn-linalg, but got " << heads
           << ": tile them one by one";
  ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
  Partial partial = OnlineSdpa(op, builder).create();
  for (FinalizeOp user : users) {
    rewriter.setInsertionPoint(user);
    ImplicitLocOpBuilder at(user.getLoc(), rewriter);
    rewriter.replaceOp(user, finalize(at, user, partial));
  }
  rewriter.eraseOp(op);
  return success();
}
