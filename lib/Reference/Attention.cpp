//===- Attention.cpp - What attention means, in double precision ----------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bound (u: unit roundoffs; o, P: the result computed here):
//   |out - o| <= 1.01 u_out |o| + (P|V|) (1.5 u_P + e) + tiny
//   |p' - P| <= P (u_weights + e) + tiny
//   |lse' - lse| <= L ds + 2 u log2 N + u |lse|
//   e = 2 L ds + 2 u log2 N
//   ds = 2 u (max_n |scale| sum_d |q_d k_nd| log2 D + max |bias| + 4)
// with u that of the accumulator, L the steepest |d score / d s| over the kept
// keys, and bias what score adds to s. Four readings make it sound everywhere:
// - log2 D counts as 1 for D = 1, where the one product still rounds;
// - L counts as 1 for a score that flattens s, since its own arithmetic rounds;
// - the maxima are taken over the keys whose weight can be seen: a mask of -1e9
//   on one key must not excuse errors in all the others;
// - 2 L ds is read as exp(2 L ds) - 1, which it is when small: scores near 1e9
//   are 64 apart in f32, and then the weights differ by whole factors.
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace attn::reference;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A kept key of the row at hand.
struct Key {
  int64_t n;
  double score;
  double error; ///< what the score of this key alone may be off by
  double slope; ///< |d score / d s|, at least 1
};

/// Eight partial sums: an order that vectorizes, and loses less than one sum.
double dot(const double *a, const double *b, int64_t count) {
  double part[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int64_t j = 0; j < 8; ++j) {
      part[j] += a[i + j] * b[i + j];
    }
  }
  for (; i < count; ++i) {
    part[i % 8] += a[i] * b[i];
  }
  return ((part[0] + part[4]) + (part[1] + part[5])) +
         ((part[2] + part[6]) + (part[3] + part[7]));
}

double dotOfMagnitudes(const double *a, const double *b, int64_t count) {
  double part[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int64_t j = 0; j < 8; ++j) {
      part[j] += std::abs(a[i + j] * b[i + j]);
    }
  }
  for (; i < count; ++i) {
    part[i % 8] += std::abs(a[i] * b[i]);
  }
  return ((part[0] + part[4]) + (part[1] + part[5])) +
         ((part[2] + part[6]) + (part[3] + part[7]));
}

/// At least 1: a single product rounds as well.
double log2AtLeastOne(int64_t count) {
  return std::max(1.0,
                  std::log2(static_cast<double>(std::max<int64_t>(count, 1))));
}

double log2OrZero(int64_t count) {
  return count > 1 ? std::log2(static_cast<double>(count)) : 0.0;
}

/// One row while it is being computed.
class RowOfAttention {
public:
  RowOfAttention(const Problem &problem, int64_t b, int64_t h, int64_t m,
                 Row &row)
      : problem(problem), shape(problem.shape), b(b), h(h), m(m),
        kvHead(problem.keyHead(h)), row(row),
        unit(unitRoundoff(problem.precision.accumulator)) {}

  void compute() {
    clear();
    scoreKeys();
    if (kept.empty()) {
      return;
    }
    weighKeys();
    boundScores();
    sumValues();
    boundRow();
  }

private:
  void clear();
  void scoreKeys();
  void weighKeys();
  void boundScores();
  void sumValues();
  void boundRow();
  double slopeAt(double s, double score, int64_t n, double error) const;
  double inheritedError(int64_t n) const;

  const Problem &problem;
  const Shape &shape;
  const int64_t b, h, m, kvHead;
  Row &row;
  const double unit;
  std::vector<Key> kept;
  double highest = -infinity;
  double scoreError = 0.0; ///< L ds
};

// sdpa_s5
void RowOfAttention::clear() {
  row.output.assign(shape.valueDim, 0.0);
  row.outputBound.assign(shape.valueDim, 0.0);
  row.weights.assign(shape.keys, 0.0);
  row.weightsBound.assign(shape.keys, 0.0);
  row.lse = -infinity;
  row.lseBound = 0.0;
  row.infinite = row.overflow = false;
}

/// Steps 1 to 3: the score of every key that the mask keeps. The row of a key
/// that is dropped is not even read.
// sdpa_s1 sdpa_s2 sdpa_s3 sdpa_s4
void RowOfAttention::scoreKeys() {
  const double *q = problem.query.row(b, h, m);
  const double limit = largestFinite(problem.precision.accumulator);
  for (int64_t n = 0; n < shape.keys; ++n) {
    if (problem.mask && !problem.mask(b, h, m, n)) {
      continue;
    }
    const double *k = problem.key.row(b, kvHead, n);
    const double s = problem.scale * dot(q, k, shape.headDim);
    const double score = problem.score ? problem.score(s, b, h, m, n) : s;
    if (score == -infinity) {
      continue;
    }
    const double sum = dotOfMagnitudes(q, k, shape.headDim);
    const double magnitude = std::abs(problem.scale) * sum;
    if (std::isfinite(magnitude) && std::max(sum, magnitude) > limit) {
      row.overflow = true;
    }
    const double bias = std::abs(score - s);
    const double error =
        2.0 * unit * (magnitude * log2AtLeastOne(shape.headDim) + bias + 4.0) +
        inheritedError(n);
    kept.push_back({n, score, error, slopeAt(s, score, n, error)});
    highest = std::max(highest, score);
  }
}

/// How fast the score rule moves at `s`, by differences to both sides, so that
/// a kink shows its steeper side. Differences as small as the error of `s` show
/// the jumps that it may cross, such as those of a score rounded to f16.
double RowOfAttention::slopeAt(double s, double score, int64_t n,
                               double error) const {
  if (!problem.score) {
    return 1.0;
  }
  double slope = 1.0;
  for (double step : {1e-4 * std::max(1.0, std::abs(s)), error}) {
    for (double at : {s - step, s + step}) {
      const double there = problem.score(at, b, h, m, n);
      const double found = std::abs(there - score) / step;
      if (std::isfinite(found)) {
        slope = std::max(slope, found);
      }
    }
  }
  return slope;
}

/// What errors in Q and K do to the score of key `n`.
double RowOfAttention::inheritedError(int64_t n) const {
  double error = 0.0;
  if (problem.queryError) {
    error += dotOfMagnitudes(problem.queryError.row(b, h, m),
                             problem.key.row(b, kvHead, n), shape.headDim);
  }
  if (problem.keyError) {
    error += dotOfMagnitudes(problem.query.row(b, h, m),
                             problem.keyError.row(b, kvHead, n), shape.headDim);
  }
  return std::abs(problem.scale) * error;
}

/// Step 4: softmax over the kept keys.
// sdpa_s6 sdpa_s14
void RowOfAttention::weighKeys() {
  const double sink =
      problem.sinks.empty() ? -infinity : problem.sinks[static_cast<size_t>(h)];
  row.infinite = highest == infinity;
  if (row.infinite) {
    // The limit: the keys at +inf share the weight and nothing else is seen.
    double atInfinity = 0.0;
    for (const Key &key : kept) {
      atInfinity += std::isnan(key.score) || key.score == infinity ? 1.0 : 0.0;
    }
    for (const Key &key : kept) {
      row.weights[key.n] = std::isnan(key.score)   ? key.score
                           : key.score == infinity ? 1.0 / atInfinity
                                                   : 0.0;
    }
    row.lse = infinity;
    return;
  }
  double sum = 0.0;
  for (const Key &key : kept) {
    sum += std::exp(key.score - highest);
  }
  row.lse = highest + std::log(sum);
  if (sink == infinity) {
    row.infinite = true;
    return;
  }
  const double top = std::max(highest, sink);
  const double all = sink == -infinity
                         ? sum
                         : sum * std::exp(highest - top) + std::exp(sink - top);
  for (const Key &key : kept) {
    row.weights[key.n] = std::exp(key.score - top) / all;
  }
}

/// L ds, over the keys whose weight does not vanish in the accumulator.
void RowOfAttention::boundScores() {
  const bool wide = problem.precision.accumulator == Dtype::F64;
  const double vanishing = wide ? 746.0 : 104.0;
  const double limit = largestFinite(problem.precision.accumulator);
  double errorOfHighest = 0.0;
  for (const Key &key : kept) {
    if (key.score == highest) {
      errorOfHighest = std::max(errorOfHighest, key.slope * key.error);
    }
  }
  double slope = 1.0, error = 0.0;
  for (const Key &key : kept) {
    if (key.score + 2.0 * key.slope * key.error <
        highest - errorOfHighest - vanishing) {
      continue;
    }
    slope = std::max(slope, key.slope);
    error = std::max(error, key.error);
    if (std::isfinite(key.score) && std::abs(key.score) > limit) {
      row.overflow = true;
    }
  }
  if (!problem.sinks.empty() &&
      std::isfinite(problem.sinks[static_cast<size_t>(h)])) {
    error += 2.0 * unit * std::abs(problem.sinks[static_cast<size_t>(h)]);
  }
  scoreError = slope * error;
}

/// Step 5. A kept key takes part even with weight 0, and so do its NaNs.
void RowOfAttention::sumValues() {
  const double limit = largestFinite(problem.precision.accumulator);
  const double keys = static_cast<double>(kept.size());
  const double relative = 1.5 * unitRoundoff(problem.precision.probability) +
                          std::expm1(2.0 * scoreError) +
                          2.0 * unit * log2OrZero(shape.keys);
  for (const Key &key : kept) {
    const double p = row.weights[key.n];
    const double *v = problem.value.row(b, kvHead, key.n);
    const double *error =
        problem.valueError ? problem.valueError.row(b, kvHead, key.n) : nullptr;
    for (int64_t d = 0; d < shape.valueDim; ++d) {
      row.output[d] += p * v[d];
      // Not p |v| relative where that is 0 times infinity: nothing is promised.
      row.outputBound[d] +=
          std::isinf(relative) ? infinity : p * std::abs(v[d]) * relative;
      if (error) {
        row.outputBound[d] += p * error[d];
      }
      if (std::isfinite(v[d]) && keys * std::abs(v[d]) > limit) {
        row.overflow = true;
      }
    }
  }
}

void RowOfAttention::boundRow() {
  const Precision &precision = problem.precision;
  const double sums = 2.0 * unit * log2OrZero(shape.keys);
  for (int64_t d = 0; d < shape.valueDim; ++d) {
    row.outputBound[d] +=
        1.01 * unitRoundoff(precision.output) * std::abs(row.output[d]) +
        tinyError(precision.output);
  }
  const double relative =
      std::expm1(2.0 * scoreError) + sums + unitRoundoff(precision.weights);
  for (const Key &key : kept) {
    row.weightsBound[key.n] =
        (std::isinf(relative) ? infinity : row.weights[key.n] * relative) +
        tinyError(precision.weights);
  }
  row.lseBound = scoreError + sums + unit * std::abs(row.lse);
}

/// Bits of significand, with the hidden one, and the exponent range.
struct Format {
  int bits, minExponent, maxExponent;
};

Format formatOf(Dtype type) {
  switch (type) {
  case Dtype::F64:
    return {53, -1022, 1023};
  case Dtype::F32:
    return {24, -126, 127};
  case Dtype::F16:
    return {11, -14, 15};
  case Dtype::BF16:
    return {8, -126, 127};
  }
  return {53, -1022, 1023};
}

} // namespace

double attn::reference::unitRoundoff(Dtype type) {
  return std::ldexp(1.0, -formatOf(type).bits);
}

double attn::reference::tinyError(Dtype type) {
  return type == Dtype::F16 ? std::ldexp(1.0, -24) : 1e-37;
}

double attn::reference::largestFinite(Dtype type) {
  const Format format = formatOf(type);
  return std::ldexp(2.0 - std::ldexp(1.0, 1 - format.bits), format.maxExponent);
}

double attn::reference::roundTo(Dtype type, double value) {
  if (type == Dtype::F64 || value == 0.0 || !std::isfinite(value)) {
    return value;
  }
  const Format format = formatOf(type);
  const int exponent = std::max(std::ilogb(value), format.minExponent);
  const int lastPlace = exponent - (format.bits - 1);
  const double rounded =
      std::ldexp(std::nearbyint(std::ldexp(value, -lastPlace)), lastPlace);
  if (std::abs(rounded) > largestFinite(type)) {
    return std::copysign(infinity, value);
  }
  return rounded;
}

Precision Precision::forInputs(Dtype type) {
  const Dtype accumulator = type == Dtype::F64 ? Dtype::F64 : Dtype::F32;
  return {type, accumulator, accumulator, accumulator};
}

View View::headMajor(const double *data, int64_t heads, int64_t rows,
                     int64_t length) {
  return {data, heads * rows * length, rows * length, length};
}

View View::rowMajor(const double *data, int64_t heads, int64_t rows,
                    int64_t length) {
  return {data, heads * rows * length, length, heads * length};
}

void attn::reference::attendRow(const Problem &problem, int64_t b, int64_t h,
                                int64_t m, Row &row) {
  RowOfAttention(problem, b, h, m, row).compute();
}
