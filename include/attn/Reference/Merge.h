//===- Merge.h - Partial attentions merged, in double precision -----------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// P attentions over disjoint keys are one: with lse[p] the log-sum-exp of part
// p and O[p] its output, made without a sink,
//   lse = log sum_p exp(lse[p])
//   O = sum_p exp(lse[p]) O[p] / (exp(lse) + exp(sink))
// A part with an lse of -inf takes no part, whatever its output holds.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_MERGE_H
#define ATTN_REFERENCE_MERGE_H

#include "attn/Reference/Attention.h"

#include <optional>

namespace attn::reference {

/// What P parts say of one row (b, h, m).
struct RowParts {
  std::vector<double> lses;         ///< [P]
  const double *outputs = nullptr;  ///< row p begins at outputs + p * stride
  int64_t stride = 0, valueDim = 0; ///< in elements; Dv
  std::optional<double> sink;
  Precision precision;
};

/// Merges the row: output, lse, their bounds, and the weights of the parts.
void mergeRow(const RowParts &parts, Row &row);

} // namespace attn::reference

#endif // ATTN_REFERENCE_MERGE_H
