//===- Interval.cpp - Arithmetic on ranges of integers, emitted -----------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Interval.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;
using arith::CmpIPredicate;

/// Ends of this size can be added up and multiplied by a million.
static constexpr int64_t kWide = int64_t(1) << 40;
static constexpr int64_t kFactor = int64_t(1) << 20;

Value IntervalBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value IntervalBuilder::boolean(bool value) {
  return arith::ConstantOp::create(builder, loc, builder.getBoolAttr(value));
}

Value IntervalBuilder::toIndex(Value value) {
  if (value.getType().isIndex())
    return value;
  return builder.createOrFold<arith::IndexCastOp>(loc, builder.getIndexType(),
                                                  value);
}

/// Both, where null is true.
Value IntervalBuilder::meet(Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  return make<arith::AndIOp>(x, y);
}

Interval IntervalBuilder::within(Interval x, int64_t low, int64_t high) {
  if (x.low < low) {
    x.valid = meet(x.valid, compare(CmpIPredicate::sge, x.least, index(low)));
    x.low = low;
  }
  if (x.high > high) {
    x.valid = meet(x.valid, compare(CmpIPredicate::sle, x.most, index(high)));
    x.high = high;
  }
  // Only where it is never valid, but the ends have to be in order.
  x.high = std::max(x.low, x.high);
  return x;
}

Truth IntervalBuilder::believe(Truth x, Value valid) {
  if (!valid)
    return x;
  Value invalid = make<arith::XOrIOp>(valid, boolean(true));
  return {make<arith::OrIOp>(x.some, invalid),
          make<arith::AndIOp>(x.all, valid)};
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Interval IntervalBuilder::constant(int64_t value) {
  Value end = index(value);
  return {end, end, value, value, nullptr};
}

/// `op` on both ends, one value where both operands are.
template <typename OpTy>
static std::pair<Value, Value> ends(IntervalBuilder &b, Value least,
                                    Value otherLeast, Value most,
                                    Value otherMost) {
  Value low = b.make<OpTy>(least, otherLeast);
  bool isPoint = least == most && otherLeast == otherMost;
  return {low, isPoint ? low : b.make<OpTy>(most, otherMost)};
}

/// x + y or x - y; of a difference the ends of y change places.
template <typename OpTy>
IntervalBuilder::MaybeInterval IntervalBuilder::sum(Interval x, Interval y) {
  constexpr bool isDifference = std::is_same_v<OpTy, arith::SubIOp>;
  auto overflows = [](int64_t left, int64_t right, int64_t &result) {
    return isDifference ? llvm::SubOverflow(left, right, result)
                        : llvm::AddOverflow(left, right, result);
  };
  for (int attempt : {0, 1}) {
    int64_t low, high;
    if (!overflows(x.low, isDifference ? y.high : y.low, low) &&
        !overflows(x.high, isDifference ? y.low : y.high, high)) {
      auto [least, most] =
          ends<OpTy>(*this, x.least, isDifference ? y.most : y.least, x.most,
                     isDifference ? y.least : y.most);
      return Interval{least, most, low, high, meet(x.valid, y.valid)};
    }
    if (attempt == 0) {
      x = within(x, -kWide, kWide);
      y = within(y, -kWide, kWide);
    }
  }
  return std::nullopt;
}

IntervalBuilder::MaybeInterval IntervalBuilder::add(Interval x, Interval y) {
  return sum<arith::AddIOp>(x, y);
}

IntervalBuilder::MaybeInterval IntervalBuilder::subtract(Interval x,
                                                         Interval y) {
  return sum<arith::SubIOp>(x, y);
}

IntervalBuilder::MaybeInterval IntervalBuilder::multiply(Interval x,
                                                         Interval y) {
  // The one that is a constant, or else the point, is the factor.
  if (x.low == x.high || (x.isPoint() && !y.isPoint()))
    std::swap(x, y);
  for (int attempt : {0, 1}) {
    int64_t products[4];
    bool wraps = llvm::MulOverflow(x.low, y.low, products[0]) ||
                 llvm::MulOverflow(x.low, y.high, products[1]) ||
                 llvm::MulOverflow(x.high, y.low, products[2]) ||
                 llvm::MulOverflow(x.high, y.high, products[3]);
    if (!wraps) {
      int64_t low = *std::min_element(products, products + 4);
      int64_t high = *std::max_element(products, products + 4);
      SmallVector<Value> ends;
      for (Value left : {x.least, x.most})
        for (Value right : {y.least, y.most})
          ends.push_back(make<arith::MulIOp>(left, right));
      Value least = ends[0], most = ends[0];
      if (y.low == y.high) { // ends[0] and ends[2] in an order known now
        (y.low >= 0 ? most : least) = ends[2];
      } else if (!x.isPoint() || !y.isPoint()) {
        for (Value end : llvm::drop_begin(ends)) {
          least = make<arith::MinSIOp>(least, end);
          most = make<arith::MaxSIOp>(most, end);
        }
      }
      return Interval{least, most, low, high, meet(x.valid, y.valid)};
    }
    if (attempt == 0) {
      x = within(x, -kWide, kWide);
      y = within(y, -kFactor, kFactor);
    }
  }
  return std::nullopt;
}

/// A single number >= 1. The code divides by 1 where that does not hold.
IntervalBuilder::MaybeInterval IntervalBuilder::divisor(Interval y) {
  if (!y.isPoint() || y.high < 1)
    return std::nullopt;
  y = within(y, 1, std::numeric_limits<int64_t>::max());
  y.least = y.most = make<arith::MaxSIOp>(y.least, index(1));
  return y;
}

static int64_t divideNumber(int64_t x, int64_t y,
                            IntervalBuilder::Rounding rounding) {
  int64_t quotient = x / y;
  if (rounding == IntervalBuilder::Rounding::Down && x % y < 0)
    --quotient;
  if (rounding == IntervalBuilder::Rounding::Up && x % y > 0)
    ++quotient;
  return quotient;
}

IntervalBuilder::MaybeInterval IntervalBuilder::divide(Interval x, Interval y,
                                                       Rounding rounding) {
  MaybeInterval by = divisor(y);
  if (!by)
    return std::nullopt;
  // Rounding up may add to the dividend first.
  if (rounding == Rounding::Up)
    x = within(x, -kWide, kWide);
  if (x.low >= 0 && rounding == Rounding::Down)
    rounding = Rounding::Zero;
  auto quotient = [&](Value end) {
    Value d = by->least;
    return rounding == Rounding::Down ? make<arith::FloorDivSIOp>(end, d)
           : rounding == Rounding::Up ? make<arith::CeilDivSIOp>(end, d)
                                      : make<arith::DivSIOp>(end, d);
  };
  Value least = quotient(x.least);
  Value most = x.isPoint() ? least : quotient(x.most);
  auto bound = [&](int64_t end, int64_t d) {
    return divideNumber(end, d, rounding);
  };
  return Interval{least, most,
                  std::min(bound(x.low, by->low), bound(x.low, by->high)),
                  std::max(bound(x.high, by->low), bound(x.high, by->high)),
                  meet(x.valid, by->valid)};
}

IntervalBuilder::MaybeInterval
IntervalBuilder::remainder(Interval x, Interval y, Rounding rounding) {
  MaybeInterval by = divisor(y);
  MaybeInterval quotient = by ? divide(x, *by, rounding) : std::nullopt;
  if (!quotient)
    return std::nullopt;
  // Where the quotient is the same at both ends, the remainder grows with x;
  // else all remainders are possible.
  Value d = by->least, zero = index(0);
  Value whole = make<arith::MulIOp>(quotient->least, d);
  Value least = make<arith::SubIOp>(x.least, whole);
  int64_t largest = by->high - 1;
  Interval result{least, least, 0, largest, quotient->valid};
  bool isSigned = rounding == Rounding::Zero && x.low < 0;
  if (isSigned) {
    result.low = std::max(std::min<int64_t>(x.low, 0), -largest);
    result.high = std::min(std::max<int64_t>(x.high, 0), largest);
  }
  if (x.isPoint())
    return result;
  Value most = make<arith::SubIOp>(x.most, whole);
  Value isSame = compare(CmpIPredicate::eq, quotient->least, quotient->most);
  Value last = make<arith::SubIOp>(d, index(1)), first = zero;
  if (isSigned) {
    first = make<arith::MaxSIOp>(x.least, make<arith::SubIOp>(zero, last));
    first = make<arith::MinSIOp>(first, zero);
    last = make<arith::MinSIOp>(x.most, last);
    last = make<arith::MaxSIOp>(last, zero);
  }
  result.least = select(isSame, least, first);
  result.most = select(isSame, most, last);
  return result;
}

Interval IntervalBuilder::minimum(Interval x, Interval y) {
  auto [least, most] =
      ends<arith::MinSIOp>(*this, x.least, y.least, x.most, y.most);
  return {least, most, std::min(x.low, y.low), std::min(x.high, y.high),
          meet(x.valid, y.valid)};
}

Interval IntervalBuilder::maximum(Interval x, Interval y) {
  auto [least, most] =
      ends<arith::MaxSIOp>(*this, x.least, y.least, x.most, y.most);
  return {least, most, std::max(x.low, y.low), std::max(x.high, y.high),
          meet(x.valid, y.valid)};
}

IntervalBuilder::MaybeInterval IntervalBuilder::magnitude(Interval x) {
  MaybeInterval minus = subtract(constant(0), x);
  if (!minus)
    return std::nullopt;
  Interval most = maximum(x, *minus);
  if (x.isPoint())
    return Interval{most.most, most.most, 0, most.high, most.valid};
  // The least of |x| is that of the end nearer to 0, or 0 between them.
  Value least = make<arith::MaxSIOp>(x.least, minus->least);
  return Interval{make<arith::MaxSIOp>(least, index(0)), most.most, 0,
                  most.high, most.valid};
}

Interval IntervalBuilder::choose(Truth condition, Interval x, Interval y) {
  int64_t low = std::min(x.low, y.low), high = std::max(x.high, y.high);
  Value valid = meet(x.valid, y.valid);
  if (condition.some == condition.all && x.isPoint() && y.isPoint()) {
    Value value = select(condition.all, x.least, y.least);
    return {value, value, low, high, valid};
  }
  auto end = [&](Value left, Value right, Value either) {
    return select(condition.all, left, select(condition.some, either, right));
  };
  return {end(x.least, y.least, make<arith::MinSIOp>(x.least, y.least)),
          end(x.most, y.most, make<arith::MaxSIOp>(x.most, y.most)), low, high,
          valid};
}

Interval IntervalBuilder::fromTruth(Truth x, bool isSigned) {
  Value zero = index(0), one = index(isSigned ? -1 : 1);
  Value from = select(x.all, one, zero);
  Value to = x.some == x.all ? from : select(x.some, one, zero);
  if (isSigned)
    return {to, from, -1, 0, nullptr};
  return {from, to, 0, 1, nullptr};
}

//===----------------------------------------------------------------------===//
// Truth values
//===----------------------------------------------------------------------===//

Truth IntervalBuilder::negate(Truth x) {
  Value yes = boolean(true);
  Value some = make<arith::XOrIOp>(x.all, yes);
  if (x.some == x.all)
    return same(some);
  return {some, make<arith::XOrIOp>(x.some, yes)};
}

Truth IntervalBuilder::both(Truth x, Truth y) {
  auto [some, all] = ends<arith::AndIOp>(*this, x.some, y.some, x.all, y.all);
  return {some, all};
}

Truth IntervalBuilder::either(Truth x, Truth y) {
  auto [some, all] = ends<arith::OrIOp>(*this, x.some, y.some, x.all, y.all);
  return {some, all};
}

Truth IntervalBuilder::differ(Truth x, Truth y) {
  return either(both(x, negate(y)), both(negate(x), y));
}

Truth IntervalBuilder::choose(Truth condition, Truth x, Truth y) {
  Truth otherwise = negate(condition);
  // May be x where the condition may hold, may be y where it may not; all are
  // true where each side that may be chosen is.
  Truth some = either(both(condition, x), both(otherwise, y));
  Value left = make<arith::OrIOp>(otherwise.all, x.all);
  Value right = make<arith::OrIOp>(condition.all, y.all);
  return {some.some, make<arith::AndIOp>(left, right)};
}

Truth IntervalBuilder::less(Interval x, Interval y, bool orEqual) {
  CmpIPredicate predicate = orEqual ? CmpIPredicate::sle : CmpIPredicate::slt;
  Truth result = same(compare(predicate, x.least, y.most));
  if (!x.isPoint() || !y.isPoint())
    result.all = compare(predicate, x.most, y.least);
  return believe(result, meet(x.valid, y.valid));
}

Truth IntervalBuilder::equal(Interval x, Interval y) {
  if (x.isPoint() && y.isPoint())
    return believe(same(compare(CmpIPredicate::eq, x.least, y.least)),
                   meet(x.valid, y.valid));
  Truth up = less(x, y, /*orEqual=*/true), down = less(y, x, /*orEqual=*/true);
  return both(up, down);
}

/// x below y: where y is not negative, 0 <= x < y.
Truth IntervalBuilder::below(Interval x, Interval y, bool orEqual) {
  if (y.low < 0 && x.low >= 0)
    return negate(below(y, x, !orEqual));
  y = within(y, 0, std::numeric_limits<int64_t>::max());
  Truth result =
      both(less(constant(0), x, /*orEqual=*/true), less(x, y, orEqual));
  return believe(result, y.valid);
}
