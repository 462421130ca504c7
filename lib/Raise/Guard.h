//===- Guard.h - How large dot products can be, at run time -----*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A mask that fills with a number drops keys as long as no score comes near it.
// One pass over what scores are made of bounds all scores of a call.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_RAISE_GUARD_H
#define ATTN_LIB_RAISE_GUARD_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// A run-time test of scaled dot products that a mask captures.
struct Guard {
  mlir::Value isLarge; ///< some may be above `limit`, or none is a number
  double limit = 0.0;
};

/// The largest |element| of a tensor, NaN if it holds one.
mlir::Value emitLargest(mlir::ImplicitLocOpBuilder &b, mlir::Value tensor,
                        mlir::FloatType type);

/// The largest sum of |elements| along dimension `summed`: what a product with
/// the matrix can make of elements up to 1.
mlir::Value emitLargestSum(mlir::ImplicitLocOpBuilder &b, mlir::Value tensor,
                           unsigned summed, mlir::FloatType type);

/// The guard of |scale| D q k, all but D being bounds of magnitudes.
Guard emitGuard(mlir::ImplicitLocOpBuilder &b, mlir::Value channels,
                mlir::Value query, mlir::Value key, mlir::Value scale,
                double limit);

} // namespace attn

#endif // ATTN_LIB_RAISE_GUARD_H
