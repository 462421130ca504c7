//===- Attention.h - What attention means, in double precision ------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The judge of every numeric test: one row of attention as plain loops in
// double precision, together with the error that an honest kernel may make.
// Nothing of the compiler is included here, so that it can disagree with it.
//
// For each batch b, query head h and query m:
//   s[n] = scale * sum_d Q[m,d] K[n,d]
//   s[n] = score(s[n], b, h, m, n)
//   keep[n] = mask(b, h, m, n), and a score of -inf drops the key as well
//   p = softmax(s) over the kept keys; a sink joins the denominator only
//   O = sum_n p[n] V[n];  lse = log sum_n exp(s[n])
// A row that keeps no key has O = 0 and lse = -inf.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_ATTENTION_H
#define ATTN_REFERENCE_ATTENTION_H

#include <cstdint>
#include <functional>
#include <vector>

namespace attn::reference {

enum class Dtype { F64, F32, F16, BF16 };

/// The largest relative error of rounding to `type`: half a unit in the last
/// place of 1.
double unitRoundoff(Dtype type);

/// The absolute error that is forgiven beside the relative one: underflow.
double tinyError(Dtype type);

/// The largest finite value of `type`.
double largestFinite(Dtype type);

/// The nearest value of `type`, ties to even, with its subnormals and overflow.
double roundTo(Dtype type, double value);

/// The types that a kernel computes in; they set the bound, not the result.
struct Precision {
  Dtype output = Dtype::F32;
  Dtype probability = Dtype::F32; ///< in which P enters P V
  Dtype accumulator = Dtype::F32; ///< of the scores and sums
  Dtype weights = Dtype::F32;     ///< of the weights, when they are a result

  /// What attention on inputs of `type` computes in: f64 in f64, else f32.
  static Precision forInputs(Dtype type);
};

struct Shape {
  int64_t batch = 0;      ///< B
  int64_t queryHeads = 0; ///< Hq
  int64_t keyHeads = 0;   ///< Hkv, divides Hq
  int64_t queries = 0;    ///< M
  int64_t keys = 0;       ///< N
  int64_t headDim = 0;    ///< D
  int64_t valueDim = 0;   ///< Dv
};

/// A tensor of rows addressed by batch, head and position; the elements of a
/// row are adjacent. The strides say where batches, heads and rows begin.
struct View {
  const double *data = nullptr;
  int64_t batchStride = 0, headStride = 0, rowStride = 0;

  const double *row(int64_t b, int64_t h, int64_t s) const {
    return data + b * batchStride + h * headStride + s * rowStride;
  }
  explicit operator bool() const { return data != nullptr; }

  /// Rows of `length` elements in the order [batch, head, row].
  static View headMajor(const double *data, int64_t heads, int64_t rows,
                        int64_t length);
  /// Rows of `length` elements in the order [batch, row, head].
  static View rowMajor(const double *data, int64_t heads, int64_t rows,
                       int64_t length);
};

struct Problem {
  Shape shape;
  /// Values already rounded to their type.
  View query, key, value;
  /// What earlier steps may have done to those values, element by element, when
  /// they are not the exact operands; empty views mean exact.
  View queryError, keyError, valueError;
  double scale = 1.0;
  /// Empty: the score as it is.
  std::function<double(double s, int64_t b, int64_t h, int64_t m, int64_t n)>
      score;
  /// Empty: every key is kept.
  std::function<bool(int64_t b, int64_t h, int64_t m, int64_t n)> mask;
  /// One logit per query head, or none.
  std::vector<double> sinks;
  Precision precision;

  /// The key and value head that query head `h` reads.
  int64_t keyHead(int64_t h) const {
    return h / (shape.queryHeads / shape.keyHeads);
  }
};

/// One row (b, h, m) of the result and how far a kernel may be from it.
struct Row {
  std::vector<double> output, outputBound;   ///< [Dv]
  std::vector<double> weights, weightsBound; ///< [N], 0 at dropped keys
  double lse = 0.0, lseBound = 0.0;
  /// A score of +inf is kept: both NaN and the limit given here are right.
  bool infinite = false;
  /// Sums leave the range of the accumulator: nothing is promised.
  bool overflow = false;
};

/// Computes the row of query `m` of head `h` in batch `b` into `row`.
void attendRow(const Problem &problem, int64_t b, int64_t h, int64_t m,
               Row &row);

} // namespace attn::reference

#endif // ATTN_REFERENCE_ATTENTION_H
