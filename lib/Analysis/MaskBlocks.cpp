//===- MaskBlocks.cpp - What a mask makes of a block of scores ------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits the mask region once more, on intervals instead of numbers.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskBlocks.h"

#include "Interval.h"
#include "MaskPredicate.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace attn;

using arith::CmpIPredicate;
using Rounding = IntervalBuilder::Rounding;

/// What b, h, m and n, which count elements in memory, stay below.
static constexpr int64_t kLargestPosition = int64_t(1) << 40;
/// Bounds what one block's test may cost.
static constexpr unsigned kMaxNodes = 256;

static unsigned widthOf(Type type) {
  return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
}

static int64_t smallestOf(unsigned width) {
  return width >= 64 ? std::numeric_limits<int64_t>::min()
                     : -(int64_t(1) << (width - 1));
}

static int64_t largestOf(unsigned width) { return ~smallestOf(width); }

/// Integers in which intervals are computed; an i1 is a truth value.
static bool isNumber(Type type) {
  return type.isIntOrIndex() && !type.isInteger(1) && widthOf(type) <= 64;
}

namespace {
class Reader {
public:
  using MaybeInterval = std::optional<Interval>;

  Reader(OpBuilder &builder, Location loc, const BlockPlace &place,
         ArrayRef<CaptureBounds> captures)
      : b(builder, loc), place(place), captures(captures) {}

  Truth truth(Value value);

private:
  MaybeInterval number(Value value);
  MaybeInterval readNumber(Value value);
  MaybeInterval readArgument(BlockArgument argument);
  MaybeInterval readArithmetic(Operation *op);
  MaybeInterval readFloorRemainder(arith::SubIOp op);
  MaybeInterval readUnsigned(Operation *op);
  MaybeInterval readCast(Operation *op);
  Truth readTruth(Value value);
  Truth compare(arith::CmpIOp op);
  Interval nonnegative(Interval x) {
    return b.within(x, 0, std::numeric_limits<int64_t>::max());
  }

  IntervalBuilder b;
  const BlockPlace &place;
  ArrayRef<CaptureBounds> captures;
  llvm::DenseMap<Value, MaybeInterval> numbers;
  llvm::DenseMap<Value, Truth> truths;
  unsigned nodes = 0;
};
} // namespace

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Reader::MaybeInterval Reader::number(Value value) {
  auto found = numbers.find(value);
  if (found != numbers.end())
    return found->second;
  if (!isNumber(value.getType()) || ++nodes > kMaxNodes)
    return std::nullopt;
  MaybeInterval result = readNumber(value);
  // What the region's own arithmetic would wrap to is not followed.
  unsigned width = widthOf(value.getType());
  if (result && width < 64)
    result = b.within(*result, smallestOf(width), largestOf(width));
  numbers[value] = result;
  return result;
}

Reader::MaybeInterval Reader::readArgument(BlockArgument argument) {
  auto range = [&](Value first, Value end) {
    Value last = b.make<arith::SubIOp>(end, b.index(1));
    return Interval{first, last, 0, kLargestPosition, nullptr};
  };
  auto point = [&](Value at) -> MaybeInterval {
    if (!at)
      return std::nullopt;
    return Interval{at, at, 0, kLargestPosition, nullptr};
  };
  switch (unsigned number = argument.getArgNumber()) {
  case 0:
    return point(place.b);
  case 1:
    return point(place.h);
  case 2:
    return range(place.m0, place.m1);
  case 3:
    return range(place.n0, place.n1);
  default:
    const CaptureBounds &bounds = captures[number - 4];
    if (!bounds.least)
      return std::nullopt;
    unsigned width = widthOf(argument.getType());
    Value least = b.toIndex(bounds.least);
    Value most = bounds.most == bounds.least ? least : b.toIndex(bounds.most);
    return Interval{least, most, smallestOf(width), largestOf(width), nullptr};
  }
}

Reader::MaybeInterval Reader::readNumber(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return readArgument(argument);
  APInt known;
  if (matchPattern(value, m_ConstantInt(&known)))
    return b.constant(known.getSExtValue());
  Operation *op = value.getDefiningOp();
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    MaybeInterval left = number(select.getTrueValue());
    MaybeInterval right = left ? number(select.getFalseValue()) : std::nullopt;
    if (!right)
      return std::nullopt;
    return b.choose(truth(select.getCondition()), *left, *right);
  }
  if (auto sub = dyn_cast<arith::SubIOp>(op))
    if (MaybeInterval remainder = readFloorRemainder(sub))
      return remainder;
  if (op->getNumOperands() == 2)
    return readArithmetic(op);
  if (isa<math::AbsIOp>(op)) {
    MaybeInterval x = number(op->getOperand(0));
    return x ? b.magnitude(*x) : std::nullopt;
  }
  return readCast(op);
}

Reader::MaybeInterval Reader::readArithmetic(Operation *op) {
  MaybeInterval x = number(op->getOperand(0));
  MaybeInterval y = x ? number(op->getOperand(1)) : std::nullopt;
  if (!y)
    return std::nullopt;
  bool isConstant = y->low == y->high && y->low >= 0;
  if (isa<arith::AddIOp>(op))
    return b.add(*x, *y);
  if (isa<arith::SubIOp>(op))
    return b.subtract(*x, *y);
  if (isa<arith::MulIOp>(op))
    return b.multiply(*x, *y);
  if (isa<arith::MinSIOp>(op))
    return b.minimum(*x, *y);
  if (isa<arith::MaxSIOp>(op))
    return b.maximum(*x, *y);
  if (isa<arith::FloorDivSIOp>(op))
    return b.divide(*x, *y, Rounding::Down);
  if (isa<arith::CeilDivSIOp>(op))
    return b.divide(*x, *y, Rounding::Up);
  if (isa<arith::DivSIOp>(op))
    return b.divide(*x, *y, Rounding::Zero);
  if (isa<arith::RemSIOp>(op))
    return b.remainder(*x, *y, Rounding::Zero);
  if (isa<arith::ShLIOp, arith::ShRSIOp>(op)) {
    if (!isConstant || y->low > 40)
      return std::nullopt;
    Interval power = b.constant(int64_t(1) << y->low);
    return isa<arith::ShLIOp>(op) ? b.multiply(*x, power)
                                  : b.divide(*x, power, Rounding::Down);
  }
  // The low bits of a number in two's complement.
  if (isa<arith::AndIOp>(op) && isConstant && llvm::isMask_64(y->low) &&
      y->low < kLargestPosition)
    return b.remainder(*x, b.constant(y->low + 1), Rounding::Down);
  return readUnsigned(op);
}

/// Unsigned arithmetic, where nothing is negative.
Reader::MaybeInterval Reader::readUnsigned(Operation *op) {
  if (!isa<arith::DivUIOp, arith::CeilDivUIOp, arith::RemUIOp, arith::MinUIOp,
           arith::MaxUIOp>(op))
    return std::nullopt;
  Interval x = nonnegative(*number(op->getOperand(0)));
  Interval y = nonnegative(*number(op->getOperand(1)));
  if (isa<arith::DivUIOp>(op))
    return b.divide(x, y, Rounding::Zero);
  if (isa<arith::CeilDivUIOp>(op))
    return b.divide(x, y, Rounding::Up);
  if (isa<arith::RemUIOp>(op))
    return b.remainder(x, y, Rounding::Zero);
  return isa<arith::MinUIOp>(op) ? b.minimum(x, y) : b.maximum(x, y);
}

/// x - (x floordiv d) * d, which is how x mod d is written in this dialect.
Reader::MaybeInterval Reader::readFloorRemainder(arith::SubIOp op) {
  auto product = op.getRhs().getDefiningOp<arith::MulIOp>();
  if (!product)
    return std::nullopt;
  for (unsigned i : {0u, 1u}) {
    auto quotient = product->getOperand(i).getDefiningOp<arith::FloorDivSIOp>();
    if (!quotient || quotient.getLhs() != op.getLhs() ||
        quotient.getRhs() != product->getOperand(1 - i))
      continue;
    MaybeInterval x = number(quotient.getLhs());
    MaybeInterval y = x ? number(quotient.getRhs()) : std::nullopt;
    return y ? b.remainder(*x, *y, Rounding::Down) : std::nullopt;
  }
  return std::nullopt;
}

/// Conversions keep the number where it fits, which `number` asks of narrower
/// results and this of negative ones that become unsigned.
Reader::MaybeInterval Reader::readCast(Operation *op) {
  if (!isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp,
           arith::ExtUIOp, arith::TruncIOp>(op))
    return std::nullopt;
  Value source = op->getOperand(0);
  bool isUnsigned = isa<arith::ExtUIOp, arith::IndexCastUIOp>(op);
  if (source.getType().isInteger(1))
    return b.fromTruth(truth(source), /*isSigned=*/!isUnsigned);
  MaybeInterval x = number(source);
  if (!x)
    return std::nullopt;
  return isUnsigned ? nonnegative(*x) : *x;
}

//===----------------------------------------------------------------------===//
// Truth values
//===----------------------------------------------------------------------===//

Truth Reader::truth(Value value) {
  auto found = truths.find(value);
  if (found != truths.end())
    return found->second;
  if (++nodes > kMaxNodes)
    return b.unknown();
  Truth result = readTruth(value);
  truths[value] = result;
  return result;
}

Truth Reader::readTruth(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    const CaptureBounds &bounds = captures[argument.getArgNumber() - 4];
    if (!bounds.least)
      return b.unknown();
    return {bounds.most, bounds.least};
  }
  APInt known;
  if (matchPattern(value, m_ConstantInt(&known)))
    return b.same(b.boolean(!known.isZero()));
  Operation *op = value.getDefiningOp();
  if (auto cmp = dyn_cast<arith::CmpIOp>(op))
    return compare(cmp);
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return b.choose(truth(select.getCondition()), truth(select.getTrueValue()),
                    truth(select.getFalseValue()));
  if (!isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op))
    return b.unknown();
  Truth x = truth(op->getOperand(0)), y = truth(op->getOperand(1));
  return isa<arith::AndIOp>(op)  ? b.both(x, y)
         : isa<arith::OrIOp>(op) ? b.either(x, y)
                                 : b.differ(x, y);
}

Truth Reader::compare(arith::CmpIOp op) {
  CmpIPredicate predicate = op.getPredicate();
  bool isNegated = predicate == CmpIPredicate::ne;
  if (op.getLhs().getType().isInteger(1)) {
    if (!isNegated && predicate != CmpIPredicate::eq)
      return b.unknown();
    Truth differ = b.differ(truth(op.getLhs()), truth(op.getRhs()));
    return isNegated ? differ : b.negate(differ);
  }
  MaybeInterval left = number(op.getLhs());
  MaybeInterval right = left ? number(op.getRhs()) : std::nullopt;
  if (!right)
    return b.unknown();
  Interval x = *left, y = *right;
  switch (predicate) {
  case CmpIPredicate::eq:
    return b.equal(x, y);
  case CmpIPredicate::ne:
    return b.negate(b.equal(x, y));
  case CmpIPredicate::slt:
  case CmpIPredicate::sle:
    return b.less(x, y, predicate == CmpIPredicate::sle);
  case CmpIPredicate::sgt:
  case CmpIPredicate::sge:
    return b.less(y, x, predicate == CmpIPredicate::sge);
  case CmpIPredicate::ult:
  case CmpIPredicate::ule:
    return b.below(x, y, predicate == CmpIPredicate::ule);
  case CmpIPredicate::ugt:
  case CmpIPredicate::uge:
    return b.below(y, x, predicate == CmpIPredicate::uge);
  }
  llvm_unreachable("covered switch");
}

BlockClass attn::buildBlockClass(OpBuilder &builder, Location loc, Value kept,
                                 const BlockPlace &place,
                                 ArrayRef<CaptureBounds> captures) {
  Truth result = Reader(builder, loc, place, captures).truth(kept);
  return {result.some, result.all};
}

CaptureReach attn::getCaptureReach(AffineMap map) {
  auto reads = [&](unsigned dim) { return map.isFunctionOfDim(dim); };
  if (reads(2))
    return reads(3) ? CaptureReach::Both : CaptureReach::Queries;
  return reads(3) ? CaptureReach::Keys : CaptureReach::None;
}

//===----------------------------------------------------------------------===//
// What bounds leave open
//===----------------------------------------------------------------------===//

namespace {
/// How the keys that a formula keeps lie: nowhere or everywhere, from the first
/// on, up to the last, in between, or not as one interval that is known.
enum class Shape { Whole, Head, Tail, Interval, Other };
} // namespace

static Shape shapeOf(const MaskPredicate &predicate) {
  switch (predicate.kind) {
  case MaskPredicate::Kind::Unknown:
    return Shape::Other;
  case MaskPredicate::Kind::Constant:
  case MaskPredicate::Kind::Argument:
    return Shape::Whole;
  case MaskPredicate::Kind::Nonpositive: {
    int64_t n = predicate.form.n;
    return n == 0 && predicate.form.m == 0 ? Shape::Whole
           : n == 0                        ? Shape::Other
           : n > 0                         ? Shape::Head
                                           : Shape::Tail;
  }
  case MaskPredicate::Kind::And:
  case MaskPredicate::Kind::Or:
    break;
  }
  Shape left = shapeOf(*predicate.left), right = shapeOf(*predicate.right);
  if (left == Shape::Other || right == Shape::Other)
    return Shape::Other;
  if (left == right && left != Shape::Interval)
    return left;
  if (left == Shape::Whole)
    return right;
  if (right == Shape::Whole)
    return left;
  return predicate.kind == MaskPredicate::Kind::And ? Shape::Interval
                                                    : Shape::Other;
}

SmallVector<Value> attn::getOpenParts(SdpaOp op) {
  SmallVector<Value> open;
  if (op.getMask().empty())
    return open;
  SmallVector<bool> isUniform{true, true, false, false};
  for (AffineMap map : op.getCaptureMapValues())
    isUniform.push_back(getCaptureReach(map) == CaptureReach::None);
  llvm::SetVector<Value> parts;
  parts.insert(cast<YieldOp>(op.getMask().front().getTerminator()).getValue());
  for (unsigned i = 0; i < parts.size() && i < kMaxNodes; ++i) {
    Value part = parts[i];
    if (auto both = part.getDefiningOp<arith::AndIOp>())
      parts.insert_range(both->getOperands());
    else if (shapeOf(readMaskPredicate(part, isUniform)) == Shape::Other)
      open.push_back(part);
  }
  return open;
}
