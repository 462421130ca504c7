//===- Block.h - Projections around an attention ----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What stands before and after attn.sdpa in a block of a model.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_RAISE_BLOCK_H
#define ATTN_LIB_RAISE_BLOCK_H

#include "Guard.h"
#include "Point.h"
#include "attn/Dialect/Attn/IR/Attn.h"

namespace attn {

/// A tensor as [B, S, E], or as rows of it, [B * S, E].
struct Rows {
  mlir::Value value;
  bool isFlat = false;
};

/// sum_e x[b, s, e] W[o, e] + bias[o] for the rows o from `first` on; weight
/// and bias may have dimensions of size 1 before their own.
struct Linear {
  Rows input;
  mlir::Value weight, bias;  ///< the bias may be null
  bool isTransposed = false; ///< the weight is [in, out]
  int64_t first = 0;
};

/// Cosines and sines that turn channels (i, i + D/2) of each head.
struct Turn {
  mlir::Value cos, sin; ///< as [S, D/2], or longer rows; units before them
};

/// RMS norm of each head.
struct Norm {
  mlir::Value gamma;
  double epsilon = 0.0;
};

/// One operand of attn.sdpa: a projection, normed, turned.
struct HeadsOf {
  Linear linear;
  std::optional<Norm> norm;
  std::optional<Turn> turn;
};

/// Dimensions of an operand of attn.sdpa, null where the size is 1.
struct HeadDims {
  mlir::AffineExpr b, h, s, d;
  int64_t size; ///< D
};

/// Matches x W^T + b at (b, s, o); `o` is what row of W is read but for a
/// constant.
std::optional<Linear> matchLinear(PointReader &reader, const Point *point,
                                  mlir::AffineExpr b, mlir::AffineExpr s,
                                  mlir::AffineExpr o, int64_t rowsOfBatch);

/// What of `point` was before it was turned, as a tensor and its position, or
/// null.
const Point *peelTurn(PointReader &reader, mlir::Value tensor,
                      mlir::AffineMap layout, const HeadDims &dims, Turn &turn);
/// What of `point` was before it was normed, or null.
const Point *peelNorm(PointReader &reader, const Point *point,
                      const HeadDims &dims, Norm &norm);

/// Sizes of the attention; B, M and N may be unknown.
struct Sizes {
  int64_t b, h, hkv, m, n, d, dv;
};

struct BlockParts {
  HeadsOf q, k, v;
  Linear out;
  mlir::Value root;    ///< the output projection's result
  bool isFlat = false; ///< which is [B * M, Eo]
};

/// Makes the projections around `op` and it one attn.mha, where they are such;
/// null where they are not. `replaced` is then without a use, and so is the
/// value of `guard`, which may be null: of a block it asks the input and the
/// weights.
MhaOp raiseBlock(SdpaOp op, const Guard &guard, mlir::Operation *&replaced);
/// What it emits.
MhaOp writeBlock(SdpaOp op, const BlockParts &block, const Sizes &sizes,
                 const Guard &guard);

/// Steps from `point` to a read of f32, f64 or widened numbers.
const Point *skipWidening(PointReader &reader, const Point *point);

} // namespace attn

#endif // ATTN_LIB_RAISE_BLOCK_H
