//===- Compare.h - Numbers against the reference and its bound ------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A result is right when no element is further from the reference than its
// bound, that is when the largest ratio error / bound is at most 1.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_COMPARE_H
#define ATTN_REFERENCE_COMPARE_H

#include "attn/Reference/Attention.h"

namespace attn::reference {

/// |found - expected| / bound; infinite where no bound excuses the difference.
/// A result that is not finite must not be finite in `found` either, and a
/// finite one may only round to an infinity that `type` forces.
double errorRatio(double expected, double found, double bound, Dtype type);

/// The worst element seen so far.
struct Worst {
  double ratio = 0.0;
  double error = 0.0; ///< of the element with the worst ratio
  double bound = 0.0;
  double expected = 0.0, found = 0.0;
  int64_t index = -1;    ///< its linear index, -1 before the first element
  double maxError = 0.0; ///< largest finite error of any element
  int64_t judged = 0;
  int64_t exempt = 0; ///< elements of rows that overflow the accumulator

  bool withinBound() const { return ratio <= 1.0; }
  /// Judges one element by `errorRatio`.
  void see(int64_t index, double expected, double found, double bound,
           Dtype type);
  /// Takes one element that was judged elsewhere.
  void take(int64_t index, double expected, double found, double bound,
            double ratio);
};

/// The three results of one attention; null where there is none. Dense, in the
/// order of `View::headMajor`: [B,Hq,M,Dv], [B,Hq,M] and [B,Hq,M,N].
struct Results {
  const double *output = nullptr;
  const double *lse = nullptr;
  const double *weights = nullptr;
};

struct Verdict {
  Worst output, lse, weights;
};

/// Computes every row of `problem` and compares `found` with it.
Verdict compareAttention(const Problem &problem, const Results &found);

} // namespace attn::reference

#endif // ATTN_REFERENCE_COMPARE_H
