//===- MathApprox.h - Elementary functions as arithmetic --------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_MATH_MATHAPPROX_H
#define ATTN_MATH_MATHAPPROX_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

namespace attn {

/// Emits elementary functions of f32 or f64 values, scalars or vectors, without
/// calls, and but for the remainder without branches. Special values come out
/// as C says; the bounds are in units in the last place of the result
/// (test/CPU/math-accuracy.test).
class MathApprox {
public:
  MathApprox(mlir::ImplicitLocOpBuilder &b, mlir::Type type);

  mlir::Value exp(mlir::Value x);  ///< 2 ulp, denormal results included.
  mlir::Value exp2(mlir::Value x); ///< 2 ulp, denormal results included.
  mlir::Value log(mlir::Value x);  ///< 2 ulp.
  mlir::Value tanh(mlir::Value x); ///< 4 ulp.
  mlir::Value erf(mlir::Value x);  ///< 4 ulp.

  /// @{ Of f64 alone: an f32 is widened, and its result rounded once. 4 ulp.
  mlir::Value log1p(mlir::Value x);
  mlir::Value expm1(mlir::Value x);
  mlir::Value sinh(mlir::Value x);
  mlir::Value cosh(mlir::Value x);
  mlir::Value asinh(mlir::Value x);
  mlir::Value acosh(mlir::Value x);
  mlir::Value atanh(mlir::Value x);
  mlir::Value asin(mlir::Value x);
  mlir::Value acos(mlir::Value x);
  mlir::Value atan(mlir::Value x);
  mlir::Value atan2(mlir::Value y, mlir::Value x);
  mlir::Value cbrt(mlir::Value x);
  mlir::Value erfc(mlir::Value x);
  mlir::Value rem(mlir::Value x, mlir::Value y); ///< Exact, and a loop.
  /// @}

  /// @{ As those; `wasFloat`, that x (and y) have the bits and the range of an
  /// f32, makes them cheaper.
  mlir::Value log2(mlir::Value x, bool wasFloat);
  mlir::Value log10(mlir::Value x, bool wasFloat);
  mlir::Value pow(mlir::Value x, mlir::Value y, bool wasFloat);
  /// @}

  /// @{ Of f64 alone, 4 ulp up to 2^45. Beyond, the error of what was an
  /// f32 is 2^-48, and of any other x there is NaN.
  mlir::Value sin(mlir::Value x, bool wasFloat);
  mlir::Value cos(mlir::Value x, bool wasFloat);
  mlir::Value tan(mlir::Value x, bool wasFloat);
  /// @}

private:
  /// The exact sum or product of two numbers is about `high + low`.
  struct Pair {
    mlir::Value high, low;
  };
  /// x as r + n pi / 2, |r| <= pi / 4.
  struct Angle {
    mlir::Value r, n;
  };
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
  /// r and n of e^x = e^r 2^n; x between finite numbers.
  std::pair<mlir::Value, mlir::Value> reduceExp(mlir::Value x);
  /// e^r - 1 for |r| <= ln(2) / 2.
  mlir::Value smallExpm1(mlir::Value r);
  /// e^x / 2, finite as long as the result is.
  mlir::Value halfExp(mlir::Value x);
  /// 2^n for n as bits, within the normal numbers.
  mlir::Value powerOf2(mlir::Value n);
  mlir::Value erfDouble(mlir::Value x);
  mlir::Value erfFloat(mlir::Value x);
  /// @{ The pieces of erf and erfc, which take t = |x|: (erf(t) - t) / t for t
  /// < 0.84375, erf(t) - 0.845... for t < 1.25, erfc(t) from there to 28.
  mlir::Value erfSmall(mlir::Value t);
  mlir::Value erfMiddle(mlir::Value t);
  mlir::Value erfcLarge(mlir::Value t);
  /// @}

  mlir::Value equal(mlir::Value x, mlir::Value y);
  mlir::Value negate(mlir::Value x);
  mlir::Value sqrt(mlir::Value x);
  mlir::Value both(mlir::Value x, mlir::Value y);
  mlir::Value isNegative(mlir::Value x); ///< The sign, of -0 and NaN as well.
  mlir::Value isOdd(mlir::Value bits);
  Pair twoSum(mlir::Value x, mlir::Value y); ///< For |x| >= |y|.
  Pair twoProduct(mlir::Value x, mlir::Value y);
  Angle reduceAngle(mlir::Value x, bool wasFloat);
  Angle reduceHugeFloat(mlir::Value x);
  mlir::Value knownAngle(mlir::Value x, mlir::Value y, bool wasFloat);
  mlir::Value sinOf(mlir::Value r);
  mlir::Value cosOf(mlir::Value r);
  mlir::Value takeMultiple(mlir::Value left, mlir::Value by);
  mlir::Value asinRatio(mlir::Value z);
  Pair log2Pair(mlir::Value x);
  Pair powerOfTwo(mlir::Value x, mlir::Value y, bool wasFloat);
  mlir::Value log1pOrTwice(mlir::Value y, mlir::Value x);
  mlir::Value exp2Pair(Pair x);

  mlir::ImplicitLocOpBuilder &b;
  mlir::Type type, bitsType;
  bool isDouble;
  int mantissa; ///< Explicit bits.
};

/// Patterns that replace the ops of the math dialect that are no instructions,
/// and arith.remf, on f16, bf16, f32 and f64: what is left needs no libm.
void populateMathApproxPatterns(mlir::RewritePatternSet &patterns);

} // namespace attn

#endif // ATTN_MATH_MATHAPPROX_H
