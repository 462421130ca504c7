//===- Softmax.h - Parts of the match of softmax ----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// exp(s - max) / sum in the ways that graphs say it, and what surrounds it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_RAISE_SOFTMAX_H
#define ATTN_LIB_RAISE_SOFTMAX_H

#include "Match.h"

namespace attn {

/// Weights at (.., n): exp(factor * (scores - max)), divided by their sum or
/// not yet.
struct Row {
  const Point *scores = nullptr;
  const Point *exponential = nullptr; ///< null where no sum comes after it
  double factor = 1.0;
  double scaledBy = 1.0;         ///< what of `factor` the graph's scores have
  const Point *scaled = nullptr; ///< those scores
  bool divided = false;
  bool emptyIsZero = false; ///< a row of -inf has weights 0, not NaN
};

class SoftmaxMatcher {
public:
  explicit SoftmaxMatcher(PointReader &reader) : reader(reader) {}

  std::optional<Row> matchRow(const Point *point, mlir::AffineExpr n);
  bool isSumOf(const Point *sum, const Point *exponential, mlir::AffineExpr n);
  /// Softmax somewhere in front of `point`, which is itself none.
  bool findBehind(const Point *point, mlir::AffineExpr n);
  /// x and l of x / l or x * (1 / l), l a reduction.
  std::optional<std::pair<const Point *, const Point *>>
  matchDivision(const Point *point);

  std::optional<NearMiss> miss;
  /// Some maximum starts from a number that is not the lowest of its type.
  bool startsFinite = false;

private:
  bool isBelowAll(const Point *point);
  std::optional<Row> matchExponential(const Point *point, mlir::AffineExpr n,
                                      bool isDivided);
  std::optional<Row> matchLogSum(const Point *difference, mlir::AffineExpr n,
                                 double factor, bool isBase2);
  std::optional<Row> matchDifference(const Point *scores, const Point *maximum,
                                     mlir::AffineExpr n, bool isDivided);
  std::optional<Row> matchSafe(const Point *point, mlir::AffineExpr n);
  std::optional<Row> matchNamed(const Point *point, mlir::AffineExpr n);
  const Point *peelFactor(const Point *point, double &factor);
  const Point *peelGuards(const Point *maximum);
  void note(mlir::Operation *op, const llvm::Twine &reason) {
    if (!miss)
      miss = NearMiss{op, reason.str()};
  }

  PointReader &reader;
};

/// True for +0 and -0.
bool isZero(PointReader &reader, const Point *point);

/// True when `condition` says that each score of a row, over n, is -inf; when
/// `negated`, that some is not.
bool isAllLowest(PointReader &reader, const Point *condition, bool negated,
                 const Point *scores, mlir::AffineExpr n);

} // namespace attn

#endif // ATTN_LIB_RAISE_SOFTMAX_H
