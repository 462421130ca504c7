//===- EmptyRows.cpp - Rows that keep no key ------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Such a row is NaN in a graph and 0 in attn.sdpa. Here is proved, where it can
// be, that there is none.
//
//===----------------------------------------------------------------------===//

#include "Match.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace attn;

using Kind = Point::Kind;

/// Counts constants so large that two of them, or one times something, may be
/// infinite.
static unsigned countLarge(const Point *tree) {
  std::optional<double> value = floatValue(tree);
  unsigned count = value && std::abs(*value) > 1e15;
  for (const Point *arg : tree->args)
    count += countLarge(arg);
  return count;
}

static bool hasProduct(const Point *tree, const Point *dot) {
  return tree != dot && (tree->applies<arith::MulFOp>() ||
                         llvm::any_of(tree->args, [&](const Point *arg) {
                           return hasProduct(arg, dot);
                         }));
}

/// True when every op of the rule makes finite values of finite values, sums
/// of large ones apart.
static bool staysFinite(const Point *tree, const Point *dot) {
  if (tree == dot || tree->kind == Kind::Index)
    return true;
  if (tree->kind == Kind::Constant) {
    std::optional<double> value = floatValue(tree);
    return !value || std::isfinite(*value);
  }
  if (tree->kind != Kind::Apply)
    return !isa<FloatType>(getElementTypeOrSelf(tree->value.getType()));
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp,
             arith::MaximumFOp, arith::MinimumFOp, arith::SIToFPOp,
             arith::UIToFPOp, arith::SelectOp, arith::CmpIOp, arith::AndIOp,
             arith::OrIOp, arith::XOrIOp, arith::AddIOp, arith::SubIOp,
             arith::MulIOp, arith::IndexCastOp, arith::IndexCastUIOp,
             math::TanhOp, math::AbsFOp, math::AbsIOp>(tree->op) &&
         llvm::all_of(tree->args,
                      [&](const Point *arg) { return staysFinite(arg, dot); });
}

/// The value of an integer expression for n = 0, as c * m + d.
static std::optional<std::pair<int64_t, int64_t>>
atFirstKey(const Point *point, AffineExpr m, AffineExpr n) {
  if (point->kind == Kind::Constant)
    if (auto value = dyn_cast<IntegerAttr>(point->constant))
      return std::pair<int64_t, int64_t>(0, value.getInt());
  if (point->kind == Kind::Index) {
    if (point->coords[0] == n ||
        point->coords[0] == getAffineConstantExpr(0, n.getContext()))
      return std::pair<int64_t, int64_t>(0, 0);
    if (m && point->coords[0] == m)
      return std::pair<int64_t, int64_t>(1, 0);
    return std::nullopt;
  }
  // A position does not wrap in 32 bits.
  if (point->applies<arith::IndexCastOp>() &&
      (getElementTypeOrSelf(point->op->getResult(0)).isIndex() ||
       getElementTypeOrSelf(point->op->getResult(0)).getIntOrFloatBitWidth() >=
           32))
    return atFirstKey(point->args[0], m, n);
  if (point->args.size() != 2)
    return std::nullopt;
  auto a = atFirstKey(point->args[0], m, n);
  auto b = atFirstKey(point->args[1], m, n);
  if (!a || !b)
    return std::nullopt;
  if (point->applies<arith::AddIOp>())
    return std::pair(a->first + b->first, a->second + b->second);
  if (point->applies<arith::SubIOp>())
    return std::pair(a->first - b->first, a->second - b->second);
  return std::nullopt;
}

/// True when the condition surely keeps key 0 of each row.
static bool keepsFirstKey(const Point *condition, bool inverted, AffineExpr m,
                          AffineExpr n) {
  if (!condition->applies<arith::CmpIOp>())
    return false;
  auto a = atFirstKey(condition->args[0], m, n);
  auto b = atFirstKey(condition->args[1], m, n);
  if (!a || !b)
    return false;
  using arith::CmpIPredicate;
  CmpIPredicate predicate = cast<arith::CmpIOp>(condition->op).getPredicate();
  if (inverted)
    predicate = arith::invertPredicate(predicate);
  std::pair<int64_t, int64_t> d(b->first - a->first, b->second - a->second);
  // d = right - left; a m is 0 or more.
  switch (predicate) {
  case CmpIPredicate::sle:
    return d.first >= 0 && d.second >= 0;
  case CmpIPredicate::slt:
    return d.first >= 0 && d.second >= 1;
  case CmpIPredicate::sge:
    return d.first <= 0 && d.second <= 0;
  case CmpIPredicate::sgt:
    return d.first <= 0 && d.second <= -1;
  case CmpIPredicate::ule:
    return *a == std::pair<int64_t, int64_t>(0, 0);
  case CmpIPredicate::uge:
    return *b == std::pair<int64_t, int64_t>(0, 0);
  default:
    return false;
  }
}

bool attn::mayHaveEmptyRows(const Attention &attention, const ScoreRule &rule) {
  bool keepsOne =
      rule.keep.empty() || llvm::all_of(rule.keep, [&](auto &condition) {
        return keepsFirstKey(condition.first, condition.second, attention.m,
                             attention.n);
      });
  unsigned large = countLarge(rule.tree);
  return !keepsOne || !staysFinite(rule.tree, rule.dotPoint) || large > 1 ||
         (large == 1 && hasProduct(rule.tree, rule.dotPoint));
}
