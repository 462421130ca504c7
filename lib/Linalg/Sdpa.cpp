//===- Sdpa.cpp - attn.sdpa in its unfused form ---------------------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One buffer of scores for the whole problem, which becomes the exponentials
// in place. Query heads that share a key head are
// a dimension of their own (b, hkv, g, m, n), since "h floordiv group" is not
// a map that linalg takes; layouts are permuted maps, never transposes. Only
// where the number of key heads is unknown are keys and values repeated: an
// expand_shape to two dynamic dimensions cannot be lowered upstream.
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "Lowerings.h"
#include "ScoreRule.h"
#include "Softmax.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

namespace {
/// The lowering of one op; sizes are those of the whole problem.
class UnfusedSdpa {
public:
  UnfusedSdpa(SdpaOp op, ImplicitLocOpBuilder &builder);
  SmallVector<Value> create();

private:
  OpFoldResult sizeOf(Value value, unsigned operand, unsigned dim) {
    return tensor::getMixedSize(builder, op.getLoc(), value,
                                getLayoutPosition(op.getLayout(operand), dim));
  }
  void findGroups();
  Value repeatHeads(Value tensor, unsigned operand, Value perKey);
  AffineMap memoryMap(unsigned operand, ArrayRef<unsigned> heads,
                      unsigned sequence, unsigned channel, unsigned rank);
  Value split(Value tensor, unsigned position);
  Value merge(Value tensor);
  Value scale();
  Value products();
  ScoreRule rule();
  Value weightedValues(Value exponentials);

  SdpaOp op;
  ImplicitLocOpBuilder &builder;
  FloatType accumulator;
  Value keys, values;
  OpFoldResult b, h, hkv, m, n, d, dv;
  /// Query heads per key head; null where every head has its own keys.
  OpFoldResult group;
};
} // namespace

UnfusedSdpa::UnfusedSdpa(SdpaOp op, ImplicitLocOpBuilder &builder)
    : op(op), builder(builder), accumulator(op.getAccumulatorType()),
      keys(op.getKey()), values(op.getValue()) {
  b = sizeOf(op.getQuery(), 0, 0);
  h = sizeOf(op.getQuery(), 0, 1);
  hkv = sizeOf(keys, 1, 1);
  m = sizeOf(op.getQuery(), 0, 2);
  n = sizeOf(keys, 1, 2);
  d = sizeOf(op.getQuery(), 0, 3);
  dv = sizeOf(values, 2, 3);
  findGroups();
}

void UnfusedSdpa::findGroups() {
  std::optional<int64_t> heads = getConstantIntValue(h);
  std::optional<int64_t> keyHeads = getConstantIntValue(hkv);
  if (heads && keyHeads) {
    if (*heads != *keyHeads)
      group = builder.getIndexAttr(*heads / *keyHeads);
    return;
  }
  // No head at all must not divide by zero.
  Location loc = op.getLoc();
  Value one = arith::ConstantIndexOp::create(builder, 1);
  Value divisor = arith::MaxUIOp::create(
      builder, getValueOrCreateConstantIndexOp(builder, loc, hkv), one);
  Value perKey = arith::DivUIOp::create(
      builder, getValueOrCreateConstantIndexOp(builder, loc, h), divisor);
  if (keyHeads) {
    group = perKey;
    return;
  }
  keys = repeatHeads(keys, 1, perKey);
  values = repeatHeads(values, 2, perKey);
}

/// Keys or values with one head per query head, in the same memory order.
Value UnfusedSdpa::repeatHeads(Value tensor, unsigned operand, Value perKey) {
  unsigned position = getLayoutPosition(op.getLayout(operand), 1);
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, op.getLoc(), tensor);
  sizes[position] = h;
  Value empty = tensor::EmptyOp::create(builder, sizes,
                                        getElementTypeOrSelf(tensor.getType()));
  return createGeneric(
      builder, {}, empty, builder.getMultiDimIdentityMap(4), {},
      [&](ImplicitLocOpBuilder &inner, ValueRange) -> Value {
        SmallVector<Value> indices;
        for (unsigned dim = 0; dim < 4; ++dim)
          indices.push_back(linalg::IndexOp::create(inner, dim));
        indices[position] =
            arith::DivUIOp::create(inner, indices[position], perKey);
        return tensor::ExtractOp::create(inner, tensor, indices);
      });
}

/// Operand `operand` indexed by dimensions of a space of `rank`: batch is
/// dimension 0 and `heads` are one dimension, or two where heads are grouped.
AffineMap UnfusedSdpa::memoryMap(unsigned operand, ArrayRef<unsigned> heads,
                                 unsigned sequence, unsigned channel,
                                 unsigned rank) {
  SmallVector<unsigned> dims;
  for (AffineExpr result : op.getLayout(operand).getResults()) {
    switch (cast<AffineDimExpr>(result).getPosition()) {
    case 0:
      dims.push_back(0);
      break;
    case 1:
      llvm::append_range(dims, heads);
      break;
    case 2:
      dims.push_back(sequence);
      break;
    default:
      dims.push_back(channel);
    }
  }
  return selectDims(builder, rank, dims);
}

static SmallVector<ReassociationIndices> splitAt(unsigned rank,
                                                 unsigned position) {
  SmallVector<ReassociationIndices> groups;
  for (unsigned i = 0, next = 0; i < rank; ++i) {
    groups.push_back({next++});
    if (i == position)
      groups.back().push_back(next++);
  }
  return groups;
}

/// Dimension `position` of `tensor`, the query heads, as (hkv, group).
Value UnfusedSdpa::split(Value tensor, unsigned position) {
  auto type = cast<RankedTensorType>(tensor.getType());
  std::optional<int64_t> keyHeads = getConstantIntValue(hkv);
  std::optional<int64_t> perKey = getConstantIntValue(group);
  // A static dimension does not expand into dynamic ones.
  if (!type.isDynamicDim(position) && !(keyHeads && perKey)) {
    SmallVector<int64_t> open(type.getShape());
    open[position] = ShapedType::kDynamic;
    type = type.clone(open);
    tensor = castTo(builder, tensor, type);
  }
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, op.getLoc(), tensor);
  sizes[position] = hkv;
  sizes.insert(sizes.begin() + position + 1, group);
  SmallVector<int64_t> shape(type.getShape());
  shape[position] = keyHeads.value_or(ShapedType::kDynamic);
  shape.insert(shape.begin() + position + 1,
               perKey.value_or(ShapedType::kDynamic));
  return tensor::ExpandShapeOp::create(builder, type.clone(shape), tensor,
                                       splitAt(type.getRank(), position),
                                       sizes);
}

/// Dimensions 1 and 2, (hkv, group), as the query heads again.
Value UnfusedSdpa::merge(Value tensor) {
  auto rank = cast<RankedTensorType>(tensor.getType()).getRank();
  Value merged =
      tensor::CollapseShapeOp::create(builder, tensor, splitAt(rank - 1, 1));
  auto type = cast<RankedTensorType>(merged.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[1] = getConstantIntValue(h).value_or(ShapedType::kDynamic);
  return castTo(builder, merged, type.clone(shape));
}

/// The scale given, or 1 / sqrt(D).
Value UnfusedSdpa::scale() {
  if (op.getScale())
    return op.getScale();
  if (std::optional<int64_t> channels = getConstantIntValue(d))
    return createFloat(builder, accumulator,
                       1.0 / std::sqrt(double(*channels)));
  Type wide = builder.getF64Type();
  Value root = math::SqrtOp::create(
      builder, sizeAsFloat(builder, d, cast<FloatType>(wide)));
  Value inverse =
      arith::DivFOp::create(builder, createFloat(builder, wide, 1.0), root);
  return convertFloat(builder, inverse, accumulator);
}

/// sum_d Q[m,d] K[n,d], as [B, H, M, N].
Value UnfusedSdpa::products() {
  Value query = op.getQuery();
  SmallVector<OpFoldResult> sizes{b, h, m, n};
  SmallVector<unsigned> heads{1}, keyHeads{1};
  if (group) {
    query = split(query, getLayoutPosition(op.getQueryLayout(), 1));
    sizes = {b, hkv, group, m, n};
    heads.push_back(2);
  }
  unsigned row = heads.size() + 1, key = row + 1, channel = row + 2;
  unsigned rank = channel + 1;
  auto all = llvm::to_vector(llvm::seq(0u, channel));
  Value zero = createFilled(builder, sizes, accumulator, 0.0);
  Value result = createGeneric(
      builder, {query, keys}, zero,
      {memoryMap(0, heads, row, channel, rank),
       memoryMap(1, keyHeads, key, channel, rank),
       selectDims(builder, rank, all)},
      {channel}, [&](ImplicitLocOpBuilder &inner, ValueRange e) -> Value {
        Value product =
            arith::MulFOp::create(inner, convertFloat(inner, e[0], accumulator),
                                  convertFloat(inner, e[1], accumulator));
        return arith::AddFOp::create(inner, e[2], product);
      });
  return group ? merge(result) : result;
}

ScoreRule UnfusedSdpa::rule() {
  ScoreRule result;
  OpFoldResult sizes[] = {b, h, m, n};
  for (unsigned axis = 0; axis < 4; ++axis) {
    OpFoldResult offset = builder.getIndexAttr(0);
    if (axis < 3 && !op.getOffsets().empty())
      offset = getAsOpFoldResult(op.getOffsets()[axis]);
    result.axes[axis] = {offset, sizes[axis], axis};
  }
  result.scale = scale();
  result.score = &op.getScore();
  result.mask = &op.getMask();
  result.captures = llvm::to_vector(op.getCaptures());
  result.captureMaps = op.getCaptureMapValues();
  return result;
}

/// sum_n p[n] V[n], as [B, H, M, Dv].
Value UnfusedSdpa::weightedValues(Value exponentials) {
  SmallVector<OpFoldResult> sizes{b, h, m, dv};
  SmallVector<unsigned> keyHeads{1};
  if (group) {
    exponentials = split(exponentials, 1);
    sizes = {b, hkv, group, m, dv};
  }
  // Channels innermost: a row of V is read in order for each key.
  unsigned row = group ? 3 : 2, key = row + 1, channel = row + 2;
  unsigned rank = channel + 1;
  auto scores = llvm::to_vector(llvm::seq(0u, channel)), output = scores;
  output.back() = channel;
  Value zero = createFilled(builder, sizes, accumulator, 0.0);
  Value result = createWeightedSum(builder, exponentials, values, zero,
                                   {selectDims(builder, rank, scores),
                                    memoryMap(2, keyHeads, key, channel, rank),
                                    selectDims(builder, rank, output)},
                                   key);
  return group ? merge(result) : result;
}

SmallVector<Value> UnfusedSdpa::create() {
  ReifiedRankedShapedTypeDims shapes;
  (void)op.reifyResultShapes(builder, shapes);
  Value scores = rule().apply(builder, products());
  SmallVector<OpFoldResult> rows{b, h, m};
  double lowest = -std::numeric_limits<double>::infinity();
  Value max = createRowMax(builder, scores,
                           createFilled(builder, rows, accumulator, lowest));
  Value exponentials = createExponentials(builder, scores, max);
  Value sum = createRowSum(builder, exponentials,
                           createFilled(builder, rows, accumulator, 0.0));
  Value acc = weightedValues(exponentials);
  Value denominator = createDenominator(builder, max, sum, op.getSinks(),
                                        selectDims(builder, 3, {1}));

  SmallVector<Value> results;
  Value output = createEmpty(builder, op.getOutput().getType(), shapes[0]);
  results.push_back(createNormalized(builder, acc, denominator, output,
                                     {selectDims(builder, 4, {0, 1, 2, 3}),
                                      selectDims(builder, 4, {0, 1, 2}),
                                      memoryMap(3, {1}, 2, 3, 4)}));
  if (op.getLse()) {
    Value lse = createEmpty(builder, op.getLse().getType(), shapes[1]);
    results.push_back(
        createLse(builder, max, sum, lse, builder.getMultiDimIdentityMap(3)));
  }
  if (op.getWeights()) {
    Value weights =
        createEmpty(builder, op.getWeights().getType(), shapes.back());
    results.push_back(
        createWeights(builder, exponentials, denominator, weights));
  }
  return results;
}

LogicalResult attn::lowerToLinalg(RewriterBase &rewriter, SdpaOp op) {
  if (op.hasNamedVariants())
    return op.emitOpError("expects named variants to be expanded before "
                          "attn-linalg: run attn-fuse-variants first");
  ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
  rewriter.replaceOp(op, UnfusedSdpa(op, builder).create());
  return success();
}
