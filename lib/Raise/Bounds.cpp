//===- Bounds.cpp - How large scores can be -------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bounds.h"

#include "Match.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;

using Kind = Point::Kind;

/// The numbers of a constant that is no splat, or nothing.
static DenseFPElementsAttr numbersOf(const Point *tree) {
  DenseElementsAttr constant;
  if (tree->kind != Kind::Read ||
      !matchPattern(tree->value, m_Constant(&constant)))
    return {};
  return dyn_cast<DenseFPElementsAttr>(constant);
}

/// Beyond the largest number of a type by what rounding takes away again.
static double limitOf(Type type) {
  auto number = dyn_cast<FloatType>(type);
  if (!number)
    return HUGE_VAL;
  APFloat largest = APFloat::getLargest(number.getFloatSemantics());
  return FloatAttr::get(number, largest).getValueAsDouble() * (1.0 + 0x1p-26);
}

namespace {
/// Bounds the values that a rule can make, also of what it captures, as far as
/// that is computed in the graph.
class BoundReader {
public:
  BoundReader(PointReader &reader, const Point *dot, double largest,
              bool others)
      : reader(reader), dot(dot), largest(largest), others(others) {}

  /// Everything, where a step on the way may be infinite.
  Bounds of(const Point *tree);

private:
  Bounds ofLeaf(const Point *tree);
  Bounds ofOp(const Point *tree);

  PointReader &reader;
  const Point *dot;
  double largest; ///< of |dot|
  bool others;    ///< besides finite numbers
  unsigned questions = 3000;
};
} // namespace

static Bounds ofType(Type type) {
  if (isa<FloatType>(type))
    return {};
  // A boolean as a number is 0, 1 or -1.
  return Bounds::within(
      type.isIndex() ? 0x1p63
                     : std::ldexp(1.0, type.getIntOrFloatBitWidth() - 1));
}

static Bounds join(Bounds a, Bounds b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

static Bounds multiply(Bounds a, Bounds b) {
  if (!a.isFinite() || !b.isFinite())
    return {};
  double ends[] = {a.low * b.low, a.low * b.high, a.high * b.low,
                   a.high * b.high};
  return {*llvm::min_element(ends), *llvm::max_element(ends)};
}

Bounds BoundReader::ofLeaf(const Point *tree) {
  if (DenseFPElementsAttr numbers = numbersOf(tree)) {
    Bounds bounds = Bounds::within(0.0);
    for (const APFloat &value : numbers)
      bounds =
          value.isFinite()
              ? join(bounds, Bounds::within(std::abs(value.convertToDouble())))
              : Bounds();
    return bounds;
  }
  if (std::optional<double> value = floatValue(tree))
    return std::isfinite(*value) ? Bounds{*value, *value} : Bounds();
  if (tree->kind == Kind::Constant)
    if (auto value = dyn_cast<IntegerAttr>(tree->constant))
      return Bounds::within(value.getValue().abs().roundToDouble());
  return tree->kind == Kind::Index ? Bounds{0.0, kLargestScore}
                                   : ofType(elementTypeOf(tree));
}

Bounds BoundReader::ofOp(const Point *tree) {
  auto at = [&](unsigned i) { return of(tree->args[i]); };
  Operation *op = tree->op;
  if (isa<arith::AddFOp, arith::AddIOp>(op)) {
    Bounds a = at(0), b = at(1);
    return {a.low + b.low, a.high + b.high};
  }
  if (isa<arith::SubFOp, arith::SubIOp>(op)) {
    Bounds a = at(0), b = at(1);
    return {a.low - b.high, a.high - b.low};
  }
  if (isa<arith::MulFOp, arith::MulIOp>(op))
    return multiply(at(0), at(1));
  if (isa<arith::MaximumFOp, arith::MinimumFOp>(op))
    return join(at(0), at(1));
  if (isa<arith::SelectOp>(op))
    return join(at(1), at(2));
  if (isa<arith::UIToFPOp, arith::ExtUIOp>(op) &&
      elementTypeOf(tree->args[0]).isInteger(1))
    return {0.0, 1.0};
  if (isa<arith::ExtFOp, arith::TruncFOp, arith::SIToFPOp, arith::IndexCastOp,
          arith::ExtSIOp>(op))
    return at(0);
  if (isa<arith::UIToFPOp, arith::ExtUIOp, arith::IndexCastUIOp>(op))
    return Bounds::within(2 * at(0).magnitude());
  if (isa<arith::NegFOp, math::AbsFOp, math::AbsIOp>(op))
    return Bounds::within(at(0).magnitude());
  if (isa<math::TanhOp>(op))
    return at(0).isFinite() ? Bounds::within(1.0) : Bounds();
  if (isa<arith::DivFOp>(op)) {
    std::optional<double> by = floatValue(reader.resolve(tree->args[1]));
    return by && *by != 0.0 ? multiply(at(0), {1.0 / *by, 1.0 / *by})
                            : Bounds();
  }
  return ofType(elementTypeOf(tree));
}

Bounds BoundReader::of(const Point *tree) {
  if (tree == dot)
    return Bounds::within(largest);
  if (questions == 0)
    return {};
  --questions;
  tree = reader.resolve(tree);
  Bounds bounds = tree->kind == Kind::Apply ? ofOp(tree) : ofLeaf(tree);
  double limit = limitOf(elementTypeOf(tree));
  if (bounds.magnitude() <= limit)
    return bounds;
  return others ? Bounds::within(limit) : Bounds();
}

Bounds attn::boundsOf(PointReader &reader, const Point *tree, const Point *dot,
                      double largest, bool others) {
  return BoundReader(reader, dot, largest, others).of(tree);
}
