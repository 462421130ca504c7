//===- Scores.cpp - Scores as dot product, rule and mask ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What replaces scores by -inf is the mask; factors of the dot product are the
// scale; all else between is the score rule, as it stands.
//
//===----------------------------------------------------------------------===//

#include "Scores.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace attn;

using Kind = Point::Kind;

/// Size of the expression as a tree, up to `limit`.
static unsigned countNodes(const Point *tree, unsigned limit) {
  unsigned count = 1;
  for (const Point *arg : tree->args)
    if (count < limit)
      count += countNodes(arg, limit - count);
  return count;
}

/// A rule longer than this is no rule that anybody writes, and questions about
/// it are asked of it as a tree.
constexpr unsigned kLongestRule = 1000;

//===----------------------------------------------------------------------===//
// The dot product
//===----------------------------------------------------------------------===//

/// A factor that is the same for every element.
bool Splitter::takeFactor(const Point *factor, bool divides, Dot &dot) {
  factor = reader.resolve(factor);
  if (std::optional<double> value = floatValue(factor)) {
    double scale = divides ? dot.scale / *value : dot.scale * *value;
    if (!std::isfinite(scale) || scale == 0.0)
      return false;
    dot.scale = scale;
    return true;
  }
  if (factor->kind != Kind::Scalar || divides ||
      !isa<FloatType>(factor->value.getType()))
    return false;
  dot.scalars.push_back(factor->value);
  return true;
}

/// The deepest tensor of heads in `point`, of the attention's type or a
/// narrower one, with the factors on the way to it.
std::optional<HeadView> Splitter::peelFactors(const Point *point, Dot &dot,
                                              ArrayRef<AffineExpr> bhsd) {
  Type element = getElementTypeOrSelf(attention.root.getType());
  std::optional<HeadView> best;
  Dot seen = dot;
  while (point) {
    if (point->kind == Point::Kind::Read) {
      if (canWiden(elementTypeOf(point), element))
        if (std::optional<HeadView> view = viewHeads(reader, point, bhsd)) {
          best = view;
          dot.scale = seen.scale;
          dot.scalars = seen.scalars;
        }
      point = reader.step(point);
      continue;
    }
    const Point *next = nullptr;
    // In fewer bits a product is rounded, and part of the operand.
    Type type = elementTypeOf(point);
    bool isWide = type.isF32() || type.isF64();
    if (point->applies<arith::ExtFOp>())
      next = point->args[0];
    if (isWide && point->applies<arith::MulFOp>())
      for (unsigned i = 0; i < 2 && !next; ++i)
        if (takeFactor(point->args[i], /*divides=*/false, seen))
          next = point->args[1 - i];
    if (isWide && point->applies<arith::DivFOp>() &&
        takeFactor(point->args[1], /*divides=*/true, seen))
      next = point->args[0];
    point = next;
  }
  return best;
}

/// True when `point` is the dot product of the attention; the first is taken.
bool Splitter::matchDot(const Point *point) {
  if (rule.dotPoint)
    return point == rule.dotPoint ||
           reader.same(point, rule.dotPoint, Renaming());
  if (!point->reduces(Point::Reducer::Sum) ||
      floatValue(reader.resolve(point->args[1])) != 0.0)
    return false;
  Type type = elementTypeOf(point);
  if (type.isF16() || type.isBF16()) {
    reason = NearMiss{point->op, kNarrowSum.str()};
    return false;
  }
  const Point *product = reader.resolve(point->args[0]);
  if (!product->applies<arith::MulFOp>())
    return false;
  AffineExpr b = attention.b, h = attention.h, m = attention.m;
  // What has one position only is in no tensor.
  auto named = [&](AffineExpr dim) {
    return reader.sizeOf(dim) == 1 ? AffineExpr() : dim;
  };
  AffineExpr n = named(attention.n);
  for (unsigned i = 0; i < 2; ++i) {
    const Point *q = product->args[i], *k = product->args[1 - i];
    if ((n && (dependsOn(q, n) || !dependsOn(k, n))) ||
        (m && (dependsOn(k, m) || (!n && !dependsOn(q, m)))))
      continue;
    Dot dot;
    auto query = peelFactors(q, dot, {b, h, m, named(point->dim)});
    auto key = peelFactors(k, dot, {b, h, n, named(point->dim)});
    if (!query || !key || (!n && !m && query->group != 1))
      continue;
    dot.query = *query;
    dot.key = *key;
    rule.dot = dot;
    rule.dotPoint = point;
    return true;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// The rule
//===----------------------------------------------------------------------===//

bool Splitter::isReadable(const Point *point) {
  const AffineExpr known[] = {attention.b, attention.h, attention.m,
                              attention.n};
  Type element = getElementTypeOrSelf(point->value.getType());
  if (!element.isSignlessIntOrIndexOrFloat())
    return false;
  bool all = true;
  for (AffineExpr e : point->coords)
    e.walk([&](AffineExpr inner) {
      if (isa<AffineDimExpr>(inner))
        all &= llvm::is_contained(known, inner);
    });
  return all;
}

bool Splitter::hasDot(const Point *point) {
  return point == rule.dotPoint ||
         llvm::any_of(point->args, [&](auto *arg) { return hasDot(arg); });
}

/// A tensor without scores or positions in it is read where it stands: what it
/// was made from need not be computed once more per score.
const Point *Splitter::expandRead(const Point *point) {
  if (const Point *next = reader.step(point))
    if (const Point *whole = expand(next))
      if (countNodes(whole, kLongestRule) >= kLongestRule || hasDot(whole) ||
          hasIndex(whole) || whole->kind == Kind::Constant ||
          whole->kind == Kind::Scalar)
        return whole;
  return isReadable(point) ? point : nullptr;
}

/// The expression down to the dot product and to what is read; null where that
/// cannot be told.
const Point *Splitter::expand(const Point *point) {
  // Values that a body uses twice are looked at once.
  auto [known, isNew] = expanded.try_emplace(point, nullptr);
  if (!isNew)
    return known->second;
  const Point *whole = expandNew(point);
  expanded[point] = whole;
  return whole;
}

const Point *Splitter::expandNew(const Point *point) {
  switch (point->kind) {
  case Kind::Constant:
  case Kind::Scalar:
  case Kind::Index:
    return point;
  case Kind::Read:
    return expandRead(point);
  case Kind::Reduce:
    return matchDot(point) ? rule.dotPoint : nullptr;
  case Kind::Apply:
    break;
  }
  SmallVector<const Point *> args;
  for (const Point *arg : point->args) {
    args.push_back(expand(arg));
    if (!args.back())
      return nullptr;
  }
  if (const Point *known = fold(reader, point->op, args))
    return known;
  return reader.apply(point->op, args);
}

unsigned Splitter::countDots(const Point *point) {
  unsigned count = point == rule.dotPoint;
  for (const Point *arg : point->args)
    count += countDots(arg);
  return count;
}

/// Constant factors right above the only dot product are scale.
void Splitter::foldScale() {
  if (countDots(rule.tree) != 1)
    return;
  // The way from the dot product up.
  SmallVector<const Point *> way{rule.tree};
  while (way.back() != rule.dotPoint)
    way.push_back(*llvm::find_if(way.back()->args,
                                 [&](auto *arg) { return hasDot(arg); }));
  way.pop_back();
  const Point *below = rule.dotPoint;
  while (!way.empty()) {
    const Point *above = way.back();
    unsigned at = above->args[0] == below ? 0 : 1;
    bool divides = above->applies<arith::DivFOp>();
    if (!(divides && at == 0) && !above->applies<arith::MulFOp>())
      break;
    if (!takeFactor(above->args[1 - at], divides, rule.dot))
      break;
    below = above;
    way.pop_back();
  }
  // The score that the rule starts from is now the scaled one.
  rule.dotPoint = below;
}

std::optional<ScoreRule> Splitter::split(std::optional<NearMiss> &miss) {
  Operation *op = attention.root.getDefiningOp();
  rule.tree = expand(attention.scores);
  if (rule.tree && countNodes(rule.tree, kLongestRule) >= kLongestRule) {
    miss = NearMiss{op, "the scores go through too many ops"};
    return std::nullopt;
  }
  if (reason && (!rule.tree || !rule.dotPoint)) {
    miss = reason;
    return std::nullopt;
  }
  if (!rule.tree || !rule.dotPoint || !hasDot(rule.tree)) {
    const Point *top = reader.resolve(attention.scores);
    Operation *what = top->op      ? top->op
                      : top->value ? top->value.getDefiningOp()
                                   : nullptr;
    // Ops that only expressions have are in no function, and go with them.
    bool isOfGraph = what && what->getParentOp();
    miss = NearMiss{isOfGraph ? what : op,
                    "the scores are no function of one product of queries and "
                    "keys as [b, h, s, d]"};
    return std::nullopt;
  }
  peelMasks();
  if (!hasDot(rule.tree)) {
    miss = NearMiss{op, "the scores are no function of one product of queries "
                        "and keys as [b, h, s, d]"};
    return std::nullopt;
  }
  foldScale();
  rule.factor = attention.factor;
  if (rule.tree == rule.dotPoint)
    rule.dot.scale *= std::exchange(rule.factor, 1.0);
  guardMasks();
  bool isModerate = areScoresModerate(attention, rule);
  // A row of -inf is NaN from any start.
  if (attention.startsFinite &&
      !areScoresModerate(attention, rule, /*others=*/true)) {
    miss = NearMiss{op, "the maximum starts from a number that is not the "
                        "lowest of its type, and scores may be below it"};
    return std::nullopt;
  }
  // The lowest number, twice, is -inf.
  if ((rule.factor > 1.0 || attention.isTestedBefore) && !isModerate) {
    miss = NearMiss{op, "a factor above 1 after the maximum is subtracted, of "
                        "scores that may be very large"};
    return std::nullopt;
  }
  if (rule.emptyRows == EmptyRows::None && !attention.emptyRowsAreZero &&
      mayHaveEmptyRows(attention, rule))
    rule.emptyRows = EmptyRows::NaN;
  return rule;
}

std::optional<ScoreRule> attn::splitScores(const Attention &attention,
                                           std::optional<NearMiss> &miss) {
  return Splitter(attention).split(miss);
}
