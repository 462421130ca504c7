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

unsigned CaptureList::addBroadcast(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t rank = type.getRank();
  SmallVector<AffineExpr> indices;
  for (int64_t i = 0; i < rank; ++i)
    indices.push_back(type.getDimSize(i) == 1
                          ? getAffineConstantExpr(0, op.getContext())
                          : getAffineDimExpr(4 - rank + i, op.getContext()));
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

Clauses attn::readClauses(OpBuilder &builder, SdpaOp op,
                          CaptureList &captures) {
  MLIRContext *context = op.getContext();
  AffineExpr b = getAffineDimExpr(0, context), h = getAffineDimExpr(1, context);
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
    clauses.additive = captures.addBroadcast(additive);
  if (Value keep = op.getKeep())
    clauses.keep = captures.addBroadcast(keep);
  if (Value lens = op.getKvLens())
    clauses.kvLens = captures.add(lens, {b});
  clauses.causal = op.getCausal();
  if (clauses.causal == Causal::Offset)
    clauses.offset = captures.add(OpFoldResult(op.getCausalOffset()));
  if (clauses.causal == Causal::BottomRight) {
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
    // A causal op has nothing left to bound at the right of the diagonal.
    if (!clauses.causal)
      clauses.right = captures.add(sizes[1]);
  }
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
