//===- Turn.cpp - Rotary embedding and norms of heads ---------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// x cos + rotate(x) sin, rotate(x) being (-upper half, lower half), asked for
// at a channel of each half; and x gamma / sqrt(mean x^2 + eps).
//
//===----------------------------------------------------------------------===//

#include "Block.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;

using Kind = Point::Kind;

//===----------------------------------------------------------------------===//
// Rotary embedding
//===----------------------------------------------------------------------===//

namespace {
/// a cos + b sin, or a cos - b sin, as its four factors.
struct Sum {
  const Point *a, *cos, *b, *sin;
};
} // namespace

/// Both orders of two factors.
static SmallVector<std::pair<const Point *, const Point *>>
orders(PointReader &reader, const Point *product) {
  product = reader.resolve(product);
  if (!product->applies<arith::MulFOp>())
    return {};
  const Point *x = product->args[0], *y = product->args[1];
  return {{x, y}, {y, x}};
}

/// The ways to read `point` as a cos + b sin (a cos - b sin: `subtracts`).
static SmallVector<Sum> readSums(PointReader &reader, const Point *point,
                                 bool subtracts) {
  SmallVector<Sum> sums;
  auto take = [&](const Point *left, const Point *right, bool negates) {
    for (auto [a, cos] : orders(reader, left))
      for (auto [b, sin] : orders(reader, right)) {
        const Point *inner = reader.resolve(b);
        if (negates && !inner->applies<arith::NegFOp>())
          continue;
        sums.push_back({a, cos, negates ? inner->args[0] : b, sin});
      }
  };
  if (point->applies<arith::SubFOp>() && subtracts)
    take(point->args[0], point->args[1], /*negates=*/false);
  if (point->applies<arith::AddFOp>()) {
    take(point->args[0], point->args[1], subtracts);
    take(point->args[1], point->args[0], subtracts);
  }
  return sums;
}

/// True when a constant has the same numbers in both halves of its rows.
static bool hasEqualHalves(Value table) {
  Attribute attribute;
  if (!matchPattern(table, m_Constant(&attribute)))
    return false;
  auto type = cast<RankedTensorType>(table.getType());
  ArrayRef<char> data = rawData(attribute);
  size_t row = type.getShape().back() * type.getElementTypeBitWidth() / 8;
  if (row == 0 || row % 2 != 0 || data.empty() || data.size() % row != 0)
    return false;
  for (size_t i = 0; i < data.size(); i += row)
    if (data.slice(i, row / 2) != data.slice(i + row / 2, row / 2))
      return false;
  return true;
}

/// The deepest tensor that `point` reads at (s, i), units before it; i may be
/// the first columns of more.
static Value viewTable(PointReader &reader, const Point *point, AffineExpr s,
                       AffineExpr i) {
  Value best;
  for (; point && point->kind == Kind::Read; point = reader.step(point)) {
    ArrayRef<AffineExpr> at = point->coords;
    if (at.size() >= 2 && at.back() == i && at[at.size() - 2] == s &&
        reader.isWhole(point, at.size() - 2, s) &&
        llvm::all_of(at.drop_back(2),
                     [&](AffineExpr e) { return e == reader.zero(); }) &&
        llvm::all_of(cast<RankedTensorType>(point->value.getType())
                         .getShape()
                         .drop_back(2),
                     [](int64_t size) { return size == 1; }))
      best = point->value;
  }
  return best;
}

/// The table read at `low` for the lower half and at `high` for the upper,
/// where both read the same numbers.
static Value matchTable(PointReader &reader, const Point *low,
                        const Point *high, AffineExpr s, AffineExpr i) {
  Value table = viewTable(reader, low, s, i);
  if (!table)
    return {};
  if (reader.same(low, high, Renaming()))
    return table;
  low = reader.resolve(low);
  high = reader.resolve(high);
  bool isOne = low->kind == Kind::Read && high->kind == Kind::Read &&
               low->value == high->value && low->value == table;
  return isOne && hasEqualHalves(table) ? table : Value();
}

/// The tensor of heads whose channels i and i + D/2 are `low` and `high`, as a
/// read at all its channels.
static const Point *joinHalves(PointReader &reader, const Point *low,
                               const Point *high, AffineExpr i,
                               const HeadDims &dims) {
  AffineExpr upper = i + dims.size / 2;
  for (const Point *a = low; a && a->kind == Kind::Read; a = reader.step(a))
    for (const Point *b = high; b && b->kind == Kind::Read;
         b = reader.step(b)) {
      if (a->value != b->value)
        continue;
      SmallVector<AffineExpr> whole;
      bool fits = llvm::count(a->coords, i) == 1;
      for (auto [x, y] : llvm::zip(a->coords, b->coords)) {
        fits &= x == i ? y == upper : x == y;
        whole.push_back(x == i ? dims.d : x);
      }
      if (fits)
        return reader.read(a->value, whole);
    }
  return nullptr;
}

const Point *attn::peelTurn(PointReader &reader, Value tensor, AffineMap layout,
                            const HeadDims &dims, Turn &turn) {
  int64_t half = dims.size / 2;
  if (!dims.d || dims.size % 2 != 0 || half < 2 || !dims.s)
    return nullptr;
  AffineExpr i = reader.freshDim(half);
  auto readAt = [&](AffineExpr channel) {
    SmallVector<AffineExpr> logical;
    for (AffineExpr dim : {dims.b, dims.h, dims.s, channel})
      logical.push_back(dim ? dim : reader.zero());
    return reader.resolve(
        reader.read(tensor, applyLayout<AffineExpr>(layout, logical)));
  };
  const Point *low = readAt(i), *high = readAt(i + half);
  Type type = elementTypeOf(low);
  if (!type.isF32() && !type.isF64())
    return nullptr;
  for (const Sum &l : readSums(reader, low, /*subtracts=*/true))
    for (const Sum &u : readSums(reader, high, /*subtracts=*/false)) {
      if (!reader.same(l.a, u.b, Renaming()) ||
          !reader.same(l.b, u.a, Renaming()))
        continue;
      const Point *heads = joinHalves(reader, l.a, l.b, i, dims);
      turn.cos = matchTable(reader, l.cos, u.cos, dims.s, i);
      turn.sin = matchTable(reader, l.sin, u.sin, dims.s, i);
      if (heads && turn.cos && turn.sin)
        return heads;
    }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// 1 / sqrt(x).
static const Point *matchInverseRoot(PointReader &reader, const Point *point) {
  if (point->applies<math::RsqrtOp>())
    return reader.resolve(point->args[0]);
  if (!point->applies<arith::DivFOp>() ||
      floatValue(reader.resolve(point->args[0])) != 1.0)
    return nullptr;
  const Point *root = reader.resolve(point->args[1]);
  return root->applies<math::SqrtOp>() ? reader.resolve(root->args[0])
                                       : nullptr;
}

/// The sum in mean(x^2) = sum / D.
static const Point *matchMean(PointReader &reader, const Point *point,
                              int64_t size) {
  for (unsigned i = 0; i < point->args.size() && i < 2; ++i) {
    std::optional<double> number =
        floatValue(reader.resolve(point->args[1 - i]));
    bool divides = point->applies<arith::DivFOp>() && i == 0;
    bool isMean = number && ((divides && *number == size) ||
                             (point->applies<arith::MulFOp>() &&
                              std::abs(*number * size - 1.0) < 1e-7));
    if (isMean)
      return reader.resolve(point->args[i]);
  }
  return nullptr;
}

/// True when `sum` adds the squares of `x` over its channels.
static bool isSumOfSquares(PointReader &reader, const Point *sum,
                           const Point *x, AffineExpr d) {
  if (!sum->reduces(Point::Reducer::Sum) ||
      floatValue(reader.resolve(sum->args[1])) != 0.0 ||
      reader.sizeOf(sum->dim) != reader.sizeOf(d))
    return false;
  const Point *square = reader.resolve(sum->args[0]);
  return square->applies<arith::MulFOp>() &&
         reader.same(x, square->args[0], {{d, sum->dim}}) &&
         reader.same(x, square->args[1], {{d, sum->dim}});
}

static bool isInverseNorm(PointReader &reader, const Point *point,
                          const Point *x, const HeadDims &dims, Norm &norm) {
  const Point *inner = matchInverseRoot(reader, reader.resolve(point));
  if (!inner || !inner->applies<arith::AddFOp>())
    return false;
  for (unsigned i = 0; i < 2; ++i) {
    auto epsilon = floatValue(reader.resolve(inner->args[1 - i]));
    const Point *sum =
        epsilon ? matchMean(reader, reader.resolve(inner->args[i]), dims.size)
                : nullptr;
    if (!sum || !(*epsilon >= 0) || !std::isfinite(*epsilon))
      continue;
    norm.epsilon = *epsilon;
    return isSumOfSquares(reader, sum, x, dims.d);
  }
  return false;
}

static Value viewGamma(PointReader &reader, const Point *point, AffineExpr d) {
  Value best;
  for (; point && point->kind == Kind::Read; point = reader.step(point))
    if (point->coords.size() == 1 && point->coords[0] == d &&
        reader.isWhole(point, 0, d))
      best = point->value;
  return best;
}

const Point *attn::peelNorm(PointReader &reader, const Point *point,
                            const HeadDims &dims, Norm &norm) {
  point = reader.resolve(point);
  Type type = elementTypeOf(point);
  if (!dims.d || (!type.isF32() && !type.isF64()) ||
      !point->applies<arith::MulFOp>())
    return nullptr;
  // (x r) gamma, in any order of both.
  for (unsigned i = 0; i < 2; ++i) {
    norm.gamma = viewGamma(reader, point->args[1 - i], dims.d);
    const Point *scaled = reader.resolve(point->args[i]);
    if (!norm.gamma || !scaled->applies<arith::MulFOp>())
      continue;
    for (unsigned j = 0; j < 2; ++j)
      if (isInverseNorm(reader, scaled->args[1 - j], scaled->args[j], dims,
                        norm))
        return scaled->args[j];
  }
  return nullptr;
}
