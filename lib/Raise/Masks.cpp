//===- Masks.cpp - What of the scores drops keys --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Masks that are regions let blocks of keys be skipped. A key is dropped by
// -inf; by a number that no score reaches, in rows that keep another; and by
// one that scores may reach, while they do not.
//
//===----------------------------------------------------------------------===//

#include "Bounds.h"
#include "Scores.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn;

/// select(c, x, fill) as x, with the condition added to `keep`.
Splitter::Peeled Splitter::peelSelect(const Point *select, IsConstant isFilled,
                                      Conditions &keep) {
  if (!select->applies<arith::SelectOp>() || hasDot(select->args[0]))
    return {};
  for (unsigned i = 1; i < 3; ++i)
    if (isFilled(select->args[i])) {
      keep.push_back({select->args[0], /*inverted=*/i == 1});
      return {select->args[3 - i], select->args[i]};
    }
  return {};
}

/// What is left of select(c, x, fill), x + select(c, 0, fill), either widened
/// or times a number, with the condition added to `keep`; nothing for all else.
/// `isFill` is asked of the fill and of what it is after the factors above it.
Splitter::Peeled Splitter::peelMask(const Point *point, IsFill isFill,
                                    double factor, Conditions &keep) {
  if (point->applies<arith::ExtFOp>()) {
    Peeled inner = peelMask(point->args[0], isFill, factor, keep);
    if (!inner)
      return {};
    return {reader.apply(point->op, {inner.rest}),
            reader.apply(point->op, {inner.dropped})};
  }
  if (point->applies<arith::MulFOp>()) {
    for (unsigned i = 0; i < 2; ++i) {
      const Point *number = point->args[1 - i];
      std::optional<double> by = floatValue(number);
      if (!by || !(*by > 0.0) || !std::isfinite(*by))
        continue;
      Peeled inner = peelMask(point->args[i], isFill, factor * *by, keep);
      if (!inner)
        return {};
      return {reader.apply(point->op, {inner.rest, number}),
              reader.apply(point->op, {inner.dropped, number})};
    }
    return {};
  }
  auto isFilled = [&](const Point *arg) {
    std::optional<double> value = floatValue(arg);
    if (!value)
      return false;
    double product = *value * factor;
    return isFill(*value,
                  elementTypeOf(arg).isF64() ? product : float(product));
  };
  if (!point->applies<arith::AddFOp>())
    return peelSelect(point, isFilled, keep);
  for (unsigned i = 0; i < 2; ++i) {
    const Point *added = point->args[i], *score = point->args[1 - i];
    bool hasZero =
        added->applies<arith::SelectOp>() &&
        llvm::any_of(llvm::drop_begin(added->args),
                     [](const Point *arg) { return floatValue(arg) == 0.0; });
    if (!hasZero)
      continue;
    if (Peeled fill = peelSelect(added, isFilled, keep))
      return {score, reader.apply(point->op, {score, fill.dropped})};
  }
  return {};
}

/// -inf drops keys. So does a number that no score reaches, in rows that keep
/// another; as a mask it lets blocks of keys be skipped, so that is worth doing
/// where positions decide.
void Splitter::peelMasks() {
  // Beyond this a score of f64 that is added changes nothing.
  auto absorbs = [](double v) { return v < -kLargestRule * 0x1p54; };
  auto isLowest = [&](double v, double product) {
    return absorbs(v) && std::isinf(product);
  };
  auto isAbsorbing = [&](double v, double product) {
    return absorbs(v) && absorbs(product) && std::isfinite(product);
  };
  while (Peeled next = peelMask(rule.tree, isLowest, 1.0, rule.keep))
    rule.tree = next.rest;
  ScoreRule masked = rule;
  Conditions found;
  while (Peeled next = peelMask(masked.tree, isAbsorbing, 1.0, found)) {
    if (!hasIndex(found.back().first))
      return;
    masked.tree = next.rest;
  }
  if (found.empty() || !hasDot(masked.tree) ||
      !areScoresModerate(attention, masked))
    return;
  masked.keep.append(found);
  if (mayHaveEmptyRows(attention, masked)) {
    // Where -inf drops some keys of a row the others have its mean; and the
    // mean of a head is not read where several share it.
    const HeadView &key = rule.dot.key;
    if (!rule.keep.empty() || attention.startsFinite ||
        (key.group != 1 && key.has(1)))
      return;
    masked.emptyRows = EmptyRows::MeanOfValues;
  }
  rule = masked;
}

/// The largest |dot product| up to which each score of `dropped` is so far
/// below each that `masked` keeps that its weight is exactly 0; at most 1e15,
/// and 0 where that is not to be had.
double Splitter::largestExactDot(const ScoreRule &masked,
                                 ArrayRef<const Point *> dropped) {
  // exp(-104) is 0 in f32, exp(-746) in f64; some of both numbers may be lost
  // to rounding, up to that of bf16.
  bool isWide = elementTypeOf(masked.tree).isF64();
  double apart = isWide ? 760.0 : 110.0;
  auto isExact = [&](double largest) {
    Bounds kept = boundsOf(reader, masked.tree, masked.dotPoint, largest);
    return llvm::all_of(dropped, [&](const Point *tree) {
      Bounds low = boundsOf(reader, tree, masked.dotPoint, largest);
      double slack = (kept.magnitude() + low.magnitude()) * 0x1p-6;
      return (kept.low - low.high - slack) * rule.factor >= apart;
    });
  };
  constexpr double kLeast = 1.0;
  if (!isExact(kLeast))
    return 0.0;
  double exact = kLeast, other = kLargestScore;
  while (other > 1.01 * exact) {
    double middle = std::sqrt(exact * other);
    (isExact(middle) ? exact : other) = middle;
  }
  return exact;
}

/// A number that scores may reach drops keys while they do not. The score keeps
/// all masks and is exact by itself; while dot products are small the keys may
/// be skipped as well.
void Splitter::guardMasks() {
  constexpr double kLeastFill = -1000.0;
  auto isLow = [&](double v, double product) {
    return v <= kLeastFill && std::isfinite(product);
  };
  ScoreRule masked = rule;
  Conditions found;
  SmallVector<const Point *> dropped;
  while (Peeled next = peelMask(masked.tree, isLow, 1.0, found)) {
    masked.tree = next.rest;
    dropped.push_back(next.dropped);
  }
  if (llvm::none_of(found, [](auto &each) { return hasIndex(each.first); }) ||
      !hasDot(masked.tree))
    return;
  masked.keep.append(found);
  if (mayHaveEmptyRows(attention, masked))
    return;
  rule.largestDot = largestExactDot(masked, dropped);
  if (rule.largestDot > 0.0)
    rule.guarded = found;
}
