//===- MaskRange.cpp - Which keys a group of queries can see --------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits, for a formula over affine comparisons, an interval around the keys
// that some query of the group keeps and an interval inside those that all
// keep.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskRange.h"

#include "MaskPredicate.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attn;

using Kind = MaskPredicate::Kind;
using arith::CmpIPredicate;

/// b, h unless there are several, and what is captured by them alone.
static SmallVector<bool> uniformArguments(SdpaOp op, bool oneHead = true) {
  SmallVector<bool> isUniform{true, oneHead, false, false};
  for (AffineMap map : op.getCaptureMapValues()) {
    bool uniform = true;
    for (unsigned dim = 1; dim < 4; ++dim)
      uniform &= isUniform[dim] || !map.isFunctionOfDim(dim);
    isUniform.push_back(uniform);
  }
  return isUniform;
}

static MaskPredicate readPredicate(SdpaOp op, bool oneHead = true) {
  auto yield = cast<YieldOp>(op.getMask().front().getTerminator());
  return readMaskPredicate(yield.getValue(), uniformArguments(op, oneHead));
}

namespace {
/// Keys [lo, hi); empty when lo >= hi.
struct Interval {
  Value lo, hi;
};

/// `some` holds every key that some query keeps; `all` only keys that all keep.
struct Bounds {
  Interval some, all;
};

class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, SdpaOp op, Value b, Value h,
          Value m0, Value m1, Value n)
      : builder(builder), loc(loc), op(op), b(b), h(h), m0(m0), m1(m1), n(n),
        zero(index(0)) {}

  KeyRange run();

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  template <typename OpTy>
  Value make(Value left, Value right) {
    return builder.createOrFold<OpTy>(loc, left, right);
  }
  Value compare(CmpIPredicate predicate, Value left, Value right) {
    return builder.createOrFold<arith::CmpIOp>(loc, predicate, left, right);
  }
  Value select(Value condition, Value left, Value right) {
    return builder.createOrFold<arith::SelectOp>(loc, condition, left, right);
  }
  Interval select(Value condition, Interval left, Interval right) {
    return {select(condition, left.lo, right.lo),
            select(condition, left.hi, right.hi)};
  }
  /// `value` brought into [lo, hi].
  Value clamp(Value value, Value lo, Value hi) {
    if (value == lo || value == hi)
      return value;
    return make<arith::MaxSIOp>(make<arith::MinSIOp>(value, hi), lo);
  }
  Interval none() { return {zero, zero}; }
  Interval everything() { return {zero, n}; }

  Value argument(unsigned number);
  Value addTerm(Value sum, int64_t coefficient, Value value);
  Value linear(const AffineForm &form, bool largest, int64_t extra);
  Bounds nonpositive(const AffineForm &form);
  Bounds bothOf(const Bounds &left, const Bounds &right);
  Bounds eitherOf(const Bounds &left, const Bounds &right);
  Bounds emit(const MaskPredicate &predicate);
  void guard(const AffineForm &form);
  KeyRange range(const Bounds &bounds);

  OpBuilder &builder;
  Location loc;
  SdpaOp op;
  Value b, h, m0, m1, n, zero;
  /// Arguments of the mask region, once they are needed.
  llvm::DenseMap<unsigned, Value> arguments;
  /// The smallest limit for each guarded argument; 2 and 3 stand for m and n.
  llvm::MapVector<unsigned, int64_t> limits;
};
} // namespace

/// The run-time value of a uniform argument: i1, or brought to index.
Value Emitter::argument(unsigned number) {
  if (number < 2)
    return number == 0 ? b : h;
  Value &value = arguments[number];
  if (value)
    return value;
  value = op.getCaptures()[number - 4];
  if (isa<RankedTensorType>(value.getType())) {
    AffineMap map = op.getCaptureMapValues()[number - 4];
    SmallVector<OpFoldResult> position{b, h ? h : zero, zero, zero};
    SmallVector<Value> indices;
    for (OpFoldResult element :
         affine::makeComposedFoldedMultiResultAffineApply(builder, loc, map,
                                                          position))
      indices.push_back(getValueOrCreateConstantIndexOp(builder, loc, element));
    value = builder.createOrFold<tensor::ExtractOp>(loc, value, indices);
  }
  if (!value.getType().isInteger(1) && !value.getType().isIndex())
    value = builder.createOrFold<arith::IndexCastOp>(
        loc, builder.getIndexType(), value);
  return value;
}

/// sum + coefficient * value; a null `sum` is 0.
Value Emitter::addTerm(Value sum, int64_t coefficient, Value value) {
  if (coefficient == 0)
    return sum;
  if (sum && coefficient == -1)
    return make<arith::SubIOp>(sum, value);
  if (coefficient != 1)
    value = make<arith::MulIOp>(value, index(coefficient));
  return sum ? make<arith::AddIOp>(sum, value) : value;
}

/// The largest or smallest value over the group of the form without its n,
/// plus `extra`.
Value Emitter::linear(const AffineForm &form, bool largest, int64_t extra) {
  int64_t constant = form.constant + extra;
  // The last query is m1 - 1.
  bool last = (form.m > 0) == largest;
  if (last)
    constant -= form.m;
  Value sum;
  // Positive terms first: a difference is one op, a negation a second.
  for (bool positive : {true, false}) {
    if ((form.m > 0) == positive)
      sum = addTerm(sum, form.m, last ? m1 : m0);
    for (auto [number, coefficient] : form.uniform)
      if (coefficient != 0 && (coefficient > 0) == positive)
        sum = addTerm(sum, coefficient, argument(number));
  }
  if (!sum)
    return index(constant);
  return constant == 0 ? sum : make<arith::AddIOp>(sum, index(constant));
}

/// form.n * n + rest <= 0, where the rest depends on the query.
Bounds Emitter::nonpositive(const AffineForm &form) {
  guard(form);
  // With rest(m) at its smallest for some query, at its largest for all.
  auto solve = [&](bool forAll) -> Interval {
    if (form.n == 0) {
      Value rest = linear(form, /*largest=*/forAll, 0);
      return select(compare(CmpIPredicate::sle, rest, zero), everything(),
                    none());
    }
    if (form.n < 0) { // n >= ceil(rest / -form.n)
      Value rest = linear(form, /*largest=*/forAll, 0);
      if (form.n != -1)
        rest = make<arith::CeilDivSIOp>(rest, index(-form.n));
      return {clamp(rest, zero, n), n};
    }
    // n < floor(-rest / form.n) + 1
    AffineForm minusRest = form.times(-1);
    if (form.n == 1)
      return {zero, clamp(linear(minusRest, /*largest=*/!forAll, 1), zero, n)};
    Value end = make<arith::FloorDivSIOp>(
        linear(minusRest, /*largest=*/!forAll, 0), index(form.n));
    return {zero, clamp(make<arith::AddIOp>(end, index(1)), zero, n)};
  };
  Interval some = solve(/*forAll=*/false);
  return {some, form.m == 0 ? some : solve(/*forAll=*/true)};
}

Bounds Emitter::bothOf(const Bounds &left, const Bounds &right) {
  // All bounds are in [0, n], which saves most of the comparisons.
  auto meet = [&](Interval x, Interval y) {
    Value lo = x.lo == zero   ? y.lo
               : y.lo == zero ? x.lo
                              : make<arith::MaxSIOp>(x.lo, y.lo);
    Value hi = x.hi == n   ? y.hi
               : y.hi == n ? x.hi
                           : make<arith::MinSIOp>(x.hi, y.hi);
    return Interval{lo, hi};
  };
  return {meet(left.some, right.some), meet(left.all, right.all)};
}

Bounds Emitter::eitherOf(const Bounds &left, const Bounds &right) {
  auto isEmpty = [&](Interval x) {
    return compare(CmpIPredicate::sge, x.lo, x.hi);
  };
  auto hull = [&](Interval x, Interval y) {
    return Interval{make<arith::MinSIOp>(x.lo, y.lo),
                    make<arith::MaxSIOp>(x.hi, y.hi)};
  };
  auto withoutEmpty = [&](Interval x, Interval y, Interval otherwise) {
    return select(isEmpty(x), y, select(isEmpty(y), x, otherwise));
  };
  Interval some =
      withoutEmpty(left.some, right.some, hull(left.some, right.some));
  // Inside: the hull only where the two leave no gap, else the longer one.
  Interval x = left.all, y = right.all;
  Value touch = compare(CmpIPredicate::sle, make<arith::MaxSIOp>(x.lo, y.lo),
                        make<arith::MinSIOp>(x.hi, y.hi));
  Value longer = compare(CmpIPredicate::sge, make<arith::SubIOp>(x.hi, x.lo),
                         make<arith::SubIOp>(y.hi, y.lo));
  Interval all =
      withoutEmpty(x, y, select(touch, hull(x, y), select(longer, x, y)));
  return {some, all};
}

Bounds Emitter::emit(const MaskPredicate &predicate) {
  switch (predicate.kind) {
  case Kind::Unknown:
    return {everything(), none()};
  case Kind::Constant:
    if (predicate.value)
      return {everything(), everything()};
    return {none(), none()};
  case Kind::Argument: {
    Value holds = argument(predicate.argument);
    Interval keys = predicate.value ? select(holds, everything(), none())
                                    : select(holds, none(), everything());
    return {keys, keys};
  }
  case Kind::Nonpositive:
    return nonpositive(predicate.form);
  case Kind::And:
    return bothOf(emit(*predicate.left), emit(*predicate.right));
  case Kind::Or:
    return eitherOf(emit(*predicate.left), emit(*predicate.right));
  }
  llvm_unreachable("covered switch");
}

/// Sums and differences of tensor sizes, a few levels deep.
static bool isSmall(Value value, unsigned depth = 3) {
  if (value.getDefiningOp<tensor::DimOp>())
    return true;
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return std::abs(*constant) < kNarrowLimit;
  Operation *op = value.getDefiningOp();
  return depth > 0 && isa_and_present<arith::AddIOp, arith::SubIOp>(op) &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           return isSmall(operand, depth - 1);
         });
}

/// Notes what must be small at run time for the form's arithmetic not to wrap.
void Emitter::guard(const AffineForm &form) {
  bool narrow = form.width < 64;
  auto note = [&](unsigned number) {
    int64_t limit = narrow ? kNarrowLimit : kWideLimit;
    auto [entry, isNew] = limits.insert({number, limit});
    if (!isNew)
      entry->second = std::min(entry->second, limit);
  };
  for (auto [number, coefficient] : form.uniform) {
    if (narrow)
      note(number);
    else if (number >= 4) {
      Value capture = op.getCaptures()[number - 4];
      Type type = getElementTypeOrSelf(capture.getType());
      bool isWide = type.isIndex() || type.getIntOrFloatBitWidth() > 32;
      if (isWide && !isSmall(capture))
        note(number);
    }
  }
  if (narrow) {
    note(2);
    note(3);
  }
}

KeyRange Emitter::range(const Bounds &bounds) {
  Interval some = bounds.some, all = bounds.all;
  // Where a bound is broken at run time nothing is known.
  Value known;
  for (auto [number, limit] : limits) {
    Value value = number == 2 ? m1 : number == 3 ? n : argument(number);
    Value fits = compare(CmpIPredicate::sle, value, index(limit));
    if (number != 2 && number != 3)
      fits = make<arith::AndIOp>(
          fits, compare(CmpIPredicate::sge, value, index(-limit)));
    known = known ? make<arith::AndIOp>(known, fits) : fits;
  }
  if (known) {
    some = select(known, some, everything());
    all = select(known, all, none());
  }
  // Empty intervals may stand anywhere in [0, n] so far.
  Value hi = some.lo == zero ? some.hi : make<arith::MaxSIOp>(some.lo, some.hi);
  Value fullLo = clamp(all.lo, some.lo, hi);
  Value fullHi = clamp(all.hi, fullLo, hi);
  return {some.lo, hi, fullLo, fullHi};
}

KeyRange Emitter::run() {
  if (op.getMask().empty())
    return {zero, n, zero, n};
  return range(emit(readPredicate(op, /*oneHead=*/bool(h))));
}

KeyRange attn::buildKeyRange(OpBuilder &builder, Location loc, SdpaOp op,
                             Value b, Value h, Value m0, Value m1, Value n) {
  return Emitter(builder, loc, op, b, h, m0, m1, n).run();
}

/// Whether the predicate holds something that narrows the range, and the first
/// obstacle.
static std::pair<bool, Value> survey(const MaskPredicate &predicate) {
  switch (predicate.kind) {
  case Kind::Unknown:
    return {false, predicate.obstacle};
  case Kind::Constant:
  case Kind::Argument:
  case Kind::Nonpositive:
    return {true, nullptr};
  case Kind::And:
  case Kind::Or:
    break;
  }
  auto [leftNarrows, left] = survey(*predicate.left);
  auto [rightNarrows, right] = survey(*predicate.right);
  // What may be kept for an unknown reason is not dropped for a known one.
  bool both = predicate.kind == Kind::Or;
  return {both ? leftNarrows && rightNarrows : leftNarrows || rightNarrows,
          left ? left : right};
}

KeyRangeReading attn::readKeyRange(SdpaOp op) {
  if (op.getMask().empty())
    return {KeyRangeReading::NoMask, nullptr};
  auto [narrows, obstacle] = survey(readPredicate(op));
  if (!obstacle)
    return {KeyRangeReading::Solved, nullptr};
  return {narrows ? KeyRangeReading::Partly : KeyRangeReading::Unsolved,
          obstacle};
}
