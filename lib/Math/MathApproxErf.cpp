//===- MathApproxErf.cpp - The error function of f64 as arithmetic --------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Polynomials and pieces of fdlibm.
//
//===----------------------------------------------------------------------===//

#include "attn/Math/MathApprox.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn;

static constexpr double kErfAtOne = 8.45062911510467529297e-01;

Value MathApprox::erfSmall(Value t) {
  Value s = mul(t, t);
  Value p =
      polynomial(s, {1.28379167095512558561e-01, -3.25042107247001499370e-01,
                     -2.84817495755985104766e-02, -5.77027029648944159157e-03,
                     -2.37630166566501626084e-05});
  Value q =
      polynomial(s, {1, 3.97917223959155352819e-01, 6.50222499887672944485e-02,
                     5.08130628187576562776e-03, 1.32494738004321644526e-04,
                     -3.96022827877536812320e-06});
  return div(p, q);
}

Value MathApprox::erfMiddle(Value t) {
  Value e = sub(t, number(1));
  Value p =
      polynomial(e, {-2.36211856075265944077e-03, 4.14856118683748331666e-01,
                     -3.72207876035701323847e-01, 3.18346619901161753674e-01,
                     -1.10894694282396677476e-01, 3.54783043256182359371e-02,
                     -2.16637559486879084300e-03});
  Value q =
      polynomial(e, {1, 1.06420880400844228286e-01, 5.40397917702171048937e-01,
                     7.18286544141962662868e-02, 1.26171219808761642112e-01,
                     1.36370839120290507362e-02, 1.19844998467991074170e-02});
  return div(p, q);
}

Value MathApprox::erfcLarge(Value t) {
  Value w = div(number(1), mul(t, t));
  // Below 1 / 0.35, and above.
  Value p1 =
      polynomial(w, {-9.86494403484714822705e-03, -6.93858572707181764372e-01,
                     -1.05586262253232909814e+01, -6.23753324503260060396e+01,
                     -1.62396669462573470355e+02, -1.84605092906711035994e+02,
                     -8.12874355063065934246e+01, -9.81432934416914548592e+00});
  Value q1 =
      polynomial(w, {1, 1.96512716674392571292e+01, 1.37657754143519042600e+02,
                     4.34565877475229228821e+02, 6.45387271733267880336e+02,
                     4.29008140027567833386e+02, 1.08635005541779435134e+02,
                     6.57024977031928170135e+00, -6.04244152148580987438e-02});
  Value p2 =
      polynomial(w, {-9.86494292470009928597e-03, -7.99283237680523006574e-01,
                     -1.77579549177547519889e+01, -1.60636384855821916062e+02,
                     -6.37566443368389627722e+02, -1.02509513161107724954e+03,
                     -4.83519191608651397019e+02});
  Value q2 =
      polynomial(w, {1, 3.03380607434824582924e+01, 3.25792512996573918826e+02,
                     1.53672958608443695994e+03, 3.19985821950859553908e+03,
                     2.55305040643316442583e+03, 4.74528541206955367215e+02,
                     -2.24409524465858183362e+01});
  Value middle = less(t, number(1 / 0.35));
  Value ratio = div(select(middle, p1, p2), select(middle, q1, q2));
  // e^(-t^2): of z, the upper half of t, the square is exact.
  Value upper = bits(static_cast<int64_t>(0xffffffff00000000));
  Value z = asNumber(arith::AndIOp::create(b, asBits(t), upper));
  Value rest = fma(sub(z, t), add(z, t), ratio);
  Value power = exp(sub(number(-0.5625), mul(z, z)));
  return div(mul(power, exp(rest)), t);
}

Value MathApprox::erfDouble(Value x) {
  Value t = abs(x);
  Value small = fma(x, erfSmall(t), x);
  Value middle = add(number(kErfAtOne), erfMiddle(t));
  Value far = sub(number(1), erfcLarge(t));
  far = select(less(number(6), t), number(1), far);
  Value large = select(less(t, number(1.25)), middle, far);
  return select(less(t, number(0.84375)), small, withSignOf(large, x));
}

Value MathApprox::erfc(Value x) {
  Value t = abs(x), negative = isNegative(x);
  Value y = erfSmall(t), half = number(0.5);
  Value tiny = sub(number(1), fma(x, y, x));
  Value small = sub(half, fma(x, y, sub(x, half)));
  small = select(less(x, number(0.25)), tiny, small);
  Value middle = erfMiddle(t);
  middle = select(negative, add(number(1 + kErfAtOne), middle),
                  sub(number(1 - kErfAtOne), middle));
  // Beyond 28 it is 0, also where the pieces are not defined.
  Value far = select(less(number(28), t), number(0), erfcLarge(t));
  far = select(negative, sub(number(2), far), far);
  Value large = select(less(t, number(1.25)), middle, far);
  return select(less(t, number(0.84375)), small, large);
}
