//===- HeadKinds.h - What kind of head is it --------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers and the rule of docs/heads.md, as attn_mlir.head_statistics has
// them; test/Python/test_heads_report.py holds both together.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_HEADKINDS_H
#define ATTN_TOOLS_ATTN_RUN_HEADKINDS_H

#include <cstdint>
#include <vector>

namespace attn {

/// Weights of all heads on one sentence, padding left out: [head, query, key].
struct Sentence {
  int64_t heads = 0, queries = 0, keys = 0;
  std::vector<double> weights;

  const double *row(int64_t h, int64_t m) const {
    return weights.data() + (h * queries + m) * keys;
  }
};

/// Mass of a head's weights at a place, mean over rows.
struct HeadMasses {
  double previous = 0, next = 0, sink = 0, local = 0;
};

/// One head over all sentences; `equal` are the masses of a head that does not
/// choose.
struct HeadNumbers {
  double entropy = 0, spread = 0, distance = 0;
  HeadMasses own, equal;

  /// previous, next, sink, local, broad or other.
  const char *kind() const;
};

/// The numbers of every head, sentences weighted by their rows.
std::vector<HeadNumbers> headNumbers(const std::vector<Sentence> &sentences);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_HEADKINDS_H
