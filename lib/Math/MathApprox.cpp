//===- MathApprox.cpp - Elementary functions as arithmetic ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call of libm in a loop keeps the whole loop scalar. Reductions of the
// argument follow Cody and Waite; the polynomials are those of Cephes (exp,
// tanh), fdlibm (log, erf of f64) and N. Juffa (erf of f32). Integers are read
// off a float by adding 1.5 * 2^mantissa: unlike a conversion, that is defined
// for NaN.
//
//===----------------------------------------------------------------------===//

#include "attn/Math/MathApprox.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

static constexpr double kLog2e = 1.4426950408889634;
static constexpr double kLn2 = 0.6931471805599453;
static constexpr double kInfinity = std::numeric_limits<double>::infinity();

MathApprox::MathApprox(ImplicitLocOpBuilder &b, Type type) : b(b), type(type) {
  isDouble = getElementTypeOrSelf(type).isF64();
  mantissa = isDouble ? 52 : 23;
  bitsType = b.getIntegerType(isDouble ? 64 : 32);
  if (auto vector = dyn_cast<VectorType>(type))
    bitsType = vector.clone(bitsType);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value MathApprox::number(double value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr attr = b.getFloatAttr(element, value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(b, attr);
}

Value MathApprox::bits(int64_t value) {
  TypedAttr attr = b.getIntegerAttr(getElementTypeOrSelf(bitsType), value);
  if (auto vector = dyn_cast<VectorType>(bitsType))
    attr = DenseElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(b, attr);
}

Value MathApprox::add(Value x, Value y) {
  return arith::AddFOp::create(b, x, y);
}
Value MathApprox::sub(Value x, Value y) {
  return arith::SubFOp::create(b, x, y);
}
Value MathApprox::mul(Value x, Value y) {
  return arith::MulFOp::create(b, x, y);
}
Value MathApprox::div(Value x, Value y) {
  return arith::DivFOp::create(b, x, y);
}
Value MathApprox::fma(Value x, Value y, Value z) {
  return math::FmaOp::create(b, x, y, z);
}
Value MathApprox::abs(Value x) { return math::AbsFOp::create(b, x); }
Value MathApprox::withSignOf(Value magnitude, Value sign) {
  return math::CopySignOp::create(b, magnitude, sign);
}
Value MathApprox::less(Value x, Value y) {
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, y);
}
Value MathApprox::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, condition, x, y);
}
Value MathApprox::asBits(Value x) {
  return arith::BitcastOp::create(b, bitsType, x);
}
Value MathApprox::asNumber(Value x) {
  return arith::BitcastOp::create(b, type, x);
}

Value MathApprox::polynomial(Value x, ArrayRef<double> coefficients) {
  Value sum = number(coefficients.back());
  for (double c : llvm::reverse(coefficients.drop_back()))
    sum = fma(sum, x, number(c));
  return sum;
}

Value MathApprox::clamp(Value x, double low, double high) {
  Value least = number(low), most = number(high);
  x = select(less(x, least), least, x);
  return select(less(most, x), most, x);
}

std::pair<Value, Value> MathApprox::nearest(Value x) {
  double shift = std::ldexp(1.5, mantissa);
  Value shifted = add(x, number(shift));
  int64_t zero = isDouble ? 0x4338000000000000 : 0x4b400000;
  return {sub(shifted, number(shift)),
          arith::SubIOp::create(b, asBits(shifted), bits(zero))};
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

Value MathApprox::smallExpm1(Value r) {
  static const double kFloat[] = {5.0000001201e-1, 1.6666665459e-1,
                                  4.1665795894e-2, 8.3334519073e-3,
                                  1.3981999507e-3, 1.9875691500e-4};
  SmallVector<double> coefficients(kFloat, std::end(kFloat));
  if (isDouble) { // 1/2!, 1/3!, ... 1/13!
    coefficients.clear();
    double factorial = 1;
    for (int i = 2; i <= 13; ++i)
      coefficients.push_back(1 / (factorial *= i));
  }
  return fma(polynomial(r, coefficients), mul(r, r), r);
}

Value MathApprox::powerOf2(Value n) {
  Value biased = arith::AddIOp::create(b, n, bits(isDouble ? 1023 : 127));
  return asNumber(arith::ShLIOp::create(b, biased, bits(mantissa)));
}

Value MathApprox::scaledExp(Value r, Value n) {
  Value p = add(smallExpm1(r), number(1));
  // In two factors: 2^n may lie outside the normal numbers where the product
  // does not, and a denormal result is rounded once.
  Value half = arith::ShRSIOp::create(b, n, bits(1));
  Value rest = arith::SubIOp::create(b, n, half);
  return mul(mul(p, powerOf2(half)), powerOf2(rest));
}

std::pair<Value, Value> MathApprox::reduceExp(Value x) {
  auto [k, n] = nearest(mul(x, number(kLog2e)));
  Value high = number(isDouble ? -6.93145751953125e-1 : -0.693359375);
  Value low = number(isDouble ? -1.42860682030941723212e-6 : 2.12194440e-4);
  return {fma(k, low, fma(k, high, x)), n};
}

Value MathApprox::exp(Value x) {
  auto [r, n] = reduceExp(isDouble ? clamp(x, -746, 710) : clamp(x, -104, 89));
  return scaledExp(r, n);
}

Value MathApprox::exp2(Value x) {
  x = isDouble ? clamp(x, -1076, 1025) : clamp(x, -151, 129);
  auto [k, n] = nearest(x);
  return scaledExp(mul(sub(x, k), number(kLn2)), n);
}

Value MathApprox::log(Value x) {
  // Denormals are scaled into the normal numbers.
  Value smallest = number(isDouble ? 2.2250738585072014e-308 : 1.17549435e-38);
  Value denormal = less(x, smallest);
  Value scaled = select(denormal, mul(x, number(std::ldexp(1.0, mantissa))), x);
  // x = 2^k m with m in [sqrt(1/2), sqrt(2)): the offset moves the cut there.
  int64_t sqrtHalf = isDouble ? 0x3fe6a09e667f3bcd : 0x3f3504f3;
  Value offset = arith::SubIOp::create(b, asBits(scaled), bits(sqrtHalf));
  Value exponent = arith::ShRSIOp::create(b, offset, bits(mantissa));
  Value fraction =
      arith::AndIOp::create(b, offset, bits((int64_t(1) << mantissa) - 1));
  Value m = asNumber(arith::AddIOp::create(b, fraction, bits(sqrtHalf)));
  Value k = arith::SIToFPOp::create(b, type, exponent);
  k = select(denormal, sub(k, number(mantissa)), k);

  Value f = sub(m, number(1));
  Value s = div(f, add(f, number(2)));
  Value z = mul(s, s);
  Value r;
  if (isDouble)
    r = polynomial(z, {6.666666666666735130e-01, 3.999999999940941908e-01,
                       2.857142874366239149e-01, 2.222219843214978396e-01,
                       1.818357216161805012e-01, 1.531383769920937332e-01,
                       1.479819860511658591e-01});
  else
    r = polynomial(
        z, {0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841});
  r = mul(r, z);
  Value half = mul(mul(f, f), number(0.5));
  Value high = number(isDouble ? 6.93147180369123816490e-01 : 6.9313812256e-01);
  Value low = number(isDouble ? 1.90821492927058770002e-10 : 9.0580006145e-06);
  Value tail = fma(s, add(half, r), mul(k, low));
  Value y = sub(mul(k, high), sub(sub(half, tail), f));

  Value zero = number(0), infinity = number(kInfinity);
  // Anything but a positive finite number.
  y = select(less(zero, x), y, number(std::nan("")));
  y = select(arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, zero),
             number(-kInfinity), y);
  return select(
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, infinity),
      infinity, y);
}

Value MathApprox::tanh(Value x) {
  Value t = abs(x), z = mul(x, x);
  Value inner;
  if (isDouble) {
    Value p =
        polynomial(z, {-1.61468768441708447952e3, -9.92877231001918586564e1,
                       -9.64399179425052238628e-1});
    Value q = polynomial(z, {4.84406305325125486048e3, 2.23548839060100448583e3,
                             1.12811678491632931402e2, 1.0});
    inner = div(p, q);
  } else {
    inner =
        polynomial(z, {-3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2,
                       2.06390887954e-2, -5.70498872745e-3});
  }
  Value small = fma(mul(x, z), inner, x);
  // 1 - 2 / (e^2t + 1); NaN passes through the exponential.
  Value large = sub(number(1), div(number(2), add(exp(add(t, t)), number(1))));
  // The sign also of -0, which the sum would lose.
  return withSignOf(select(less(t, number(0.625)), small, large), x);
}

Value MathApprox::erf(Value x) { return isDouble ? erfDouble(x) : erfFloat(x); }

Value MathApprox::erfFloat(Value x) {
  Value t = abs(x), s = mul(x, x);
  Value r = fma(number(-1.72853470e-5), t, number(3.83197126e-4));
  Value u = fma(number(-3.88396438e-3), t, number(2.42546219e-2));
  r = fma(r, s, u);
  r = fma(r, t, number(-1.06777877e-1));
  r = fma(r, t, number(-6.34846687e-1));
  r = fma(r, t, number(-1.28717512e-1));
  r = sub(mul(r, t), t);
  Value large = withSignOf(sub(number(1), exp(r)), x);
  Value small = polynomial(s, {1.28379166e-1, -3.76125336e-1, 1.12819925e-1,
                               -2.67681349e-2, 4.99119423e-3, -5.96761703e-4});
  small = fma(small, x, x);
  // Of infinity the polynomial in t is not defined, and 1 is long reached.
  Value one = withSignOf(number(1), x);
  large = select(less(number(4), t), one, large);
  return select(less(number(0.927734375), t), large, small);
}
