//===- Scores.cpp - Scores as dot product, rule and mask ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What replaces scores by -inf is the mask; factors of the dot product are the
// scale; all else between is the score rule, as it stands.
//
//===----------------------------------------------------------------------===//

#include "Match.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace attn;

using Kind = Point::Kind;

namespace {
class Splitter {
public:
  Splitter(const Attention &attention)
      : attention(attention), reader(*attention.reader) {}

  std::optional<ScoreRule> split(std::optional<NearMiss> &miss);

private:
  const Point *expand(const Point *point);
  const Point *expandNew(const Point *point);
  const Point *expandRead(const Point *point);
  bool matchDot(const Point *point);
  const Point *peelFactors(const Point *point, Dot &dot,
                           ArrayRef<AffineExpr> bhsd);
  bool takeFactor(const Point *factor, bool divides, Dot &dot);
  void peelMask();
  void foldScale();
  bool isReadable(const Point *point);
  bool hasDot(const Point *point);
  bool hasIndex(const Point *point);
  unsigned countDots(const Point *point);

  const Attention &attention;
  PointReader &reader;
  ScoreRule rule;
  DenseMap<const Point *, const Point *> expanded;
};
} // namespace

static bool isInfinite(const Point *point, bool negative) {
  std::optional<double> value = floatValue(point);
  return value && std::isinf(*value) && std::signbit(*value) == negative;
}

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

/// The deepest tensor of heads in `point`, with the factors on the way to it.
const Point *Splitter::peelFactors(const Point *point, Dot &dot,
                                   ArrayRef<AffineExpr> bhsd) {
  const Point *best = nullptr;
  Dot seen = dot;
  while (point) {
    if (point->kind == Kind::Read) {
      if (viewHeads(reader, point, bhsd)) {
        best = point;
        dot.scale = seen.scale;
        dot.scalars = seen.scalars;
      }
      point = reader.step(point);
      continue;
    }
    const Point *next = nullptr;
    if (point->applies<arith::MulFOp>())
      for (unsigned i = 0; i < 2 && !next; ++i)
        if (takeFactor(point->args[i], /*divides=*/false, seen))
          next = point->args[1 - i];
    if (point->applies<arith::DivFOp>() &&
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
  const Point *product = reader.resolve(point->args[0]);
  if (!product->applies<arith::MulFOp>())
    return false;
  for (unsigned i = 0; i < 2; ++i) {
    const Point *q = product->args[i], *k = product->args[1 - i];
    if (dependsOn(q, attention.n) || !dependsOn(k, attention.n) ||
        (attention.m && dependsOn(k, attention.m)))
      continue;
    Dot dot;
    dot.k = point->dim;
    dot.query =
        peelFactors(q, dot, {attention.b, attention.h, attention.m, dot.k});
    dot.key =
        peelFactors(k, dot, {attention.b, attention.h, attention.n, dot.k});
    if (!dot.query || !dot.key)
      continue;
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

bool Splitter::hasIndex(const Point *point) {
  return point->kind == Kind::Index ||
         llvm::any_of(point->args, [&](auto *arg) { return hasIndex(arg); });
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
  return reader.apply(point->op, args);
}

unsigned Splitter::countDots(const Point *point) {
  unsigned count = point == rule.dotPoint;
  for (const Point *arg : point->args)
    count += countDots(arg);
  return count;
}

/// select(c, x, -inf) and x + select(c, 0, -inf) at the top of the rule.
void Splitter::peelMask() {
  auto peelSelect = [&](const Point *point) -> const Point * {
    if (!point->applies<arith::SelectOp>())
      return nullptr;
    for (unsigned i = 1; i < 3; ++i)
      if (isInfinite(point->args[i], /*negative=*/true) &&
          !hasDot(point->args[0])) {
        rule.keep.push_back({point->args[0], /*inverted=*/i == 1});
        return point->args[3 - i];
      }
    return nullptr;
  };
  auto peelSum = [&](const Point *point) -> const Point * {
    if (!point->applies<arith::AddFOp>())
      return nullptr;
    for (unsigned i = 0; i < 2; ++i) {
      const Point *added = point->args[i];
      if (!added->applies<arith::SelectOp>() ||
          !llvm::any_of(llvm::drop_begin(added->args), [](const Point *arg) {
            return floatValue(arg) == 0.0;
          }))
        continue;
      if (peelSelect(added))
        return point->args[1 - i];
    }
    return nullptr;
  };
  for (const Point *next = rule.tree; next;) {
    rule.tree = next;
    next = peelSelect(rule.tree);
    if (!next)
      next = peelSum(rule.tree);
  }
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
  if (!rule.tree || !rule.dotPoint || !hasDot(rule.tree)) {
    const Point *top = reader.resolve(attention.scores);
    Operation *what = top->op      ? top->op
                      : top->value ? top->value.getDefiningOp()
                                   : nullptr;
    miss = NearMiss{what ? what : op,
                    "the scores are no function of one product of queries and "
                    "keys as [b, h, s, d]"};
    return std::nullopt;
  }
  peelMask();
  if (!hasDot(rule.tree)) {
    miss = NearMiss{op, "the scores are no function of one product of queries "
                        "and keys as [b, h, s, d]"};
    return std::nullopt;
  }
  foldScale();
  rule.rowsMayBeEmpty =
      !attention.emptyRowsAreZero && mayHaveEmptyRows(attention, rule);
  return rule;
}

std::optional<ScoreRule> attn::splitScores(const Attention &attention,
                                           std::optional<NearMiss> &miss) {
  return Splitter(attention).split(miss);
}
