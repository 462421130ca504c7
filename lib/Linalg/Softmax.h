//===- Softmax.h - The steps of softmax over the last dimension -*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_LINALG_SOFTMAX_H
#define ATTN_LIB_LINALG_SOFTMAX_H

#include "Builders.h"

// Scores are tensors [rows..., N] in the accumulator type, -inf at a dropped
// key. They turn into exponentials in place, and there a dropped key is marked
// by a negative number: exp is never negative, and 0 would not tell a dropped
// key from a kept one that underflowed, whose V still counts (0 * NaN = NaN).
//
// What is updated in place is read by two ops or more: upstream's elementwise
// fusion pulls a producer into its only reader, and there the update would be
// repeated for every element that the reader makes of it.

namespace attn {

/// Whether the key with this exponential is dropped; false for NaN.
mlir::Value isDropped(mlir::ImplicitLocOpBuilder &builder,
                      mlir::Value exponential);

/// max(init, max_n s[n]) for each row; NaN wins.
mlir::Value createRowMax(mlir::ImplicitLocOpBuilder &builder,
                         mlir::Value scores, mlir::Value init);

/// exp(s[n] - max), negative at a dropped key.
mlir::Value createExponentials(mlir::ImplicitLocOpBuilder &builder,
                               mlir::Value scores, mlir::Value max);

/// init + sum of the kept keys' exponentials, for each row.
mlir::Value createRowSum(mlir::ImplicitLocOpBuilder &builder,
                         mlir::Value exponentials, mlir::Value init);

/// init + sum_n p[n] V[n]: dropped keys add nothing, whatever their V holds.
/// `maps`: exponentials, value, destination; `keys` is the dimension of n.
mlir::Value createWeightedSum(mlir::ImplicitLocOpBuilder &builder,
                              mlir::Value exponentials, mlir::Value value,
                              mlir::Value init,
                              llvm::ArrayRef<mlir::AffineMap> maps,
                              unsigned keys);

/// sum + exp(sink - max) for each row, 1 where no key is kept; `sink` is
/// absent, a scalar, or a tensor read through `sinkMap`.
mlir::Value createDenominator(mlir::ImplicitLocOpBuilder &builder,
                              mlir::Value max, mlir::Value sum,
                              mlir::Value sink, mlir::AffineMap sinkMap);

/// max + log(sum) for each row, -inf where no key is kept, into `destination`;
/// `rows` reads a row's max and sum.
mlir::Value createLse(mlir::ImplicitLocOpBuilder &builder, mlir::Value max,
                      mlir::Value sum, mlir::Value destination,
                      mlir::AffineMap rows);

/// acc / denominator rounded to the destination's type. `maps`: acc,
/// denominator, destination.
mlir::Value createNormalized(mlir::ImplicitLocOpBuilder &builder,
                             mlir::Value acc, mlir::Value denominator,
                             mlir::Value destination,
                             llvm::ArrayRef<mlir::AffineMap> maps);

/// exponential / denominator into `destination`, 0 at a dropped key.
mlir::Value createWeights(mlir::ImplicitLocOpBuilder &builder,
                          mlir::Value exponentials, mlir::Value denominator,
                          mlir::Value destination);

} // namespace attn

#endif // ATTN_LIB_LINALG_SOFTMAX_H
