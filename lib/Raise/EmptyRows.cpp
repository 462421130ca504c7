//===- EmptyRows.cpp - Rows that keep no key ------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Such a row is NaN in a graph, or the mean of the values, and 0 in attn.sdpa.
// Here is proved, where it can be, that there is none.
//
//===----------------------------------------------------------------------===//

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
/// From `low` to `high`; NaN is nowhere.
struct Bounds {
  double low = -HUGE_VAL, high = HUGE_VAL;

  static Bounds within(double bound) { return {-bound, bound}; }
  bool isFinite() const { return std::isfinite(low) && std::isfinite(high); }
  double magnitude() const { return std::max(std::abs(low), std::abs(high)); }
};

/// Bounds the values that a rule can make, also of what it captures, as far as
/// that is computed in the graph.
class BoundReader {
public:
  BoundReader(PointReader &reader, const Point *dot)
      : reader(reader), dot(dot) {}

  /// Everything, where a step on the way may be infinite.
  Bounds of(const Point *tree);

private:
  Bounds ofLeaf(const Point *tree);
  Bounds ofOp(const Point *tree);

  PointReader &reader;
  const Point *dot;
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
    return Bounds::within(kLargestScore);
  if (questions == 0)
    return {};
  --questions;
  tree = reader.resolve(tree);
  Bounds bounds = tree->kind == Kind::Apply ? ofOp(tree) : ofLeaf(tree);
  return bounds.magnitude() <= limitOf(elementTypeOf(tree)) ? bounds : Bounds();
}

namespace {
/// A key that a condition may keep in each row: the first, or that of the row's
/// own position.
struct ProofKey {
  AffineExpr m, n;
  bool isDiagonal;
};

/// c * m + d.
struct Linear {
  int64_t c, d;
};
} // namespace

/// The value of an integer expression at the key.
static std::optional<Linear> valueAt(const Point *point, const ProofKey &key) {
  if (point->kind == Kind::Constant)
    if (auto value = dyn_cast<IntegerAttr>(point->constant))
      return Linear{0, value.getInt()};
  if (point->kind == Kind::Index) {
    AffineExpr at = point->coords[0];
    if (at == key.n)
      return Linear{key.isDiagonal ? 1 : 0, 0};
    if (key.m && at == key.m)
      return Linear{1, 0};
    if (at == getAffineConstantExpr(0, key.n.getContext()))
      return Linear{0, 0};
    return std::nullopt;
  }
  // A position does not wrap in 32 bits.
  if (point->applies<arith::IndexCastOp>() &&
      (elementTypeOf(point).isIndex() ||
       elementTypeOf(point).getIntOrFloatBitWidth() >= 32))
    return valueAt(point->args[0], key);
  if (point->args.size() != 2)
    return std::nullopt;
  auto a = valueAt(point->args[0], key), b = valueAt(point->args[1], key);
  if (!a || !b)
    return std::nullopt;
  if (point->applies<arith::AddIOp>())
    return Linear{a->c + b->c, a->d + b->d};
  if (point->applies<arith::SubIOp>())
    return Linear{a->c - b->c, a->d - b->d};
  return std::nullopt;
}

static bool isSurely(arith::CmpIPredicate predicate, Linear a, Linear b) {
  using arith::CmpIPredicate;
  Linear d{b.c - a.c, b.d - a.d}; // m is 0 or more
  switch (predicate) {
  case CmpIPredicate::sle:
    return d.c >= 0 && d.d >= 0;
  case CmpIPredicate::slt:
    return d.c >= 0 && d.d >= 1;
  case CmpIPredicate::sge:
    return d.c <= 0 && d.d <= 0;
  case CmpIPredicate::sgt:
    return d.c <= 0 && d.d <= -1;
  case CmpIPredicate::ule:
    return a.c == 0 && a.d == 0;
  case CmpIPredicate::uge:
    return b.c == 0 && b.d == 0;
  default:
    return false;
  }
}

/// True when the condition, or its opposite where `inverted`, surely holds of
/// the key in each row.
static bool keeps(const Point *condition, bool inverted, const ProofKey &key) {
  auto each = [&](const Point *arg) { return keeps(arg, inverted, key); };
  if (std::optional<bool> value = boolValue(condition))
    return *value != inverted;
  if (condition->applies<arith::AndIOp>())
    return inverted ? llvm::any_of(condition->args, each)
                    : llvm::all_of(condition->args, each);
  if (condition->applies<arith::OrIOp>())
    return inverted ? llvm::all_of(condition->args, each)
                    : llvm::any_of(condition->args, each);
  if (condition->applies<arith::XOrIOp>() &&
      boolValue(condition->args[1]) == true)
    return keeps(condition->args[0], !inverted, key);
  if (condition->applies<arith::SelectOp>()) {
    auto yes = boolValue(condition->args[1]),
         no = boolValue(condition->args[2]);
    return yes && no && *yes != *no &&
           keeps(condition->args[0], inverted == *yes, key);
  }
  if (!condition->applies<arith::CmpIOp>())
    return false;
  auto a = valueAt(condition->args[0], key);
  auto b = valueAt(condition->args[1], key);
  auto predicate = cast<arith::CmpIOp>(condition->op).getPredicate();
  if (inverted)
    predicate = arith::invertPredicate(predicate);
  return a && b && isSurely(predicate, *a, *b);
}

bool attn::areScoresModerate(const Attention &attention,
                             const ScoreRule &rule) {
  return BoundReader(*attention.reader, rule.dotPoint)
             .of(rule.tree)
             .magnitude() <= kLargestRule;
}

bool attn::mayHaveEmptyRows(const Attention &attention, const ScoreRule &rule) {
  auto keepsAlways = [&](bool isDiagonal) {
    ProofKey key{attention.m, attention.n, isDiagonal};
    return llvm::all_of(rule.keep, [&](auto &condition) {
      return keeps(condition.first, condition.second, key);
    });
  };
  int64_t rows = attention.m ? attention.reader->sizeOf(attention.m) : 1;
  int64_t keys = attention.reader->sizeOf(attention.n);
  bool hasDiagonal = !ShapedType::isDynamic(rows) &&
                     !ShapedType::isDynamic(keys) && rows <= keys;
  if (!keepsAlways(false) && !(hasDiagonal && keepsAlways(true)))
    return true;
  return !BoundReader(*attention.reader, rule.dotPoint)
              .of(rule.tree)
              .isFinite();
}
