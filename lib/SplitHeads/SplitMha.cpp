//===- SplitMha.cpp - attn.mha to projections and attn.sdpa
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Projections work on rows [B*S, E], whose result [B*S, H*D] is [B, S, H, D]
// without moving an element; attn.sdpa reads that through its layout map.
//
//===----------------------------------------------------------------------===//

#include "attn/SplitHeads/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;

using utils::IteratorType;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// A float as the accumulator type holds it, exactly.
static Value extend(OpBuilder &b, Location loc, Value value, Type to) {
  if (value.getType() == to)
    return value;
  return arith::ExtFOp::create(b, loc, to, value);
}

/// sizes[i] / by, folded where it is static.
static OpFoldResult quotient(ImplicitLocOpBuilder &b, OpFoldResult size,
                             int64_t by) {
  AffineExpr s = b.getAffineSymbolExpr(0);
  return affine::makeComposedFoldedAffineApply(b, b.getLoc(), s.floorDiv(by),
                                               {size});
}

static Value collapse(ImplicitLocOpBuilder &b, Value value,
                      ArrayRef<ReassociationIndices> groups) {
  return tensor::CollapseShapeOp::create(b, value, groups);
}

static Value expand(ImplicitLocOpBuilder &b, Value value,
                    ArrayRef<ReassociationIndices> groups,
                    ArrayRef<OpFoldResult> sizes) {
  SmallVector<int64_t> shape;
  for (OpFoldResult size : sizes)
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  Type type = RankedTensorType::get(shape, typeOf(value).getElementType());
  return tensor::ExpandShapeOp::create(b, type, value, groups, sizes);
}

/// acc[r, o] = sum_k x[r, k] w[o, k], in the accumulator type.
static Value contract(ImplicitLocOpBuilder &b, Value x, Value w, Type type) {
  OpFoldResult rows = tensor::getMixedSize(b, b.getLoc(), x, 0);
  OpFoldResult columns = tensor::getMixedSize(b, b.getLoc(), w, 0);
  Value empty =
      tensor::EmptyOp::create(b, ArrayRef<OpFoldResult>{rows, columns}, type);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  Value init = linalg::FillOp::create(b, zero, empty).getResult(0);
  AffineExpr r, o, k;
  bindDims(b.getContext(), r, o, k);
  auto map = [&](AffineExpr first, AffineExpr second) {
    return AffineMap::get(3, 0, {first, second}, b.getContext());
  };
  return linalg::GenericOp::create(
             b, TypeRange{init.getType()}, ValueRange{x, w}, ValueRange{init},
             ArrayRef<AffineMap>{map(r, k), map(o, k), map(r, o)},
             ArrayRef<IteratorType>{IteratorType::parallel,
                                    IteratorType::parallel,
                                    IteratorType::reduction},
             [&](OpBuilder &body, Location loc, ValueRange args) {
               Value product = arith::MulFOp::create(
                   body, loc, extend(body, loc, args[0], type),
                   extend(body, loc, args[1], type));
               Value sum = arith::AddFOp::create(body, loc, args[2], product);
               linalg::YieldOp::create(body, loc, sum);
             })
      .getResult(0);
}

/// Adds the bias of each column, if any, and rounds once to `element`.
static Value finish(ImplicitLocOpBuilder &b, Value acc, Value bias,
                    Type element) {
  Type type = typeOf(acc).getElementType();
  if (!bias && type == element)
    return acc;
  Value init = tensor::EmptyOp::create(
      b, tensor::getMixedSizes(b, b.getLoc(), acc), element);
  AffineMap all = b.getMultiDimIdentityMap(2);
  AffineMap column = AffineMap::get(2, 0, b.getAffineDimExpr(1));
  SmallVector<Value> inputs{acc};
  SmallVector<AffineMap> maps{all};
  if (bias) {
    inputs.push_back(bias);
    maps.push_back(column);
  }
  maps.push_back(all);
  return linalg::GenericOp::create(
             b, TypeRange{init.getType()}, inputs, ValueRange{init}, maps,
             SmallVector<IteratorType>(2, IteratorType::parallel),
             [&](OpBuilder &body, Location loc, ValueRange args) {
               Value value = args[0];
               if (bias)
                 value = arith::AddFOp::create(
                     body, loc, value, extend(body, loc, args[1], type));
               if (type != element)
                 value = arith::TruncFOp::create(body, loc, element, value);
               linalg::YieldOp::create(body, loc, value);
             })
      .getResult(0);
}

static Value project(ImplicitLocOpBuilder &b, Value rows, Value weight,
                     Value bias) {
  // What attn-optimize-fold-biases leaves.
  if (bias && matchPattern(bias, m_AnyZeroFloat()))
    bias = nullptr;
  Type element = typeOf(rows).getElementType();
  Value acc = contract(b, rows, weight, getAccumulatorTypeFor(element));
  return finish(b, acc, bias, element);
}

namespace {
/// The three input projections' weights, biases (or null) and head sizes.
struct InputWeights {
  Value weight[3], bias[3];
  OpFoldResult headSize[3];
};
} // namespace

/// Rows [offset, offset + size) of a weight, or of its bias.
static Value sliceRows(ImplicitLocOpBuilder &b, Value packed,
                       OpFoldResult offset, OpFoldResult size) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, b.getLoc(), packed);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  offsets[0] = offset;
  sizes[0] = size;
  // A slice at 0 of a dimension of size 0 is out of bounds to upstream.
  if (llvm::is_contained(typeOf(packed).getShape(), 0))
    return tensor::EmptyOp::create(b, sizes, typeOf(packed).getElementType());
  return tensor::ExtractSliceOp::create(b, packed, offsets, sizes, strides);
}

static InputWeights inputWeights(ImplicitLocOpBuilder &b, MhaOp op) {
  InputWeights result = {};
  int64_t heads[3] = {int64_t(op.getHeads()), op.getNumKvHeads(),
                      op.getNumKvHeads()};
  bool biased = !op.getBiases().empty();
  if (!op.getPacked()) {
    for (unsigned i = 0; i < 3; ++i) {
      result.weight[i] = op.getWeights()[i];
      result.bias[i] = biased ? op.getBiases()[i] : Value();
      result.headSize[i] =
          quotient(b, tensor::getMixedSize(b, b.getLoc(), result.weight[i], 0),
                   heads[i]);
    }
    return result;
  }
  // wqkv holds the rows of q, then k, then v, all of one head size D.
  Value packed = op.getWeights()[0];
  OpFoldResult d = quotient(b, tensor::getMixedSize(b, b.getLoc(), packed, 0),
                            heads[0] + heads[1] + heads[2]);
  AffineExpr s = b.getAffineSymbolExpr(0);
  auto times = [&](int64_t count) {
    return affine::makeComposedFoldedAffineApply(b, b.getLoc(), s * count, {d});
  };
  int64_t first = 0;
  for (unsigned i = 0; i < 3; ++i) {
    OpFoldResult offset = times(first), size = times(heads[i]);
    result.weight[i] = sliceRows(b, packed, offset, size);
    if (biased)
      result.bias[i] = sliceRows(b, op.getBiases()[0], offset, size);
    result.headSize[i] = d;
    first += heads[i];
  }
  return result;
}

/// Q, K and V [rows, heads * size] as parts of one product.
static void projectAtOnce(ImplicitLocOpBuilder &b, MhaOp op, Value rows,
                          OpFoldResult size, Value (&parts)[3]) {
  Value bias = op.getBiases().empty() ? Value() : op.getBiases()[0];
  Value all = project(b, rows, op.getWeights()[0], bias);
  int64_t heads[3] = {int64_t(op.getHeads()), op.getNumKvHeads(),
                      op.getNumKvHeads()};
  AffineExpr s = b.getAffineSymbolExpr(0);
  auto times = [&](int64_t count) {
    return affine::makeComposedFoldedAffineApply(b, b.getLoc(), s * count,
                                                 {size});
  };
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), all);
  SmallVector<OpFoldResult> offsets(2, b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  int64_t first = 0;
  for (unsigned i = 0; i < 3; ++i) {
    offsets[1] = times(first);
    sizes[1] = times(heads[i]);
    parts[i] = tensor::ExtractSliceOp::create(b, all, offsets, sizes, strides);
    first += heads[i];
  }
}

/// The heads [B, S, H, D] of Q or K, normed and turned as the block says.
static Value normAndTurn(ImplicitLocOpBuilder &b, MhaOp op, Value heads,
                         Value gamma, AffineMapAttr bshd) {
  if (gamma)
    heads = QkNormOp::create(b, heads.getType(), heads, gamma,
                             op.getNormEpsilonAttr());
  if (op.getRopeCos())
    heads = RopeOp::create(b, heads.getType(), heads, op.getRopeCos(),
                           op.getRopeSin(), op.getRopeInterleavedAttr(), bshd);
  return heads;
}

/// attn.sdpa on [B, S, H, D] operands with the clauses and regions of `op`.
static SdpaOp attend(ImplicitLocOpBuilder &b, MhaOp op, Value q, Value k,
                     Value v, AffineMapAttr bshd) {
  SmallVector<int64_t> shape(typeOf(q).getShape());
  shape[3] = typeOf(v).getDimSize(3);
  Type output = RankedTensorType::get(shape, typeOf(q).getElementType());
  Type weights =
      op.getProbabilities() ? op.getProbabilities().getType() : Type();
  SmallVector<Attribute> layouts(4, bshd);
  auto sdpa = SdpaOp::create(
      b, output, /*lse=*/Type(), weights, q, k, v, op.getScale(),
      op.getSoftcap(), op.getCausalOffset(), op.getWindow(), op.getAlibi(),
      op.getAdditive(), op.getKeep(), op.getKvLens(), op.getSinks(),
      op.getPrefix(), op.getDocuments(), op.getBlockSparse(), op.getTree(),
      op.getRelativeBias(), op.getRagged(), op.getCaptures(),
      /*offsets=*/ValueRange(), op.getCausalAttr(), op.getStaticWindowAttr(),
      op.getChunkedAttr(), op.getDilatedAttr(), op.getBlockSizeAttr(),
      op.getMaxDistanceAttr(), op.getBidirectionalAttr(),
      op.getCaptureMapsAttr(), b.getArrayAttr(layouts), /*plan=*/PlanAttr());
  sdpa.getScore().takeBody(op.getScore());
  sdpa.getMask().takeBody(op.getMask());
  return sdpa;
}

/// True when the type says that [B, S, E] has no rows. Such tensors are not
/// reshaped: upstream bufferizes a collapse of 0x? to a type that it refuses.
static bool hasNoRows(Value value) {
  return llvm::is_contained(typeOf(value).getShape().take_front(2), 0);
}

/// Results without elements, where no query is there to attend.
static void replaceByEmpty(RewriterBase &rewriter, MhaOp op) {
  ReifiedRankedShapedTypeDims shapes;
  [[maybe_unused]] LogicalResult known = op.reifyResultShapes(rewriter, shapes);
  assert(succeeded(known));
  SmallVector<Value> results;
  for (auto [result, sizes] : llvm::zip(op->getResults(), shapes)) {
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), sizes,
                                          typeOf(result).getElementType());
    if (empty.getType() != result.getType())
      empty = tensor::CastOp::create(rewriter, op.getLoc(), result.getType(),
                                     empty);
    results.push_back(empty);
  }
  rewriter.replaceOp(op, results);
}

void attn::splitMha(RewriterBase &rewriter, MhaOp op) {
  // x and context agree in B.
  if (hasNoRows(op.getX()) || typeOf(op.getKeySource()).getDimSize(0) == 0)
    return replaceByEmpty(rewriter, op);
  ImplicitLocOpBuilder b(op.getLoc(), rewriter);
  const SmallVector<ReassociationIndices> rowGroups{{0, 1}, {2}};
  const SmallVector<ReassociationIndices> headGroups{{0, 1}, {2, 3}};
  AffineExpr d0, d1, d2, d3;
  bindDims(b.getContext(), d0, d1, d2, d3);
  auto bshd = AffineMapAttr::get(
      AffineMap::get(4, 0, {d0, d2, d1, d3}, b.getContext()));

  // [B, S, E] -> rows, once for x and once for a context.
  Value x = op.getX(), source = op.getKeySource();
  SmallVector<OpFoldResult> xSizes = tensor::getMixedSizes(b, b.getLoc(), x);
  SmallVector<OpFoldResult> sourceSizes =
      source == x ? xSizes : tensor::getMixedSizes(b, b.getLoc(), source);
  Value xRows = collapse(b, x, rowGroups);
  bool noKeys = hasNoRows(source);
  Value sourceRows =
      source == x || noKeys ? xRows : collapse(b, source, rowGroups);

  InputWeights inputs = inputWeights(b, op);
  Value heads[3], parts[3];
  if (op.getPacked() && op->hasAttr("attn.one_product"))
    projectAtOnce(b, op, xRows, inputs.headSize[0], parts);
  for (unsigned i = 0; i < 3; ++i) {
    bool isQuery = i == 0;
    const SmallVector<OpFoldResult> &sizes = isQuery ? xSizes : sourceSizes;
    int64_t count = isQuery ? int64_t(op.getHeads()) : op.getNumKvHeads();
    SmallVector<OpFoldResult> headSizes{
        sizes[0], sizes[1], b.getIndexAttr(count), inputs.headSize[i]};
    if (!isQuery && noKeys) {
      heads[i] =
          tensor::EmptyOp::create(b, headSizes, typeOf(x).getElementType());
      continue;
    }
    Value rows = parts[i];
    if (!rows)
      rows = project(b, isQuery ? xRows : sourceRows, inputs.weight[i],
                     inputs.bias[i]);
    heads[i] = expand(b, rows, headGroups, headSizes);
  }
  heads[0] = normAndTurn(b, op, heads[0], op.getNormQ(), bshd);
  heads[1] = normAndTurn(b, op, heads[1], op.getNormK(), bshd);

  // sdpa's output in [B, M, H, Dv] is the rows of the output projection.
  SdpaOp sdpa = attend(b, op, heads[0], heads[1], heads[2], bshd);
  Value merged = collapse(b, sdpa.getOutput(), headGroups);
  Value bias = op.getBiases().empty() ? Value() : op.getBiases().back();
  Value rows = project(b, merged, op.getWeights().back(), bias);
  OpFoldResult outSize =
      tensor::getMixedSize(b, b.getLoc(), op.getWeights().back(), 0);
  Value y = expand(b, rows, rowGroups, {xSizes[0], xSizes[1], outSize});
  if (y.getType() != op.getOutput().getType())
    y = tensor::CastOp::create(b, op.getOutput().getType(), y);
  SmallVector<Value> results{y};
  if (op.getProbabilities())
    results.push_back(sdpa.getWeights());
  rewriter.replaceOp(op, results);
}
