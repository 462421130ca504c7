//===- EmptyRows.cpp - Rows that keep no key ------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Such a row is NaN in a graph, or the mean of the values, and 0 in attn.sdpa.
// Here is proved, where it can be, that there is none.
//
//===----------------------------------------------------------------------===//

#include "Bounds.h"
#include "Match.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn;

using Kind = Point::Kind;

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

bool attn::areScoresModerate(const Attention &attention, const ScoreRule &rule,
                             bool others) {
  return boundsOf(*attention.reader, rule.tree, rule.dotPoint, kLargestScore,
                  others)
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
  return !boundsOf(*attention.reader, rule.tree, rule.dotPoint, kLargestScore)
              .isFinite();
}
