//===- MaskPredicate.cpp - A mask region as comparisons -------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Not understanding is always allowed; believing arithmetic that wraps is not,
// so every form carries what is needed to exclude that at run time.
//
//===----------------------------------------------------------------------===//

#include "MaskPredicate.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;

using Kind = MaskPredicate::Kind;
using arith::CmpIPredicate;

// With arguments up to the limit, weight * limit + largest must fit the type;
// 2^20 * 2^40 + 2^60 and 2^6 * 2^24 + 2^29 do.
static constexpr int64_t kWideWeight = int64_t(1) << 20;
static constexpr int64_t kWideConstant = int64_t(1) << 60;
static constexpr int64_t kNarrowWeight = int64_t(1) << 6;
static constexpr int64_t kNarrowConstant = int64_t(1) << 29;
// Shared values are read again for each use; a bound keeps that linear.
static constexpr unsigned kMaxNodes = 64;

AffineForm AffineForm::plus(const AffineForm &other) const {
  AffineForm sum = *this;
  sum.m += other.m;
  sum.n += other.n;
  sum.constant += other.constant;
  for (auto [argument, coefficient] : other.uniform) {
    unsigned wanted = argument;
    auto *found = llvm::find_if(
        sum.uniform, [&](const auto &term) { return term.first == wanted; });
    if (found == sum.uniform.end())
      sum.uniform.emplace_back(argument, coefficient);
    else
      found->second += coefficient;
  }
  sum.weight += other.weight;
  sum.largest += other.largest;
  sum.width = std::min(width, other.width);
  return sum;
}

AffineForm AffineForm::times(int64_t factor) const {
  AffineForm product = *this;
  product.m *= factor;
  product.n *= factor;
  product.constant *= factor;
  for (auto &term : product.uniform)
    term.second *= factor;
  product.weight *= std::abs(factor);
  product.largest *= std::abs(factor);
  return product;
}

/// False where a value of the form may wrap although its arguments are small.
static bool fits(const AffineForm &form) {
  if (form.width < 64)
    return form.width == 32 && form.weight <= kNarrowWeight &&
           form.largest <= kNarrowConstant;
  return form.weight <= kWideWeight && form.largest <= kWideConstant;
}

namespace {
class Reader {
public:
  explicit Reader(ArrayRef<bool> isUniform) : isUniform(isUniform) {}

  MaskPredicate read(Value value, bool negate);

private:
  std::optional<AffineForm> readForm(Value value);
  std::optional<AffineForm> tryForm(Value value);
  std::optional<AffineForm> readArgument(BlockArgument argument);
  MaskPredicate compare(arith::CmpIOp op, bool negate);

  ArrayRef<bool> isUniform;
  unsigned nodes = 0;
  Value obstacle; ///< the innermost value that has no form
};
} // namespace

static MaskPredicate unknown(Value obstacle) {
  MaskPredicate result;
  result.obstacle = obstacle;
  return result;
}

static MaskPredicate combine(Kind kind, MaskPredicate left,
                             MaskPredicate right) {
  MaskPredicate result;
  result.kind = kind;
  result.left = std::make_unique<MaskPredicate>(std::move(left));
  result.right = std::make_unique<MaskPredicate>(std::move(right));
  return result;
}

static MaskPredicate nonpositive(AffineForm form) {
  MaskPredicate result;
  result.kind = Kind::Nonpositive;
  result.form = std::move(form);
  return result;
}

static MaskPredicate constant(bool value) {
  MaskPredicate result;
  result.kind = Kind::Constant;
  result.value = value;
  return result;
}

std::optional<AffineForm> Reader::readArgument(BlockArgument argument) {
  unsigned number = argument.getArgNumber();
  AffineForm form;
  form.weight = 1;
  auto type = dyn_cast<IntegerType>(argument.getType());
  if (type && type.getWidth() > 64)
    return std::nullopt;
  if (number == 2)
    form.m = 1;
  else if (number == 3)
    form.n = 1;
  else if (isUniform[number])
    form.uniform.emplace_back(number, 1);
  else
    return std::nullopt;
  return form;
}

/// The bits in which arithmetic on the type is done.
static unsigned widthOf(Type type) {
  return isa<IndexType>(type) ? 64 : type.getIntOrFloatBitWidth();
}

std::optional<AffineForm> Reader::readForm(Value value) {
  std::optional<AffineForm> form = tryForm(value);
  if (!form && !obstacle)
    obstacle = value;
  return form;
}

std::optional<AffineForm> Reader::tryForm(Value value) {
  if (++nodes > kMaxNodes || !value.getType().isIntOrIndex() ||
      value.getType().isInteger(1))
    return std::nullopt;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return readArgument(argument);
  AffineForm form;
  APInt known;
  if (matchPattern(value, m_ConstantInt(&known))) {
    if (known.getSignificantBits() > 60)
      return std::nullopt;
    form.constant = known.getSExtValue();
    form.largest = std::abs(form.constant);
    return form;
  }
  Operation *op = value.getDefiningOp();
  if (isa<arith::IndexCastOp, arith::ExtSIOp, arith::TruncIOp>(op)) {
    std::optional<AffineForm> source = readForm(op->getOperand(0));
    if (!source)
      return std::nullopt;
    form = *source;
  } else if (isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op)) {
    std::optional<AffineForm> left = readForm(op->getOperand(0));
    std::optional<AffineForm> right =
        left ? readForm(op->getOperand(1)) : std::nullopt;
    if (!right)
      return std::nullopt;
    if (isa<arith::MulIOp>(op)) {
      if (left->weight == 0)
        std::swap(left, right);
      // Refused before 64 bits could overflow here.
      if (right->weight != 0 || std::abs(right->constant) > kWideWeight ||
          left->largest > kWideConstant / kWideWeight)
        return std::nullopt;
      form = left->times(right->constant);
    } else {
      form = left->plus(isa<arith::SubIOp>(op) ? right->times(-1) : *right);
    }
  } else {
    return std::nullopt;
  }
  form.width = std::min(form.width, widthOf(value.getType()));
  if (!fits(form))
    return std::nullopt;
  return form;
}

MaskPredicate Reader::compare(arith::CmpIOp op, bool negate) {
  CmpIPredicate predicate = op.getPredicate();
  if (negate)
    predicate = arith::invertPredicate(predicate);
  obstacle = nullptr;
  std::optional<AffineForm> left = readForm(op.getLhs());
  std::optional<AffineForm> right = left ? readForm(op.getRhs()) : std::nullopt;
  if (!right)
    return unknown(obstacle);
  // lhs - rhs is only reasoned about here, in 64 bits: it does not wrap in the
  // region's type, because the region does not form it.
  AffineForm up = left->plus(right->times(-1)), down = up.times(-1);
  AffineForm one;
  one.constant = 1;
  switch (predicate) {
  case CmpIPredicate::sle:
    return nonpositive(up);
  case CmpIPredicate::slt:
    return nonpositive(up.plus(one));
  case CmpIPredicate::sge:
    return nonpositive(down);
  case CmpIPredicate::sgt:
    return nonpositive(down.plus(one));
  case CmpIPredicate::eq:
    return combine(Kind::And, nonpositive(up), nonpositive(down));
  case CmpIPredicate::ne:
    return combine(Kind::Or, nonpositive(up.plus(one)),
                   nonpositive(down.plus(one)));
  default:
    // Unsigned comparisons are not monotone in a signed value.
    return unknown(op.getResult());
  }
}

MaskPredicate Reader::read(Value value, bool negate) {
  if (++nodes > kMaxNodes)
    return unknown(value);
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    MaskPredicate result = unknown(value);
    if (isUniform[argument.getArgNumber()]) {
      result.kind = Kind::Argument;
      result.argument = argument.getArgNumber();
      result.value = !negate;
    }
    return result;
  }
  APInt known;
  if (matchPattern(value, m_ConstantInt(&known)))
    return constant(known.isZero() == negate);
  Operation *op = value.getDefiningOp();
  if (auto cmp = dyn_cast<arith::CmpIOp>(op))
    return compare(cmp, negate);
  if (isa<arith::AndIOp, arith::OrIOp>(op)) {
    Kind kind = isa<arith::AndIOp>(op) != negate ? Kind::And : Kind::Or;
    MaskPredicate left = read(op->getOperand(0), negate);
    return combine(kind, std::move(left), read(op->getOperand(1), negate));
  }
  if (isa<arith::XOrIOp>(op))
    for (unsigned i : {0u, 1u})
      if (matchPattern(op->getOperand(i), m_ConstantInt(&known)))
        return read(op->getOperand(1 - i), negate == known.isZero());
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    MaskPredicate chosen =
        combine(Kind::And, read(select.getCondition(), false),
                read(select.getTrueValue(), negate));
    return combine(Kind::Or, std::move(chosen),
                   combine(Kind::And, read(select.getCondition(), true),
                           read(select.getFalseValue(), negate)));
  }
  return unknown(value);
}

MaskPredicate attn::readMaskPredicate(Value kept, ArrayRef<bool> isUniform) {
  return Reader(isUniform).read(kept, /*negate=*/false);
}
