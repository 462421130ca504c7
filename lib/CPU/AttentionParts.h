//===- AttentionParts.h - What kernels of attention share -------*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CPU_ATTENTIONPARTS_H
#define ATTN_LIB_CPU_ATTENTIONPARTS_H

#include "KernelBuilder.h"
#include "attn/Dialect/Attn/IR/Attn.h"

#include <limits>

namespace attn {

inline constexpr double kLog2e = 1.4426950408889634;
inline constexpr double kLn2 = 0.6931471805599453;
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A [1,1,S,D] operand in its memory order, addressed by (s, d); or one of
/// several heads, by (h, s, d).
struct Rows {
  mlir::Value memref;
  mlir::AffineMap layout;
  mlir::Value zero;

  Values at(mlir::Value s, mlir::Value d) const { return at(zero, s, d); }
  Values at(mlir::Value h, mlir::Value s, mlir::Value d) const {
    return applyLayout<mlir::Value>(layout, {zero, h, s, d});
  }
  /// Channels [d, d + count) of row s, as one view: its elements are then a
  /// fixed distance from one pointer instead of `count` sums of indices, which
  /// would each hold a register.
  mlir::Value channels(mlir::ImplicitLocOpBuilder &b, mlir::Value s,
                       mlir::Value d, int64_t count) const {
    mlir::OpFoldResult first = b.getIndexAttr(0), one = b.getIndexAttr(1);
    llvm::SmallVector<mlir::OpFoldResult> offsets =
        applyLayout<mlir::OpFoldResult>(layout, {first, first, s, d});
    llvm::SmallVector<mlir::OpFoldResult> sizes =
        applyLayout<mlir::OpFoldResult>(layout,
                                        {one, one, one, b.getIndexAttr(count)});
    llvm::SmallVector<mlir::OpFoldResult> strides(4, one);
    mlir::MemRefType type = mlir::memref::SubViewOp::inferRankReducedResultType(
        {count}, llvm::cast<mlir::MemRefType>(memref.getType()), offsets, sizes,
        strides);
    return mlir::memref::SubViewOp::create(b, type, memref, offsets, sizes,
                                           strides);
  }
  bool contiguousRows() const {
    return getLayoutPosition(layout, 3) == 3 && isInnermostContiguous(memref);
  }
  /// Elements from row to row; kDynamic where that is not known.
  int64_t rowStride() const {
    llvm::SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(llvm::cast<mlir::MemRefType>(memref.getType())
                   .getStridesAndOffset(strides, offset)))
      return mlir::ShapedType::kDynamic;
    return strides[getLayoutPosition(layout, 2)];
  }
};

/// Copies rows [start, start + count) to `scratch` [count, D] in the
/// accumulator type; the result's rows count from 0.
Rows widen(KernelBuilder &k, const Rows &source, mlir::Value scratch,
           mlir::Value start, mlir::Value count);

/// What products of Q and K are multiplied by: the scale, times log2(e) unless
/// scores are of the natural base.
mlir::Value scoreFactor(KernelBuilder &k, mlir::Value scale, bool natural);

/// LSE = max + log(sum), -inf where no key was kept.
mlir::Value logSumExp(KernelBuilder &k, mlir::Value maximum, mlir::Value sum,
                      bool natural);

/// e to a difference of scores, 2 to it where log2(e) is folded into Q: scores
/// that a score region sees are of the natural base.
mlir::Value exponential(KernelBuilder &k, mlir::Value difference, bool natural);

/// `sum` where the weight `p` is of a kept key, `before` where it is -0.0, of a
/// dropped one (a kept one is +0.0 at least).
mlir::Value unlessDropped(KernelBuilder &k, mlir::Value p, mlir::Value sum,
                          mlir::Value before);

/// O / (sum + e^(sink - m)) as (O f) (f / (sum f^2 + e^(sink - M))), with the
/// larger of both, M, and f = e^((m - M) / 2): e^(sink - m) would overflow, and
/// f^2 lose its bits, where O, of large values, is still far from 0. Returns
/// f and the second factor. `sink` is in the natural base.
std::pair<mlir::Value, mlir::Value> sinkFactors(KernelBuilder &k,
                                                mlir::Value sink,
                                                mlir::Value maximum,
                                                mlir::Value sum, bool natural);

} // namespace attn

#endif // ATTN_LIB_CPU_ATTENTIONPARTS_H
