//===- WeightMath.h - Weights computed of weights ---------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constants become constants, rounded once from double precision. Of all else
// ops are made, which the rooms behind compute before the first call.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_OPTIMIZE_WEIGHTMATH_H
#define ATTN_LIB_OPTIMIZE_WEIGHTMATH_H

#include "WeightBytes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// Weights of this type may be rounded again: what that adds is within what
/// sums of products with them lose. True of f32 and f64.
bool canRoundAgain(mlir::Type element);

/// `weight` [O, K] or [K] with what has index k of dimension `dim` multiplied
/// by `factor`, a scalar or a tensor [K], of its type.
mlir::Value multiplyAlong(mlir::ImplicitLocOpBuilder &b, mlir::Value weight,
                          unsigned dim, mlir::Value factor);

/// The same with `addend` added.
mlir::Value addAlong(mlir::ImplicitLocOpBuilder &b, mlir::Value weight,
                     unsigned dim, mlir::Value addend);

/// bias[o] + sum_k weight[o, k] vector[k]; `bias` may be null: 0. `vector` is a
/// scalar or [K].
mlir::Value addProduct(mlir::ImplicitLocOpBuilder &b, mlir::Value bias,
                       mlir::Value weight, mlir::Value vector);

/// The ranges of dimension `dim` of `value`, one after another.
mlir::Value gatherStripes(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                          unsigned dim, llvm::ArrayRef<Stripe> ranges);

/// `values` of one type but for the size of dimension 0, one after another.
mlir::Value joinRows(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange values);

/// Zeros [size].
mlir::Value makeZeros(mlir::ImplicitLocOpBuilder &b, int64_t size,
                      mlir::Type element);

} // namespace attn

#endif // ATTN_LIB_OPTIMIZE_WEIGHTMATH_H
