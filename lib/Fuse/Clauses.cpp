//===- Clauses.cpp - What the named variants of an op say -----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constants are kept as such, so that they can stand inside the regions;
// everything else that a region reads becomes a capture.
//
//===----------------------------------------------------------------------===//

#include "Clauses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace attn;

CaptureList::CaptureList(SdpaOp op)
    : op(op), values(op.getCaptures().begin(), op.getCaptures().end()),
      maps(op.getCaptureMapValues()) {}

unsigned CaptureList::add(Value value, ArrayRef<AffineExpr> indices) {
  AffineMap map = AffineMap::get(4, 0, indices, op.getContext());
  for (auto [number, known] : llvm::enumerate(llvm::zip(values, maps)))
    if (std::get<0>(known) == value && std::get<1>(known) == map)
      return number;
  values.push_back(value);
  maps.push_back(map);
  return values.size() - 1;
}

Scalar CaptureList::add(OpFoldResult value) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return {constant};
  return {std::nullopt, add(cast<Value>(value), {})};
}

unsigned CaptureList::addBroadcast(Value tensor, ArrayRef<AffineExpr> places) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<AffineExpr> indices(places.take_back(type.getRank()));
  for (auto [index, size] : llvm::zip(indices, type.getShape()))
    if (size == 1)
      index = getAffineConstantExpr(0, op.getContext());
  return add(tensor, indices);
}

SmallVector<Type> CaptureList::elementTypes() const {
  return llvm::map_to_vector(values, [](Value value) {
    return getElementTypeOrSelf(value.getType());
  });
}

void CaptureList::store() {
  op.getCapturesMutable().assign(values);
  if (!maps.empty())
    op.setCaptureMapsAttr(Builder(op.getContext()).getAffineMapArrayAttr(maps));
}

static OpFoldResult sizeOf(OpBuilder &builder, Location loc, Value value,
                           AffineMap layout, unsigned dim) {
  return tensor::getMixedSize(builder, loc, value,
                              getLayoutPosition(layout, dim));
}

/// N - M.
static OpFoldResult bottomRight(OpBuilder &builder, SdpaOp op,
                                OpFoldResult queries) {
  Location loc = op.getLoc();
  OpFoldResult keys = sizeOf(builder, loc, op.getKey(), op.getKeyLayout(), 2);
  std::optional<int64_t> m = getConstantIntValue(queries);
  std::optional<int64_t> n = getConstantIntValue(keys);
  if (m && n)
    return builder.getIndexAttr(*n - *m);
  return arith::SubIOp::create(
             builder, loc, getValueOrCreateConstantIndexOp(builder, loc, keys),
             getValueOrCreateConstantIndexOp(builder, loc, queries))
      .getResult();
}

int64_t attn::bucketOfDistance(int64_t distance, int64_t buckets,
                               int64_t furthest, bool bidirectional) {
  int64_t first = 0;
  if (bidirectional) {
    buckets /= 2;
    first = distance > 0 ? buckets : 0;
    distance = std::abs(distance);
  } else {
    distance = std::max<int64_t>(-distance, 0);
  }
  int64_t exact = buckets / 2;
  if (distance < exact)
    return first + distance;
  float octaves = std::log(float(distance) / float(exact)) /
                  float(std::log(double(furthest) / double(exact)));
  auto beyond = static_cast<int64_t>(octaves * float(buckets - exact));
  return first + std::min(exact + beyond, buckets - 1);
}

/// Each bucket holds distances that follow one another.
static void readBuckets(SdpaOp op, CaptureList &captures, Clauses &clauses) {
  MLIRContext *context = op.getContext();
  Value table = op.getRelativeBias();
  int64_t count = cast<RankedTensorType>(table.getType()).getDimSize(1);
  int64_t furthest = op.getMaxDistanceAttr().getInt();
  auto bucketAt = [&](int64_t distance) {
    return bucketOfDistance(distance, count, furthest, op.getBidirectional());
  };
  // Nothing changes beyond the furthest distance.
  int64_t end = furthest + 1;
  for (int64_t first = -end; first <= end;) {
    if (first != -end)
      clauses.bucketStarts.push_back(first);
    clauses.buckets.push_back(
        captures.add(table, {getAffineDimExpr(1, context),
                             getAffineConstantExpr(bucketAt(first), context)}));
    // The next bucket begins in (same, other].
    int64_t same = first, other = end + 1;
    while (other - same > 1) {
      int64_t middle = same + (other - same) / 2;
      (bucketAt(middle) == bucketAt(first) ? same : other) = middle;
    }
    first = other;
  }
}

/// What says by place and by list which keys are kept, and relative_bias.
static void readPlaces(SdpaOp op, CaptureList &captures, Clauses &clauses) {
  AffineExpr b, h, m, n;
  bindDims(op.getContext(), b, h, m, n);
  auto perRow = [&](Value list, AffineExpr place) {
    bool hasBatch = cast<RankedTensorType>(list.getType()).getRank() == 2;
    return hasBatch ? captures.add(list, {b, place})
                    : captures.add(list, {place});
  };
  clauses.chunk = op.getChunked().value_or(0);
  clauses.dilation = op.getDilated().value_or(0);
  if (Value prefix = op.getPrefix())
    clauses.prefix = isa<RankedTensorType>(prefix.getType())
                         ? captures.add(prefix, {b})
                         : captures.add(prefix, ArrayRef<AffineExpr>());
  if (!op.getDocuments().empty()) {
    clauses.documentOfQuery = perRow(op.getDocuments().front(), m);
    clauses.documentOfKey = perRow(op.getDocuments().back(), n);
  }
  if (Value table = op.getBlockSparse()) {
    ArrayRef<int64_t> size = *op.getBlockSize();
    clauses.block = captures.addBroadcast(
        table, {b, h, m.floorDiv(size[0]), n.floorDiv(size[1])});
  }
  if (Value tree = op.getTree())
    clauses.tree = perRow(tree, m);
  if (op.getRelativeBias())
    readBuckets(op, captures, clauses);
}

Clauses attn::readClauses(OpBuilder &builder, SdpaOp op,
                          CaptureList &captures) {
  MLIRContext *context = op.getContext();
  AffineExpr b, h, m, n;
  bindDims(context, b, h, m, n);
  Clauses clauses;
  if (Value softcap = op.getSoftcap()) {
    FloatAttr known;
    if (!matchPattern(softcap, m_Constant(&known)))
      clauses.softcap = captures.add(softcap, {});
    else if (!known.getValue().isZero())
      clauses.softcapConstant = known.getValue();
  }
  if (Value alibi = op.getAlibi())
    clauses.alibi = captures.add(alibi, {h});
  if (Value additive = op.getAdditive())
    clauses.additive = captures.addBroadcast(additive, {b, h, m, n});
  if (Value keep = op.getKeep())
    clauses.keep = captures.addBroadcast(keep, {b, h, m, n});
  if (Value lens = op.getKvLens())
    clauses.kvLens = captures.add(lens, {b});
  clauses.causal = op.getCausal();
  if (clauses.causal == Causal::Offset)
    clauses.offset = captures.add(OpFoldResult(op.getCausalOffset()));
  if (clauses.causal == Causal::BottomRight && op.getRagged().empty()) {
    OpFoldResult queries =
        sizeOf(builder, op.getLoc(), op.getQuery(), op.getQueryLayout(), 2);
    clauses.offsetFromLens = clauses.kvLens.has_value();
    if (clauses.offsetFromLens)
      clauses.queries = captures.add(queries);
    else
      clauses.offset = captures.add(bottomRight(builder, op, queries));
  }
  if (std::optional<ArrayRef<int64_t>> window = op.getStaticWindow()) {
    SmallVector<OpFoldResult> sizes =
        getMixedValues(*window, op.getWindow(), context);
    clauses.left = captures.add(sizes[0]);
    // A causal op has nothing left to bound at the right of the diagonal, but
    // for a prefix.
    if (!clauses.causal || op.getPrefix())
      clauses.right = captures.add(sizes[1]);
  }
  readPlaces(op, captures, clauses);
  if (!op.getRagged().empty())
    readRagged(builder, op, captures, clauses);
  return clauses;
}

Value attn::readScale(OpBuilder &builder, SdpaOp op) {
  if (op.getScale())
    return op.getScale();
  Location loc = op.getLoc();
  FloatType type = op.getAccumulatorType();
  OpFoldResult size =
      sizeOf(builder, loc, op.getQuery(), op.getQueryLayout(), 3);
  if (std::optional<int64_t> d = getConstantIntValue(size))
    return arith::ConstantOp::create(
        builder, loc, FloatAttr::get(type, 1.0 / std::sqrt(double(*d))));
  Value d = arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                       cast<Value>(size));
  d = arith::SIToFPOp::create(builder, loc, type, d);
  d = math::SqrtOp::create(builder, loc, d);
  Value one =
      arith::ConstantOp::create(builder, loc, FloatAttr::get(type, 1.0));
  return arith::DivFOp::create(builder, loc, one, d);
}
