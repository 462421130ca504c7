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

namespace {
/// Asks what values a rule can make, also of what it captures, as far as that
/// is computed in the graph.
class Values {
public:
  Values(PointReader &reader, const Point *dot) : reader(reader), dot(dot) {}

  unsigned countLarge(const Point *tree);
  bool hasProduct(const Point *tree);
  bool staysFinite(const Point *tree);

private:
  /// What a captured number is; null when the question has become too long.
  const Point *open(const Point *tree) {
    if (questions == 0)
      return nullptr;
    --questions;
    return isa<FloatType>(elementTypeOf(tree)) ? reader.resolve(tree) : tree;
  }

  PointReader &reader;
  const Point *dot;
  unsigned questions = 3000;
};
} // namespace

/// The numbers of a constant that is no splat, or nothing.
static DenseFPElementsAttr numbersOf(const Point *tree) {
  DenseElementsAttr constant;
  if (tree->kind != Kind::Read ||
      !matchPattern(tree->value, m_Constant(&constant)))
    return {};
  return dyn_cast<DenseFPElementsAttr>(constant);
}

/// Counts constants so large that two of them, or one times something, may be
/// infinite.
unsigned Values::countLarge(const Point *tree) {
  tree = open(tree);
  if (!tree)
    return 2;
  if (tree == dot)
    return 0;
  if (DenseFPElementsAttr numbers = numbersOf(tree))
    return llvm::any_of(numbers, [](const APFloat &value) {
      return std::abs(value.convertToDouble()) > kLargestScore;
    });
  std::optional<double> value = floatValue(tree);
  unsigned count = value && std::abs(*value) > kLargestScore;
  for (const Point *arg : tree->args)
    count += countLarge(arg);
  return count;
}

bool Values::hasProduct(const Point *tree) {
  tree = open(tree);
  return !tree ||
         (tree != dot && (tree->applies<arith::MulFOp>() ||
                          llvm::any_of(tree->args, [&](const Point *arg) {
                            return hasProduct(arg);
                          })));
}

/// True when every op of the rule makes finite values of finite values, sums
/// of large ones apart.
bool Values::staysFinite(const Point *tree) {
  tree = open(tree);
  if (!tree)
    return false;
  if (tree == dot || tree->kind == Kind::Index)
    return true;
  if (tree->kind == Kind::Constant) {
    std::optional<double> value = floatValue(tree);
    return !value || std::isfinite(*value);
  }
  if (DenseFPElementsAttr numbers = numbersOf(tree))
    return llvm::all_of(numbers,
                        [](const APFloat &value) { return value.isFinite(); });
  // f16 ends at 65504, bf16 with f32.
  if (tree->applies<arith::TruncFOp>() && elementTypeOf(tree).isF16())
    return false;
  if (tree->applies<arith::DivFOp>()) {
    std::optional<double> by = floatValue(reader.resolve(tree->args[1]));
    return by && std::abs(*by) > 1 / kLargestScore &&
           staysFinite(tree->args[0]);
  }
  if (tree->kind != Kind::Apply)
    return !isa<FloatType>(elementTypeOf(tree));
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp,
             arith::MaximumFOp, arith::MinimumFOp, arith::SIToFPOp,
             arith::UIToFPOp, arith::SelectOp, arith::CmpIOp, arith::AndIOp,
             arith::OrIOp, arith::XOrIOp, arith::AddIOp, arith::SubIOp,
             arith::MulIOp, arith::ExtFOp, arith::TruncFOp, arith::IndexCastOp,
             arith::IndexCastUIOp, math::TanhOp, math::AbsFOp, math::AbsIOp>(
             tree->op) &&
         llvm::all_of(tree->args,
                      [&](const Point *arg) { return staysFinite(arg); });
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

static std::optional<bool> boolOf(const Point *point) {
  auto value = point->kind == Kind::Constant
                   ? dyn_cast<IntegerAttr>(point->constant)
                   : IntegerAttr();
  if (!value || !value.getType().isInteger(1))
    return std::nullopt;
  return !value.getValue().isZero();
}

/// True when the condition, or its opposite where `inverted`, surely holds of
/// the key in each row.
static bool keeps(const Point *condition, bool inverted, const ProofKey &key) {
  auto each = [&](const Point *arg) { return keeps(arg, inverted, key); };
  if (std::optional<bool> value = boolOf(condition))
    return *value != inverted;
  if (condition->applies<arith::AndIOp>())
    return inverted ? llvm::any_of(condition->args, each)
                    : llvm::all_of(condition->args, each);
  if (condition->applies<arith::OrIOp>())
    return inverted ? llvm::all_of(condition->args, each)
                    : llvm::any_of(condition->args, each);
  if (condition->applies<arith::XOrIOp>() && boolOf(condition->args[1]) == true)
    return keeps(condition->args[0], !inverted, key);
  if (condition->applies<arith::SelectOp>()) {
    auto yes = boolOf(condition->args[1]), no = boolOf(condition->args[2]);
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
  Values values(*attention.reader, rule.dotPoint);
  return values.staysFinite(rule.tree) && values.countLarge(rule.tree) == 0;
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
  Values values(*attention.reader, rule.dotPoint);
  unsigned large = values.countLarge(rule.tree);
  return !values.staysFinite(rule.tree) || large > 1 ||
         (large == 1 && values.hasProduct(rule.tree));
}
