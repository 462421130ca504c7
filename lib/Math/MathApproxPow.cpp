//===- MathApproxPow.cpp - Logarithms, powers, hyperbolas of f64 ----------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A power multiplies the error of the logarithm by up to 1000, so that one is
// computed in two numbers.
//
//===----------------------------------------------------------------------===//

#include "attn/Math/MathApprox.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

static constexpr double kLog2e = 1.4426950408889634;
static constexpr double kLog2eLow = 2.0355273740931033e-17;
static constexpr double kLn2 = 0.6931471805599453;
static constexpr double kInfinity = std::numeric_limits<double>::infinity();

Value MathApprox::equal(Value x, Value y) {
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, y);
}
Value MathApprox::negate(Value x) { return arith::NegFOp::create(b, x); }
Value MathApprox::sqrt(Value x) { return math::SqrtOp::create(b, x); }
Value MathApprox::both(Value x, Value y) {
  return arith::AndIOp::create(b, x, y);
}
Value MathApprox::isNegative(Value x) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, asBits(x),
                               bits(0));
}
Value MathApprox::isOdd(Value n) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                               arith::AndIOp::create(b, n, bits(1)), bits(0));
}

MathApprox::Pair MathApprox::twoSum(Value x, Value y) {
  Value high = add(x, y);
  return {high, sub(y, sub(high, x))};
}

MathApprox::Pair MathApprox::twoProduct(Value x, Value y) {
  Value high = mul(x, y);
  return {high, fma(x, y, negate(high))};
}

//===----------------------------------------------------------------------===//
// Logarithms
//===----------------------------------------------------------------------===//

/// log2 of x >= 0 to about 65 bits; where it is no finite number, that is
/// `high` and `low` is 0.
MathApprox::Pair MathApprox::log2Pair(Value x) {
  Value denormal = less(x, number(0x1p-1022));
  Value scaled = select(denormal, mul(x, number(0x1p52)), x);
  // x = 2^k m with m in [sqrt(1/2), sqrt(2)), as in log.
  Value sqrtHalf = bits(0x3fe6a09e667f3bcd);
  Value offset = arith::SubIOp::create(b, asBits(scaled), sqrtHalf);
  Value exponent = arith::ShRSIOp::create(b, offset, bits(52));
  Value fraction =
      arith::AndIOp::create(b, offset, bits((int64_t(1) << 52) - 1));
  Value m = asNumber(arith::AddIOp::create(b, fraction, sqrtHalf));
  Value k = arith::SIToFPOp::create(b, type, exponent);
  k = select(denormal, sub(k, number(52)), k);

  // ln(m) = 2 s + s^3 (2/3 + 2/5 s^2 + ...), s = f / (f + 2)
  Value f = sub(m, number(1));
  Pair bottom = twoSum(number(2), f);
  Value s = div(f, bottom.high);
  Value left = fma(s, negate(bottom.high), f);
  Value sLow = div(fma(s, negate(bottom.low), left), bottom.high);
  Value z = mul(s, s);
  SmallVector<double> coefficients; // of Taylor's series
  for (int i = 5; i <= 25; i += 2)
    coefficients.push_back(2.0 / i);
  Value p = polynomial(z, coefficients);
  // The double nearest to 2/3, and what it lacks.
  Pair series =
      twoSum(number(2.0 / 3), fma(z, p, number(0x1.5555555555555p-55)));
  Pair cube = twoProduct(z, s);
  // d(s^3) = 3 s^2 ds + s dz
  Value zLow = fma(s, s, negate(z));
  Value cubeLow = fma(zLow, s, fma(mul(number(3), z), sLow, cube.low));
  Pair term = twoProduct(cube.high, series.high);
  Value termLow =
      fma(cube.high, series.low, fma(cubeLow, series.high, term.low));
  Pair ln = twoSum(add(s, s), term.high);
  Value lnLow = add(ln.low, fma(sLow, number(2), termLow));

  Pair scaledLn = twoProduct(ln.high, number(kLog2e));
  Value low =
      fma(ln.high, number(kLog2eLow), fma(lnLow, number(kLog2e), scaledLn.low));
  Pair sum = twoSum(k, scaledLn.high);
  // |k| may be less than the other only where it is 0.
  Pair result = twoSum(sum.high, add(sum.low, low));
  Value special = select(equal(x, number(0)), number(-kInfinity), x);
  Value finite = both(less(number(0), x), less(x, number(kInfinity)));
  return {select(finite, result.high, special),
          select(finite, result.low, number(0))};
}

Value MathApprox::log2(Value x, bool wasFloat) {
  if (wasFloat)
    return mul(log(x), number(kLog2e));
  Value nan = number(std::nan(""));
  Value y = log2Pair(x).high;
  return select(less(x, number(0)), nan, y);
}

Value MathApprox::log10(Value x, bool wasFloat) {
  if (wasFloat)
    return mul(log(x), number(0.4342944819032518));
  Pair y = log2Pair(x);
  // log10(2), and what it lacks.
  Value high = number(0x1.34413509f79ffp-2),
        low = number(-0x1.9dc1da994fd21p-59);
  Pair product = twoProduct(y.high, high);
  Value rest = fma(y.low, high, fma(y.high, low, product.low));
  Value finite = less(abs(y.high), number(kInfinity));
  Value all = select(finite, add(product.high, rest), y.high);
  return select(less(x, number(0)), number(std::nan("")), all);
}

Value MathApprox::log1p(Value x) {
  Value u = add(x, number(1));
  // What u lacks of 1 + x.
  Value lost = sub(x, sub(u, number(1)));
  Value y = add(log(u), div(lost, u));
  // Of -1 and infinity the sum is not defined; -0 keeps its sign.
  y = select(equal(x, number(-1)), number(-kInfinity), y);
  y = select(equal(x, number(kInfinity)), x, y);
  return select(equal(x, number(0)), x, y);
}

//===----------------------------------------------------------------------===//
// Powers
//===----------------------------------------------------------------------===//

Value MathApprox::exp2Pair(Pair x) {
  Value high = clamp(x.high, -1076, 1025);
  auto [k, n] = nearest(high);
  return scaledExp(mul(add(sub(high, k), x.low), number(kLn2)), n);
}

/// y log2 x for x >= 0.
MathApprox::Pair MathApprox::powerOfTwo(Value x, Value y, bool wasFloat) {
  if (wasFloat)
    return {mul(y, log2(x, wasFloat)), number(0)};
  Pair log = log2Pair(x), product = twoProduct(y, log.high);
  // Where 0 and infinity meet there is no rest.
  Value inside = less(abs(product.high), number(1100));
  Value low = fma(y, log.low, product.low);
  return {product.high, select(inside, low, number(0))};
}

Value MathApprox::pow(Value x, Value y, bool wasFloat) {
  Value t = abs(x), zero = number(0), one = number(1);
  Value magnitude = exp2Pair(powerOfTwo(t, y, wasFloat));
  magnitude = select(equal(t, one), one, magnitude); // also to infinity

  Value half = mul(y, number(0.5));
  Value whole = equal(math::TruncOp::create(b, y), y);
  Value even = equal(math::TruncOp::create(b, half), half);
  Value odd = select(isNegative(x), negate(magnitude), magnitude);
  // A fraction of a negative number; of -infinity it is that of infinity.
  Value finite = less(t, number(kInfinity));
  Value fraction =
      select(both(less(x, zero), finite), number(std::nan("")), magnitude);
  Value result = select(whole, select(even, magnitude, odd), fraction);
  // 1 to the NaN is 1, and so is NaN to the 0.
  result = select(equal(y, y), result, y);
  return select(arith::OrIOp::create(b, equal(x, one), equal(y, zero)), one,
                result);
}

Value MathApprox::cbrt(Value x) {
  Value t = abs(x);
  Value third = mul(log(t), number(kLog2e / 3));
  Value y = exp2Pair({third, number(0)});
  // One step of Newton's: the logarithm was rounded.
  Value off = sub(y, div(t, mul(y, y)));
  y = fma(off, number(-1.0 / 3), y);
  Value regular = both(less(number(0), t), less(t, number(kInfinity)));
  return select(regular, withSignOf(y, x), x);
}

Value MathApprox::expm1(Value x) {
  Value clamped = clamp(x, -746, 710);
  auto [r, n] = reduceExp(clamped);
  Value p = smallExpm1(r), large = scaledExp(r, n);
  // Beyond 2^64 the 1 is lost anyway, and 2^n is no number.
  Value isLarge =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, n, bits(64));
  Value small =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, n, bits(-64));
  Value exponent = select(isLarge, bits(64), select(small, bits(-64), n));
  Value power = powerOf2(exponent);
  Value y = fma(p, power, sub(power, number(1)));
  return withSignOf(select(isLarge, large, y), x);
}

//===----------------------------------------------------------------------===//
// Hyperbolas
//===----------------------------------------------------------------------===//

Value MathApprox::halfExp(Value x) {
  auto [r, n] = reduceExp(clamp(x, -746, 711));
  return scaledExp(r, arith::SubIOp::create(b, n, bits(1)));
}

Value MathApprox::sinh(Value x) {
  Value t = abs(x), e = expm1(t);
  Value small = mul(add(e, div(e, add(e, number(1)))), number(0.5));
  Value half = halfExp(t);
  Value large = sub(half, div(number(0.25), half));
  return withSignOf(select(less(t, number(1)), small, large), x);
}

Value MathApprox::cosh(Value x) {
  Value half = halfExp(abs(x));
  return add(half, div(number(0.25), half));
}

Value MathApprox::asinh(Value x) {
  Value t = abs(x), square = mul(t, t), one = number(1);
  Value root = add(sqrt(add(square, one)), one);
  return withSignOf(log1pOrTwice(add(t, div(square, root)), t), x);
}

Value MathApprox::acosh(Value x) {
  Value s = sub(x, number(1));
  Value y = log1pOrTwice(add(s, sqrt(fma(s, s, add(s, s)))), x);
  return select(less(x, number(1)), number(std::nan("")), y);
}

/// log(1 + y), or log(2 x) of an x whose square may be no number.
Value MathApprox::log1pOrTwice(Value y, Value x) {
  Value large = less(number(0x1p60), x);
  Value log = log1p(select(large, x, y));
  return add(log, select(large, number(kLn2), number(0)));
}

Value MathApprox::atanh(Value x) {
  Value t = abs(x), twice = add(t, t);
  Value y = log1p(div(twice, sub(number(1), t)));
  return withSignOf(mul(y, number(0.5)), x);
}
