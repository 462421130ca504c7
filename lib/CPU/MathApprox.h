//===- MathApprox.h - Elementary functions as arithmetic --------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CPU_MATHAPPROX_H
#define ATTN_LIB_CPU_MATHAPPROX_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// Emits elementary functions of f32 or f64 values, scalars or vectors, without
/// branches and calls. Special values come out as C says; the bounds are in
/// units in the last place of the result (test/CPU/math-accuracy.test).
struct MathApprox {
  MathApprox(mlir::ImplicitLocOpBuilder &b, mlir::Type type);

  mlir::Value exp(mlir::Value x);  ///< 2 ulp, denormal results included.
  mlir::Value exp2(mlir::Value x); ///< 2 ulp, denormal results included.
  mlir::Value log(mlir::Value x);  ///< 2 ulp.
  mlir::Value tanh(mlir::Value x); ///< 4 ulp.
  mlir::Value erf(mlir::Value x);  ///< 4 ulp.

private:
  mlir::Value number(double value);
  mlir::Value bits(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value div(mlir::Value x, mlir::Value y);
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z);
  mlir::Value abs(mlir::Value x);
  mlir::Value withSignOf(mlir::Value magnitude, mlir::Value sign);
  /// x < y, false for NaN.
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value asBits(mlir::Value x);
  mlir::Value asNumber(mlir::Value x);
  /// Coefficients from the constant up.
  mlir::Value polynomial(mlir::Value x, llvm::ArrayRef<double> coefficients);
  /// x between two finite numbers; NaN stays.
  mlir::Value clamp(mlir::Value x, double low, double high);
  /// The integer nearest to x, as a number and as bits; |x| below 2^(mantissa
  /// bits - 2).
  std::pair<mlir::Value, mlir::Value> nearest(mlir::Value x);
  /// e^r 2^n for |r| <= ln(2) / 2.
  mlir::Value scaledExp(mlir::Value r, mlir::Value n);
  mlir::Value erfDouble(mlir::Value x);
  mlir::Value erfFloat(mlir::Value x);

  mlir::ImplicitLocOpBuilder &b;
  mlir::Type type, bitsType;
  bool isDouble;
  int mantissa; ///< Explicit bits.
};

} // namespace attn

#endif // ATTN_LIB_CPU_MATHAPPROX_H
