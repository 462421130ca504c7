//===- Merge.cpp - Partial attentions merged, in double precision ---------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A merge is an attention whose keys are the parts: their LSEs are its scores,
// their outputs its values. The scores are taken from the largest one, since an
// honest kernel exponentiates differences; the bound follows from those.
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Merge.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace attn::reference;

// merge_s1 merge_s2 merge_s3
void attn::reference::mergeRow(const RowParts &parts, Row &row) {
  double highest = -std::numeric_limits<double>::infinity();
  for (const double lse : parts.lses) {
    if (std::isfinite(lse)) {
      highest = std::max(highest, lse);
    }
  }
  const double shift = std::isfinite(highest) ? highest : 0.0;
  Problem problem;
  problem.shape = {
      1, 1, 1, 1, static_cast<int64_t>(parts.lses.size()), 0, parts.valueDim};
  // There are no channels to multiply, and none is read.
  const double nothing = 0.0;
  problem.query = problem.key = {&nothing, 0, 0, 0};
  problem.value = {parts.outputs, 0, 0, parts.stride};
  problem.precision = parts.precision;
  problem.score = [&](double, int64_t, int64_t, int64_t, int64_t p) {
    return parts.lses[static_cast<size_t>(p)] - shift;
  };
  if (parts.sink) {
    problem.sinks = {*parts.sink - shift};
  }
  attendRow(problem, 0, 0, 0, row);
  row.lse += shift;
  row.lseBound += unitRoundoff(parts.precision.accumulator) *
                  std::abs(std::isfinite(row.lse) ? row.lse : 0.0);
}
