//===- Projections.cpp - Products of rows with a weight -------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// x W^T + b, rounded once, whichever way graphs shape the rows of x and keep W.
//
//===----------------------------------------------------------------------===//

#include "Block.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn;

using Kind = Point::Kind;

static AffineExpr orZero(PointReader &reader, AffineExpr dim) {
  return dim ? dim : reader.zero();
}

const Point *attn::skipWidening(PointReader &reader, const Point *point) {
  const Point *inner = point;
  while (inner->kind == Kind::Read)
    if (const Point *next = reader.step(inner))
      inner = next;
    else
      break;
  return inner->applies<arith::ExtFOp>() ? inner->args[0] : point;
}

/// True when a matrix has one row for each (b, s).
static bool isAllRows(PointReader &reader, const Point *point, AffineExpr b,
                      AffineExpr row, int64_t rowsOfBatch) {
  if (!b)
    return reader.isWhole(point, 0, row);
  int64_t batches = reader.sizeOf(b);
  return !ShapedType::isDynamic(batches) &&
         cast<RankedTensorType>(point->value.getType()).getDimSize(0) ==
             batches * rowsOfBatch;
}

/// The deepest tensor that `point` reads as rows.
static std::optional<Rows> viewRows(PointReader &reader, const Point *point,
                                    AffineExpr b, AffineExpr s, AffineExpr e,
                                    int64_t rowsOfBatch) {
  AffineExpr batch = orZero(reader, b), row = orZero(reader, s);
  AffineExpr flat =
      b ? (ShapedType::isDynamic(rowsOfBatch) ? AffineExpr()
                                              : b * rowsOfBatch + row)
        : row;
  std::optional<Rows> best;
  for (; point && point->kind == Kind::Read; point = reader.step(point)) {
    ArrayRef<AffineExpr> at = point->coords;
    if (at.size() == 3 && at[0] == batch && at[1] == row && at[2] == e &&
        reader.isWhole(point, 0, batch) && reader.isWhole(point, 1, row) &&
        reader.isWhole(point, 2, e))
      best = Rows{point->value, false};
    if (at.size() == 2 && flat && at[0] == flat && at[1] == e &&
        isAllRows(reader, point, b, row, rowsOfBatch) &&
        reader.isWhole(point, 1, e))
      best = Rows{point->value, true};
  }
  return best;
}

/// The last `rank` positions of `point`, where all before them are of size 1.
static std::optional<ArrayRef<AffineExpr>> lastCoords(const Point *point,
                                                      unsigned rank) {
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(point->value.getType()).getShape();
  if (shape.size() < rank ||
      llvm::any_of(shape.drop_back(rank), [](int64_t s) { return s != 1; }))
    return std::nullopt;
  return ArrayRef<AffineExpr>(point->coords).take_back(rank);
}

/// The deepest matrix that `point` reads at (o + a constant, e), or with the
/// two swapped.
static bool viewWeight(PointReader &reader, const Point *point, AffineExpr o,
                       AffineExpr e, Linear &linear) {
  bool found = false;
  for (; point && point->kind == Kind::Read; point = reader.step(point)) {
    auto coords = lastCoords(point, 2);
    if (!coords)
      continue;
    for (unsigned at : {0, 1}) {
      unsigned other = point->coords.size() - 1 - at;
      if ((*coords)[1 - at] != e || !reader.isWhole(point, other, e))
        continue;
      AffineExpr apart = simplifyAffineExpr((*coords)[at] - o, 64, 0);
      auto first = dyn_cast<AffineConstantExpr>(apart);
      if (!first || first.getValue() < 0)
        continue;
      linear.weight = point->value;
      linear.isTransposed = at == 1;
      linear.first = first.getValue();
      found = true;
    }
  }
  return found;
}

/// The vector that `point` reads at (o + `first`).
static Value viewBias(PointReader &reader, const Point *point, AffineExpr o,
                      int64_t first) {
  Value best;
  for (; point && point->kind == Kind::Read; point = reader.step(point))
    if (auto coords = lastCoords(point, 1);
        coords && simplifyAffineExpr(coords->front() - o, 64, 0) ==
                      getAffineConstantExpr(first, o.getContext()))
      best = point->value;
  return best;
}

std::optional<Linear> attn::matchLinear(PointReader &reader, const Point *point,
                                        AffineExpr b, AffineExpr s,
                                        AffineExpr o, int64_t rowsOfBatch) {
  point = reader.resolve(point);
  FloatType sums = getAccumulatorTypeFor(elementTypeOf(point));
  if (point->applies<arith::TruncFOp>())
    point = reader.resolve(point->args[0]);
  if (elementTypeOf(point) != sums)
    return std::nullopt;
  const Point *sum = point, *bias = nullptr;
  for (unsigned i = 0; point->applies<arith::AddFOp>() && i < 2; ++i) {
    sum = reader.resolve(point->args[i]);
    bias = point->args[1 - i];
    if (sum->reduces(Point::Reducer::Sum))
      break;
  }
  if (!sum->reduces(Point::Reducer::Sum) ||
      floatValue(reader.resolve(sum->args[1])) != 0.0)
    return std::nullopt;
  const Point *product = reader.resolve(sum->args[0]);
  if (!product->applies<arith::MulFOp>())
    return std::nullopt;
  for (unsigned i = 0; i < 2; ++i) {
    Linear linear;
    auto rows = viewRows(reader, skipWidening(reader, product->args[i]), b, s,
                         sum->dim, rowsOfBatch);
    if (!rows || !viewWeight(reader, skipWidening(reader, product->args[1 - i]),
                             o, sum->dim, linear))
      continue;
    linear.input = *rows;
    if (bias) {
      linear.bias =
          viewBias(reader, skipWidening(reader, bias), o, linear.first);
      if (!linear.bias)
        return std::nullopt;
    }
    return linear;
  }
  return std::nullopt;
}
