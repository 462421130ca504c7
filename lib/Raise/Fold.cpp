//===- Fold.cpp - Expressions whose value is known ------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exporters leave much that folds once tensors are gone: a position that is
// tested for being negative, a choice between true and false, a number of a
// mask that is compared with 0.
//
//===----------------------------------------------------------------------===//

#include "Point.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;

using Kind = Point::Kind;

std::optional<bool> attn::boolValue(const Point *point) {
  auto value = point->kind == Kind::Constant
                   ? dyn_cast<IntegerAttr>(point->constant)
                   : IntegerAttr();
  if (!value || !value.getType().isInteger(1))
    return std::nullopt;
  return !value.getValue().isZero();
}

bool attn::hasIndex(const Point *point) {
  return point->kind == Kind::Index || llvm::any_of(point->args, hasIndex);
}

//===----------------------------------------------------------------------===//
// Expressions that no op of the graph says
//===----------------------------------------------------------------------===//

OpBuilder PointReader::scratchBuilder() {
  OpBuilder b(context);
  b.setInsertionPointToEnd(&scratch);
  return b;
}

/// Some operand of a type: arguments of an expression are points.
Value PointReader::makeOperand(Type type) {
  OpBuilder b = scratchBuilder();
  return arith::ConstantOp::create(b, b.getUnknownLoc(), b.getZeroAttr(type));
}

const Point *PointReader::position(AffineExpr at) {
  Point *point = make(Kind::Index);
  point->coords.push_back(at);
  point->type = IndexType::get(context);
  return point;
}

const Point *PointReader::select(const Point *condition, const Point *yes,
                                 const Point *no) {
  auto first = boolValue(yes), second = boolValue(no);
  if (first == true && second == false)
    return condition;
  Type type = elementTypeOf(yes);
  Value operand = makeOperand(type);
  Value decides = makeOperand(IntegerType::get(context, 1));
  OpBuilder b = scratchBuilder();
  return apply(
      arith::SelectOp::create(b, b.getUnknownLoc(), decides, operand, operand),
      {condition, yes, no});
}

const Point *PointReader::compare(arith::CmpIPredicate predicate,
                                  const Point *x, const Point *y) {
  Value operand = makeOperand(elementTypeOf(x));
  OpBuilder b = scratchBuilder();
  return apply(
      arith::CmpIOp::create(b, b.getUnknownLoc(), predicate, operand, operand),
      {x, y});
}

const Point *PointReader::bothOf(const Point *x, const Point *y) {
  Value operand = makeOperand(elementTypeOf(x));
  OpBuilder b = scratchBuilder();
  return apply(arith::AndIOp::create(b, b.getUnknownLoc(), operand, operand),
               {x, y});
}

const Point *PointReader::evaluate(Operation *op,
                                   ArrayRef<const Point *> args) {
  if (op->getNumRegions() != 0 || op->getNumResults() != 1)
    return nullptr;
  OpBuilder b = scratchBuilder();
  OperationState state(b.getUnknownLoc(), op->getName());
  for (const Point *arg : args) {
    if (arg->kind != Kind::Constant)
      return nullptr;
    state.operands.push_back(
        arith::ConstantOp::create(b, b.getUnknownLoc(), arg->constant));
  }
  state.addTypes(getElementTypeOrSelf(op->getResult(0).getType()));
  state.addAttributes(op->getAttrs());
  state.propertiesAttr = op->getPropertiesAsAttribute();
  Operation *made = b.create(state);
  SmallVector<Value> results;
  TypedAttr value;
  if (failed(b.tryFold(made, results)) ||
      !matchPattern(results.front(), m_Constant(&value)))
    return nullptr;
  return constant(value);
}

//===----------------------------------------------------------------------===//
// Folding
//===----------------------------------------------------------------------===//

namespace {
struct Interval {
  int64_t low, high;
};
} // namespace

/// The values of a constant or of a position whose dimension has a known size.
static std::optional<Interval> rangeOf(const PointReader &reader,
                                       const Point *point) {
  if (point->kind == Kind::Constant)
    if (auto value = dyn_cast<IntegerAttr>(point->constant);
        value && value.getValue().getSignificantBits() <= 64) {
      int64_t number = value.getValue().getSExtValue();
      return Interval{number, number};
    }
  // A position does not wrap in 32 bits.
  if (point->applies<arith::IndexCastOp>() &&
      (elementTypeOf(point).isIndex() ||
       elementTypeOf(point).getIntOrFloatBitWidth() >= 32))
    return rangeOf(reader, point->args[0]);
  if (point->kind != Kind::Index || !isa<AffineDimExpr>(point->coords[0]))
    return std::nullopt;
  int64_t size = reader.sizeOf(point->coords[0]);
  return Interval{0, ShapedType::isDynamic(size)
                         ? std::numeric_limits<int64_t>::max()
                         : size - 1};
}

/// What signed predicates say of all values of two ranges, if they agree.
static std::optional<bool> compare(arith::CmpIPredicate predicate, Interval a,
                                   Interval b) {
  using arith::CmpIPredicate;
  auto less = [](Interval x, Interval y) -> std::optional<bool> {
    if (x.high < y.low)
      return true;
    return x.low >= y.high ? std::optional(false) : std::nullopt;
  };
  auto negate = [](std::optional<bool> value) {
    return value ? std::optional(!*value) : std::nullopt;
  };
  switch (predicate) {
  case CmpIPredicate::slt:
    return less(a, b);
  case CmpIPredicate::sgt:
    return less(b, a);
  case CmpIPredicate::sge:
    return negate(less(a, b));
  case CmpIPredicate::sle:
    return negate(less(b, a));
  default:
    return std::nullopt;
  }
}

/// x of x and true, x or false, x xor false; true or false of the others.
static const Point *foldLogic(PointReader &reader, Operation *op,
                              ArrayRef<const Point *> args) {
  for (unsigned i = 0; i < 2; ++i) {
    std::optional<bool> value = boolValue(args[i]);
    if (!value)
      continue;
    if (isa<arith::AndIOp>(op))
      return *value ? args[1 - i] : args[i];
    if (isa<arith::OrIOp>(op))
      return *value ? args[i] : args[1 - i];
    if (isa<arith::XOrIOp>(op) && !*value)
      return args[1 - i];
  }
  return nullptr;
}

/// A choice between two constants.
static bool isChoice(const Point *point) {
  return point->applies<arith::SelectOp>() &&
         point->args[1]->kind == Kind::Constant &&
         point->args[2]->kind == Kind::Constant;
}

/// op(.., c ? x : y, ..) of constants as c ? op(.., x, ..) : op(.., y, ..); a
/// condition of positions that becomes a number is such a choice as well.
static const Point *foldChoice(PointReader &reader, Operation *op,
                               ArrayRef<const Point *> args) {
  if (isa<arith::SelectOp>(op))
    return nullptr;
  const Point *condition = nullptr;
  SmallVector<const Point *> yes(args), no(args);
  for (auto [i, arg] : llvm::enumerate(args)) {
    if (arg->kind == Kind::Constant)
      continue;
    bool isChosen = isChoice(arg);
    bool isCondition =
        isa<arith::UIToFPOp, arith::SIToFPOp, arith::ExtUIOp, arith::ExtSIOp>(
            op) &&
        elementTypeOf(arg).isInteger(1) && hasIndex(arg);
    if (condition || (!isChosen && !isCondition))
      return nullptr;
    Builder b(op);
    condition = isChosen ? arg->args[0] : arg;
    yes[i] = isChosen ? arg->args[1] : reader.constant(b.getBoolAttr(true));
    no[i] = isChosen ? arg->args[2] : reader.constant(b.getBoolAttr(false));
  }
  if (!condition)
    return nullptr;
  const Point *first = reader.evaluate(op, yes);
  const Point *second = first ? reader.evaluate(op, no) : nullptr;
  if (!second)
    return nullptr;
  return first->constant == second->constant
             ? first
             : reader.select(condition, first, second);
}

const Point *attn::fold(PointReader &reader, Operation *op,
                        ArrayRef<const Point *> args) {
  if (const Point *choice = foldChoice(reader, op, args))
    return choice;
  if (isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op))
    return foldLogic(reader, op, args);
  if (auto compares = dyn_cast<arith::CmpIOp>(op)) {
    auto a = rangeOf(reader, args[0]), b = rangeOf(reader, args[1]);
    if (a && b)
      if (auto value = compare(compares.getPredicate(), *a, *b))
        return reader.constant(Builder(op).getBoolAttr(*value));
  }
  if (isa<arith::SelectOp>(op)) {
    if (std::optional<bool> condition = boolValue(args[0]))
      return args[*condition ? 1 : 2];
    auto yes = boolValue(args[1]), no = boolValue(args[2]);
    if (yes == true && no == false)
      return args[0];
  }
  return nullptr;
}
