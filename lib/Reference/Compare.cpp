//===- Compare.cpp - Numbers against the reference and its bound ----------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Compare.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace attn::reference;

static constexpr double infinity = std::numeric_limits<double>::infinity();

double attn::reference::errorRatio(double expected, double found, double bound,
                                   Dtype type) {
  if (!std::isfinite(expected)) {
    // Which of NaN and Inf a sum with an infinite value ends as depends on its
    // order: an Inf that is later rescaled by 0 is NaN.
    return std::isfinite(found) ? infinity : 0.0;
  }
  if (std::isnan(found) || std::isnan(bound)) {
    return infinity;
  }
  if (std::isinf(found)) {
    const double furthest = expected + std::copysign(bound, found);
    return roundTo(type, furthest) == found ? 0.0 : infinity;
  }
  const double error = std::abs(found - expected);
  return error == 0.0 ? 0.0 : error / bound;
}

void Worst::see(int64_t at, double wanted, double got, double allowed,
                Dtype type) {
  take(at, wanted, got, allowed, errorRatio(wanted, got, allowed, type));
}

void Worst::take(int64_t at, double wanted, double got, double allowed,
                 double itsRatio) {
  const double difference = std::abs(got - wanted);
  ++judged;
  if (std::isfinite(difference)) {
    maxError = std::max(maxError, difference);
  }
  if (index < 0 || itsRatio > ratio) {
    ratio = itsRatio;
    error = difference;
    bound = allowed;
    expected = wanted;
    found = got;
    index = at;
  }
}

/// Compares the `count` elements of one row that begin at `first`.
static void compareRow(Worst &worst, const std::vector<double> &expected,
                       const std::vector<double> &bound, const double *found,
                       int64_t first, bool mayBeNaN, bool exempt, Dtype type) {
  const auto count = static_cast<int64_t>(expected.size());
  if (exempt) {
    worst.exempt += count;
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    if (mayBeNaN && std::isnan(found[first + i])) {
      ++worst.judged;
      continue;
    }
    worst.see(first + i, expected[i], found[first + i], bound[i], type);
  }
}

/// The lse of a row without a kept key is -inf, never NaN.
static void compareLse(Worst &worst, const Row &row, double found, int64_t at,
                       Dtype type) {
  if (row.overflow) {
    ++worst.exempt;
  } else if (row.lse == -infinity) {
    worst.take(at, row.lse, found, 0.0, found == row.lse ? 0.0 : infinity);
  } else {
    worst.see(at, row.lse, found, row.lseBound, type);
  }
}

Verdict attn::reference::compareAttention(const Problem &problem,
                                          const Results &found) {
  const Shape &shape = problem.shape;
  const Precision &precision = problem.precision;
  Verdict verdict;
  Row row;
  int64_t r = 0;
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t h = 0; h < shape.queryHeads; ++h) {
      for (int64_t m = 0; m < shape.queries; ++m, ++r) {
        attendRow(problem, b, h, m, row);
        if (found.output) {
          compareRow(verdict.output, row.output, row.outputBound, found.output,
                     r * shape.valueDim, row.infinite, row.overflow,
                     precision.output);
        }
        if (found.weights) {
          compareRow(verdict.weights, row.weights, row.weightsBound,
                     found.weights, r * shape.keys, row.infinite, row.overflow,
                     precision.weights);
        }
        if (found.lse) {
          compareLse(verdict.lse, row, found.lse[r], r, precision.accumulator);
        }
      }
    }
  }
  return verdict;
}
