//===- Blocks.h - What surrounds attention, in double precision -----------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rotary embedding, RMS norm, projections, and the whole multi-head block. Each
// step carries, element by element, how far an honest kernel may be off: what
// it inherits to first order, its own arithmetic, and the rounding to the
// tensor type where a kernel may store its result.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_BLOCKS_H
#define ATTN_REFERENCE_BLOCKS_H

#include "attn/Reference/Attention.h"

namespace attn::reference {

/// Values and how far each may be off.
struct Values {
  std::vector<double> value, error;

  /// The exact operands of a step.
  static Values exact(const double *data, int64_t count);
};

/// y = x W^T + b with W [out, in]: the way PyTorch keeps its weights.
struct Linear {
  const double *weight = nullptr;
  const double *bias = nullptr; ///< null: none
  int64_t out = 0, in = 0;
};

/// `rows` rows of `linear.in` elements to rows of `linear.out`.
Values project(const Values &x, int64_t rows, const Linear &linear,
               const Precision &precision);

/// How a tensor of heads lies in memory.
struct HeadLayout {
  int64_t batch = 0, heads = 0, rows = 0, length = 0;
  bool rowsFirst = false; ///< [B,S,H,D] rather than [B,H,S,D]

  int64_t offset(int64_t b, int64_t h, int64_t s) const {
    return rowsFirst ? ((b * rows + s) * heads + h) * length
                     : ((b * heads + h) * rows + s) * length;
  }
};

/// Rotary embedding: the first 2 * half channels of each row turn, in pairs
/// (i, i + half), or (2i, 2i + 1) when interleaved.
struct Rope {
  const double *cosines = nullptr, *sines = nullptr; ///< [S or B,S; half]
  int64_t half = 0;
  int64_t batchStride = 0; ///< 0: the same angles in every batch
  bool interleaved = false;
};

void rotate(Values &x, const HeadLayout &layout, const Rope &rope,
            const Precision &precision);

/// x * rsqrt(mean(x^2) + eps) * gamma over rows of `length` elements.
void normalize(Values &x, int64_t length, const double *gamma, double eps,
               const Precision &precision);

/// A multi-head attention block. `attention` says scale, rules, sinks and
/// precision; its shape and operands are filled in from the projections.
struct Block {
  int64_t batch = 0, queries = 0, keys = 0, queryHeads = 0, keyHeads = 0;
  Values x, context; ///< [B,M,E] and [B,N,Ec]
  Linear query, key, value, output;
  Rope rope;                                               ///< half = 0: none
  const double *queryGamma = nullptr, *keyGamma = nullptr; ///< null: none
  double eps = 0.0;
  Problem attention;
};

struct BlockResult {
  Values output;  ///< [B,M,Eo]
  Values heads;   ///< [B,M,Hq*Dv], before the output projection
  Values weights; ///< [B,Hq,M,N], when asked for
};

BlockResult attendBlock(const Block &block, bool wantWeights);

} // namespace attn::reference

#endif // ATTN_REFERENCE_BLOCKS_H
