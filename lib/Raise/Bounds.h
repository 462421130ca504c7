//===- Bounds.h - How large scores can be -----------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Interval arithmetic on expressions.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_RAISE_BOUNDS_H
#define ATTN_LIB_RAISE_BOUNDS_H

#include "Point.h"

#include <algorithm>
#include <cmath>

namespace attn {

/// From `low` to `high`; NaN is nowhere.
struct Bounds {
  double low = -HUGE_VAL, high = HUGE_VAL;

  static Bounds within(double bound) { return {-bound, bound}; }
  bool isFinite() const { return std::isfinite(low) && std::isfinite(high); }
  double magnitude() const { return std::max(std::abs(low), std::abs(high)); }
};

/// What `tree` can be where |`dot`| is at most `largest`, also of what it
/// captures, as far as that is computed in the graph; everything, where a step
/// on the way may be infinite. With `others` that is no matter: bounds are
/// those of finite numbers, and besides there may be infinities and NaN.
Bounds boundsOf(PointReader &reader, const Point *tree, const Point *dot,
                double largest, bool others = false);

} // namespace attn

#endif // ATTN_LIB_RAISE_BOUNDS_H
