//===- MathApproxTrig.cpp - Circular functions of f64 as arithmetic -------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The polynomials and pieces are those of fdlibm. pi / 2 is the sum of three
// numbers of 53 bits, and fma subtracts multiples of the first exactly.
//
//===----------------------------------------------------------------------===//

#include "attn/Math/MathApprox.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

static constexpr double kHalfPi = 1.5707963267948966;
static constexpr double kHalfPiLow = 6.123233995736766e-17;
static constexpr double kHalfPiLowest = -1.4973849048591698e-33;
/// Up to here the quotient by pi / 2 is exact enough.
static const double kLargestAngle = std::ldexp(1.0, 45);

//===----------------------------------------------------------------------===//
// Sine, cosine, tangent
//===----------------------------------------------------------------------===//

/// x 2^-22 is an integer of 24 bits and a power of two. Its products with the
/// parts of 2^22 (2 / pi), less multiples of 4, are exact in 53 bits.
MathApprox::Angle MathApprox::reduceHugeFloat(Value x) {
  static constexpr double kParts[] = {
      0x1.b727220000000p-1,  0x1.529fc00000000p-30,  0x1.3abe8f8000000p-53,
      0x1.4d37700000000p-80, 0x1.b6c52b0000000p-107, 0x1.93c4390000000p-134};
  Value whole = mul(x, number(std::ldexp(1.0, -22))), turns = number(0);
  for (double part : kParts) {
    Value product = mul(whole, number(part));
    Value fours = math::RoundEvenOp::create(b, mul(product, number(0.25)));
    turns = add(turns, fma(fours, number(-4), product));
  }
  auto [k, n] = nearest(turns);
  return {mul(sub(turns, k), number(kHalfPi)), n};
}

MathApprox::Angle MathApprox::reduceAngle(Value x, bool wasFloat) {
  auto [k, n] = nearest(mul(x, number(1 / kHalfPi)));
  Value r = fma(k, number(-kHalfPi), x);
  r = fma(k, number(-kHalfPiLow), r);
  r = fma(k, number(-kHalfPiLowest), r);
  if (!wasFloat)
    return {r, n};
  Angle huge = reduceHugeFloat(x);
  Value isHuge = less(number(kLargestAngle), abs(x));
  return {select(isHuge, huge.r, r), select(isHuge, huge.n, n)};
}

/// y, or NaN where x was not reduced.
Value MathApprox::knownAngle(Value x, Value y, bool wasFloat) {
  if (wasFloat)
    return y;
  Value tooLarge = less(number(kLargestAngle), abs(x));
  return select(tooLarge, number(std::numeric_limits<double>::quiet_NaN()), y);
}

Value MathApprox::sinOf(Value r) {
  Value z = mul(r, r);
  Value p =
      polynomial(z, {-1.66666666666666324348e-01, 8.33333333332248946124e-03,
                     -1.98412698298579493134e-04, 2.75573137070700676789e-06,
                     -2.50507602534068634195e-08, 1.58969099521155010221e-10});
  return fma(mul(z, r), p, r);
}

Value MathApprox::cosOf(Value r) {
  Value z = mul(r, r), half = mul(z, number(0.5));
  Value p =
      polynomial(z, {4.16666666666666019037e-02, -1.38888888888741095749e-03,
                     2.48015872894767294178e-05, -2.75573143513906633035e-07,
                     2.08757232129817482790e-09, -1.13596475577881948265e-11});
  Value w = sub(number(1), half);
  return add(w, fma(mul(z, z), p, sub(sub(number(1), w), half)));
}

Value MathApprox::sin(Value x, bool wasFloat) {
  auto [r, n] = reduceAngle(x, wasFloat);
  Value y = select(isOdd(n), cosOf(r), sinOf(r));
  // The second bit of n turns the sign.
  Value sign =
      arith::ShLIOp::create(b, arith::AndIOp::create(b, n, bits(2)), bits(62));
  y = asNumber(arith::XOrIOp::create(b, asBits(y), sign));
  // -0 is its own sine, and the reduction loses its sign.
  return knownAngle(x, select(equal(x, number(0)), x, y), wasFloat);
}

Value MathApprox::cos(Value x, bool wasFloat) {
  auto [r, n] = reduceAngle(x, wasFloat);
  Value y = select(isOdd(n), sinOf(r), cosOf(r));
  Value next = arith::AddIOp::create(b, n, bits(1));
  Value sign = arith::ShLIOp::create(b, arith::AndIOp::create(b, next, bits(2)),
                                     bits(62));
  y = asNumber(arith::XOrIOp::create(b, asBits(y), sign));
  return knownAngle(x, y, wasFloat);
}

Value MathApprox::tan(Value x, bool wasFloat) {
  auto [r, n] = reduceAngle(x, wasFloat);
  Value s = sinOf(r), c = cosOf(r), odd = isOdd(n);
  Value y = div(select(odd, negate(c), s), select(odd, s, c));
  return knownAngle(x, select(equal(x, number(0)), x, y), wasFloat);
}

//===----------------------------------------------------------------------===//
// Their inverses
//===----------------------------------------------------------------------===//

Value MathApprox::atan(Value x) {
  Value t = abs(x), one = number(1), zero = number(0);
  Value top = t, bottom = one, high = zero, low = zero;
  auto from = [&](double least, Value newTop, Value newBottom, double newHigh,
                  double newLow) {
    Value within = less(number(least), t);
    top = select(within, newTop, top);
    bottom = select(within, newBottom, bottom);
    high = select(within, number(newHigh), high);
    low = select(within, number(newLow), low);
  };
  from(7.0 / 16, fma(t, number(2), number(-1)), add(t, number(2)),
       4.63647609000806093515e-01, 2.26987774529616870924e-17);
  from(11.0 / 16, sub(t, one), add(t, one), 7.85398163397448278999e-01,
       3.06161699786838301793e-17);
  from(19.0 / 16, sub(t, number(1.5)), fma(t, number(1.5), one),
       9.82793723247329054082e-01, 1.39033110312309984516e-17);
  from(39.0 / 16, number(-1), t, kHalfPi, kHalfPiLow);
  Value r = div(top, bottom), z = mul(r, r);
  Value p =
      polynomial(z, {3.33333333333329318027e-01, -1.99999999998764832476e-01,
                     1.42857142725034663711e-01, -1.11111104054623557880e-01,
                     9.09088713343650656196e-02, -7.69187620504482999495e-02,
                     6.66107313738753120669e-02, -5.83357013379057348645e-02,
                     4.97687799461593236017e-02, -3.65315727442169155270e-02,
                     1.62858201153657823623e-02});
  Value tail = sub(low, mul(mul(r, z), p));
  return withSignOf(add(high, add(r, tail)), x);
}

Value MathApprox::atan2(Value y, Value x) {
  Value t = abs(x), u = abs(y), zero = number(0);
  // The diagonals, also of zeros and of infinities.
  Value ratio = div(u, t);
  Value infinity = number(std::numeric_limits<double>::infinity());
  ratio =
      select(both(equal(t, infinity), equal(u, infinity)), number(1), ratio);
  ratio = select(both(equal(t, zero), equal(u, zero)), zero, ratio);
  Value angle = atan(ratio);
  Value behind = sub(number(2 * kHalfPi), sub(angle, number(2 * kHalfPiLow)));
  angle = select(isNegative(x), behind, angle);
  return withSignOf(angle, y);
}

/// (asin(r) - r) / r for z = r^2 <= 1/4.
Value MathApprox::asinRatio(Value z) {
  Value p =
      polynomial(z, {1.66666666666666657415e-01, -3.25565818622400915405e-01,
                     2.01212532134862925881e-01, -4.00555345006794114027e-02,
                     7.91534994289814532176e-04, 3.47933107596021167570e-05});
  Value q =
      polynomial(z, {1, -2.40339491173441421878e+00, 2.02094576023350569471e+00,
                     -6.88283971605453293030e-01, 7.70381505559019352791e-02});
  return mul(z, div(p, q));
}

Value MathApprox::asin(Value x) {
  Value t = abs(x), inner = less(t, number(0.5));
  Value z = select(inner, mul(x, x), mul(sub(number(1), t), number(0.5)));
  Value r = select(inner, t, sqrt(z)); // NaN beyond 1
  Value angle = fma(r, asinRatio(z), r);
  Value outer =
      sub(number(kHalfPi), fma(angle, number(2), number(-kHalfPiLow)));
  return withSignOf(select(inner, angle, outer), x);
}

Value MathApprox::acos(Value x) {
  Value t = abs(x), inner = less(t, number(0.5));
  Value z = select(inner, mul(x, x), mul(sub(number(1), t), number(0.5)));
  Value r = select(inner, x, sqrt(z));
  Value angle = fma(r, asinRatio(z), r), twice = add(angle, angle);
  Value middle = sub(number(kHalfPi), sub(angle, number(kHalfPiLow)));
  Value behind = sub(number(2 * kHalfPi), sub(twice, number(2 * kHalfPiLow)));
  return select(inner, middle, select(isNegative(x), behind, twice));
}
