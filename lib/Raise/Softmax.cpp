//===- Softmax.cpp - Softmax in front of a product ------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// exp(s - max) / sum, to the base e or 2, its factor inside or outside, or
// exp(s - max - log sum).
//
//===----------------------------------------------------------------------===//

#include "Softmax.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

using Reducer = Point::Reducer;

static constexpr StringLiteral kNarrowSoftmax(
    "softmax in f16 or bf16: each of its steps is rounded, where attn.sdpa "
    "rounds once");

bool attn::isZero(PointReader &reader, const Point *point) {
  return floatValue(reader.resolve(point)) == 0.0;
}

/// What a maximum may start from. With -inf, and with the lowest number of its
/// type, a row of -inf is NaN and any other has the same maximum; so it is with
/// other numbers, if no score is below them.
bool SoftmaxMatcher::isBelowAll(const Point *point) {
  const Point *start = reader.resolve(point);
  std::optional<double> number = floatValue(start);
  if (!number || *number > -kLargestRule)
    return false;
  APFloat value = cast<FloatAttr>(start->constant).getValue();
  startsFinite |= !value.isInfinity() && !value.isLargest();
  return true;
}

static bool isNarrow(const Point *point) {
  Type type = elementTypeOf(point);
  return type.isF16() || type.isBF16();
}

std::optional<Row> SoftmaxMatcher::matchNamed(const Point *point,
                                              AffineExpr n) {
  if (point->kind != Point::Kind::Read)
    return std::nullopt;
  auto softmax = point->value.getDefiningOp<linalg::SoftmaxOp>();
  if (!softmax || !softmax.hasPureTensorSemantics())
    return std::nullopt;
  if (isNarrow(point)) {
    note(softmax, kNarrowSoftmax);
    return std::nullopt;
  }
  AffineExpr over = point->coords[softmax.getDimension()];
  if (over != n && !(over == reader.zero() && reader.sizeOf(n) == 1)) {
    note(softmax, "softmax over another dimension than the keys");
    return std::nullopt;
  }
  Row row;
  row.scores = reader.read(softmax.getInput(), point->coords);
  row.divided = true;
  return row;
}

/// x of x * c or x / c with a positive number c, which joins `factor`.
const Point *SoftmaxMatcher::peelFactor(const Point *point, double &factor) {
  point = reader.resolve(point);
  bool divides = point->applies<arith::DivFOp>();
  if (!divides && !point->applies<arith::MulFOp>())
    return point;
  for (unsigned i = divides ? 1 : 0; i < 2; ++i) {
    std::optional<double> value = floatValue(reader.resolve(point->args[i]));
    if (!value || !(*value > 0) || !std::isfinite(*value))
      continue;
    factor = divides ? factor / *value : factor * *value;
    return reader.resolve(point->args[1 - i]);
  }
  return point;
}

/// |x| == inf or its opposite, of a maximum x.
static bool isInfinityTest(PointReader &reader, const Point *condition,
                           const Point *maximum, bool isInfinite) {
  if (!condition->applies<arith::CmpFOp>())
    return false;
  const Point *tested = reader.resolve(condition->args[0]);
  if (tested->applies<math::AbsFOp>())
    tested = tested->args[0];
  std::optional<double> bound = floatValue(reader.resolve(condition->args[1]));
  using arith::CmpFPredicate;
  CmpFPredicate predicate = cast<arith::CmpFOp>(condition->op).getPredicate();
  bool fits = isInfinite
                  ? llvm::is_contained({CmpFPredicate::OEQ, CmpFPredicate::UEQ},
                                       predicate)
                  : llvm::is_contained({CmpFPredicate::ONE, CmpFPredicate::UNE},
                                       predicate);
  return fits && bound && std::isinf(*bound) &&
         reader.same(tested, maximum, Renaming());
}

/// max(-inf, x), and x made 0 where it is infinite: then exp(-inf - 0) / 0 is
/// NaN for a row of -inf, as without.
const Point *SoftmaxMatcher::peelGuards(const Point *point) {
  for (;;) {
    point = reader.resolve(point);
    const Point *inner = nullptr;
    if (point->applies<arith::MaximumFOp>() ||
        point->applies<arith::MaxNumFOp>()) {
      for (unsigned i = 0; i < 2 && !inner; ++i)
        if (isBelowAll(point->args[i]))
          inner = point->args[1 - i];
    } else if (point->applies<arith::SelectOp>()) {
      for (unsigned i = 1; i < 3 && !inner; ++i)
        if (isZero(reader, point->args[i]) &&
            isInfinityTest(reader, reader.resolve(point->args[0]),
                           point->args[3 - i], /*isInfinite=*/i == 1))
          inner = point->args[3 - i];
    }
    if (!inner)
      return point;
    point = inner;
  }
}

/// scores - maximum.
std::optional<Row> SoftmaxMatcher::matchDifference(const Point *scores,
                                                   const Point *maximum,
                                                   AffineExpr n,
                                                   bool isDivided) {
  Operation *op = maximum->op;
  maximum = peelGuards(maximum);
  double ofScores = 1.0, ofMaximum = 1.0;
  const Point *scaled = scores;
  // c s - c max s.
  if (!maximum->reduces(Reducer::Max)) {
    maximum = peelGuards(peelFactor(maximum, ofMaximum));
    if (ofMaximum != 1.0)
      scores = peelFactor(scores, ofScores);
  }
  if (!maximum->reduces(Reducer::Max) || ofScores != ofMaximum) {
    if (isDivided && op)
      note(op, "what is subtracted is no maximum");
    return std::nullopt;
  }
  if (!isBelowAll(maximum->args[1])) {
    note(maximum->op, "the maximum starts from something else than -inf");
    return std::nullopt;
  }
  if (reader.sizeOf(maximum->dim) != reader.sizeOf(n) ||
      !reader.same(scores, maximum->args[0], {{n, maximum->dim}})) {
    note(maximum->op, "the maximum is not that of the scores over the keys");
    return std::nullopt;
  }
  Row row;
  row.scores = scores;
  row.factor = row.scaledBy = ofScores;
  row.scaled = scaled;
  return row;
}

/// The sum of log(sum) or log(|sum|).
static const Point *logOfSum(PointReader &reader, const Point *point,
                             bool isBase2) {
  point = reader.resolve(point);
  if (isBase2 ? !point->applies<math::Log2Op>()
              : !point->applies<math::LogOp>())
    return nullptr;
  const Point *sum = reader.resolve(point->args[0]);
  if (sum->applies<math::AbsFOp>())
    sum = reader.resolve(sum->args[0]);
  return sum->reduces(Reducer::Sum) ? sum : nullptr;
}

/// scores - max - log(sum) or scores - (max + log(sum)).
std::optional<Row> SoftmaxMatcher::matchLogSum(const Point *difference,
                                               AffineExpr n, double factor,
                                               bool isBase2) {
  const Point *left = reader.resolve(difference->args[0]);
  const Point *right = reader.resolve(difference->args[1]);
  const Point *sum = logOfSum(reader, right, isBase2);
  const Point *scores = nullptr, *maximum = nullptr;
  if (sum && left->applies<arith::SubFOp>()) {
    scores = left->args[0];
    maximum = left->args[1];
  } else if (right->applies<arith::AddFOp>()) {
    scores = left;
    for (unsigned i = 0; i < 2 && !sum; ++i) {
      sum = logOfSum(reader, right->args[i], isBase2);
      maximum = right->args[1 - i];
    }
  }
  if (!sum || !scores)
    return std::nullopt;
  if (!isZero(reader, sum->args[1]) ||
      reader.sizeOf(sum->dim) != reader.sizeOf(n))
    return std::nullopt;
  std::optional<Row> row =
      matchDifference(scores, reader.resolve(maximum), n, /*isDivided=*/true);
  std::optional<Row> summed = matchExponential(reader.resolve(sum->args[0]),
                                               sum->dim, /*isDivided=*/true);
  double base = isBase2 ? llvm::numbers::ln2 : 1.0;
  if (!row || !summed || factor != base || row->factor != 1.0 ||
      std::abs(summed->factor - base) > 1e-6 * base ||
      !reader.same(row->scores, summed->scores, {{n, sum->dim}})) {
    note(difference->op, "the sum under the logarithm is not that of the "
                         "exponentials over the keys");
    return std::nullopt;
  }
  row->factor = base;
  row->divided = true;
  return row;
}

/// Exponentials that are not divided by a sum are everywhere (sigmoids), so of
/// those only what has a maximum in it is told.
std::optional<Row> SoftmaxMatcher::matchExponential(const Point *point,
                                                    AffineExpr n,
                                                    bool isDivided) {
  bool isBase2 = point->applies<math::Exp2Op>();
  if (!isBase2 && !point->applies<math::ExpOp>())
    return std::nullopt;
  double factor = isBase2 ? llvm::numbers::ln2 : 1.0;
  const Point *difference = peelFactor(point->args[0], factor);
  if (!difference->applies<arith::SubFOp>()) {
    if (isDivided)
      note(point->op, difference->applies<arith::ExtFOp>()
                          ? kNarrowSoftmax
                          : "exponentials without the maximum subtracted");
    return std::nullopt;
  }
  std::optional<Row> row = matchLogSum(difference, n, factor, isBase2);
  if (!row) {
    row = matchDifference(difference->args[0],
                          reader.resolve(difference->args[1]), n, isDivided);
    if (!row)
      return std::nullopt;
    row->factor *= factor;
    row->exponential = point;
  }
  if (isNarrow(point)) {
    note(point->op, kNarrowSoftmax);
    return std::nullopt;
  }
  // log2(e) rounded to the type, times ln(2).
  double unit = elementTypeOf(point).isF64() ? 0x1p-52 : 0x1p-23;
  if (std::abs(row->factor - 1.0) < 2 * unit)
    row->factor = 1.0;
  return row;
}

std::optional<std::pair<const Point *, const Point *>>
SoftmaxMatcher::matchDivision(const Point *point) {
  auto found = [&](const Point *numerator, const Point *denominator) {
    return std::pair(numerator, reader.resolve(denominator));
  };
  if (point->applies<arith::DivFOp>())
    return found(point->args[0], point->args[1]);
  if (!point->applies<arith::MulFOp>())
    return std::nullopt;
  for (unsigned i = 0; i < 2; ++i) {
    const Point *inverse = reader.resolve(point->args[i]);
    if (inverse->applies<arith::DivFOp>() &&
        floatValue(reader.resolve(inverse->args[0])) == 1.0)
      return found(point->args[1 - i], inverse->args[1]);
  }
  return std::nullopt;
}

bool SoftmaxMatcher::isSumOf(const Point *sum, const Point *exponential,
                             AffineExpr n) {
  return sum->reduces(Reducer::Sum) && isZero(reader, sum->args[1]) &&
         reader.sizeOf(sum->dim) == reader.sizeOf(n) &&
         reader.same(exponential, sum->args[0], {{n, sum->dim}});
}

/// select(all scores are -inf, 0, weights).
std::optional<Row> SoftmaxMatcher::matchSafe(const Point *point, AffineExpr n) {
  if (!point->applies<arith::SelectOp>())
    return std::nullopt;
  for (unsigned i = 1; i < 3; ++i) {
    if (!isZero(reader, point->args[i]))
      continue;
    std::optional<Row> row = matchRow(point->args[3 - i], n);
    if (!row || !row->divided ||
        !isAllLowest(reader, point->args[0], /*negated=*/i == 2, row->scores,
                     n))
      return std::nullopt;
    row->emptyIsZero = true;
    return row;
  }
  return std::nullopt;
}

/// Weights that are rounded on their way into the second product, as attn.sdpa
/// rounds them.
static const Point *peelRounding(PointReader &reader, const Point *point) {
  if (!point->applies<arith::ExtFOp>())
    return point;
  const Point *rounded = reader.resolve(point->args[0]);
  return rounded->applies<arith::TruncFOp>() && isNarrow(rounded) &&
                 elementTypeOf(point) == elementTypeOf(rounded->args[0])
             ? reader.resolve(rounded->args[0])
             : point;
}

std::optional<Row> SoftmaxMatcher::matchRow(const Point *point, AffineExpr n) {
  point = peelRounding(reader, reader.resolve(point));
  if (std::optional<Row> row = matchNamed(point, n))
    return row;
  if (std::optional<Row> row = matchSafe(point, n))
    return row;
  auto division = matchDivision(point);
  if (!division)
    return matchExponential(point, n, /*isDivided=*/false);
  const Point *exponential = reader.resolve(division->first);
  std::optional<Row> row =
      matchExponential(exponential, n, division->second->reduces(Reducer::Sum));
  if (!row || row->divided)
    return std::nullopt;
  if (!isSumOf(division->second, exponential, n)) {
    note(point->op, "the divisor is not the sum of the exponentials over the "
                    "keys");
    return std::nullopt;
  }
  row->divided = true;
  return row;
}

bool SoftmaxMatcher::findBehind(const Point *point, AffineExpr n) {
  constexpr size_t kFarthest = 256;
  llvm::SetVector<const Point *> work;
  work.insert(reader.resolve(point));
  for (size_t i = 0; i < work.size() && i < kFarthest; ++i) {
    const Point *user = work[i];
    if (user->kind != Point::Kind::Apply)
      continue;
    for (const Point *arg : user->args) {
      std::optional<Row> row = matchRow(arg, n);
      if ((row && row->divided) || miss) {
        note(user->op, user->op->getName().getStringRef() +
                           " between softmax and the second product");
        return true;
      }
      work.insert(reader.resolve(arg));
    }
  }
  return false;
}
