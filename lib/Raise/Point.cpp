//===- Point.cpp - One element of a tensor as an expression ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps from an element of a result to elements of the operands.
//
//===----------------------------------------------------------------------===//

#include "Point.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;

using Kind = Point::Kind;

static RankedTensorType tensorType(Value value) {
  return dyn_cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Making points
//===----------------------------------------------------------------------===//

Point *PointReader::make(Kind kind) {
  points.emplace_back();
  points.back().kind = kind;
  return &points.back();
}

AffineExpr PointReader::freshDim(int64_t size) {
  sizes.push_back(size);
  return getAffineDimExpr(sizes.size() - 1, context);
}

int64_t PointReader::sizeOf(AffineExpr dim) const {
  return sizes[cast<AffineDimExpr>(dim).getPosition()];
}

AffineExpr PointReader::zero() const {
  return getAffineConstantExpr(0, context);
}

const Point *PointReader::read(Value tensor, ArrayRef<AffineExpr> coords) {
  Point *point = make(Kind::Read);
  point->value = tensor;
  for (auto [size, coord] : llvm::zip(tensorType(tensor).getShape(), coords))
    point->coords.push_back(size == 1 ? zero() : coord);
  return point;
}

const Point *PointReader::readAnywhere(Value tensor) {
  SmallVector<AffineExpr> coords;
  for (int64_t size : tensorType(tensor).getShape())
    coords.push_back(freshDim(size));
  return read(tensor, coords);
}

const Point *PointReader::readHeads(Value tensor, int64_t heads) {
  ArrayRef<int64_t> shape = tensorType(tensor).getShape();
  bool isKnown = !ShapedType::isDynamic(shape[0]);
  int64_t batch = isKnown ? shape[0] / heads : ShapedType::kDynamic;
  SmallVector<AffineExpr> coords{
      batch == 1 ? freshDim(heads) : freshDim(batch) * heads + freshDim(heads)};
  for (int64_t size : shape.drop_front())
    coords.push_back(freshDim(size));
  return read(tensor, coords);
}

const Point *PointReader::apply(Operation *op, ArrayRef<const Point *> args) {
  Point *point = make(Kind::Apply);
  point->op = op;
  point->args.assign(args.begin(), args.end());
  return point;
}

const Point *PointReader::scalar(Value value) {
  TypedAttr attribute;
  bool isConstant = matchPattern(value, m_Constant(&attribute));
  Point *point = make(isConstant ? Kind::Constant : Kind::Scalar);
  point->constant = attribute;
  point->value = value;
  return point;
}

//===----------------------------------------------------------------------===//
// Bodies of structured ops
//===----------------------------------------------------------------------===//

namespace attn {
/// Reads values of the body of a structured op at one point of its loops.
class BodyReader {
public:
  BodyReader(PointReader &reader, linalg::LinalgOp op,
             ArrayRef<AffineExpr> loops)
      : reader(reader), op(op), loops(loops) {}

  /// Null for what is not scalar arithmetic. Elements of outputs are those of
  /// the initial tensors.
  const Point *translate(Value value) {
    const Point *&known = memo[value];
    if (!known)
      known = translateNew(value);
    return known;
  }

private:
  const Point *translateNew(Value value);

  PointReader &reader;
  linalg::LinalgOp op;
  ArrayRef<AffineExpr> loops;
  // Stable under growth while a reference into it is held.
  std::map<void *, const Point *> table;
  struct Memo {
    std::map<void *, const Point *> &table;
    const Point *&operator[](Value v) { return table[v.getAsOpaquePointer()]; }
  } memo{table};
};
} // namespace attn

const Point *BodyReader::translateNew(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value);
      argument && argument.getOwner() == op.getBlock()) {
    OpOperand &operand = op->getOpOperand(argument.getArgNumber());
    if (!tensorType(operand.get()))
      return reader.scalar(operand.get());
    SmallVector<AffineExpr> coords;
    for (AffineExpr e : op.getMatchingIndexingMap(&operand).getResults())
      coords.push_back(e.replaceDims(loops));
    return reader.read(operand.get(), coords);
  }
  Operation *def = value.getDefiningOp();
  if (!def || def->getBlock() != op.getBlock())
    return reader.scalar(value);
  if (def->hasTrait<OpTrait::ConstantLike>())
    return reader.scalar(value);
  if (auto index = dyn_cast<linalg::IndexOp>(def)) {
    Point *point = reader.make(Kind::Index);
    point->coords.push_back(loops[index.getDim()]);
    point->type = index.getType();
    return point;
  }
  if (!isa<arith::ArithDialect, math::MathDialect>(def->getDialect()) ||
      def->getNumResults() != 1 || def->getNumRegions() != 0)
    return nullptr;
  SmallVector<const Point *> args;
  for (Value operand : def->getOperands())
    args.push_back(translate(operand));
  if (llvm::is_contained(args, nullptr))
    return nullptr;
  return reader.apply(def, args);
}

/// The op that joins a new element to the output `argument`, with the operand
/// that is new, or null.
static std::pair<Operation *, Value> combiner(Value yielded, Value argument) {
  Operation *op = yielded.getDefiningOp();
  if (!op || op->getNumOperands() != 2)
    return {nullptr, {}};
  for (unsigned i = 0; i < 2; ++i)
    if (op->getOperand(i) == argument && op->getOperand(1 - i) != argument)
      return {op, op->getOperand(1 - i)};
  return {nullptr, {}};
}

static std::optional<Point::Reducer> reducerOf(Operation *op) {
  if (!op)
    return std::nullopt;
  bool isBool = op->getResult(0).getType().isInteger(1);
  if (isa<arith::AddFOp>(op))
    return Point::Reducer::Sum;
  if (isa<arith::MaximumFOp, arith::MaxNumFOp>(op))
    return Point::Reducer::Max;
  if (isBool && isa<arith::OrIOp>(op))
    return Point::Reducer::Any;
  if (isBool && isa<arith::AndIOp>(op))
    return Point::Reducer::All;
  return std::nullopt;
}

const Point *PointReader::stepLinalg(linalg::LinalgOp op, const Point *point) {
  if (!op.hasPureTensorSemantics())
    return nullptr;
  unsigned number = cast<OpResult>(point->value).getResultNumber();
  OpOperand *init = op.getDpsInitOperand(number);
  // Loops from positions of the result.
  SmallVector<AffineExpr> loops(op.getNumLoops());
  AffineMap map = op.getMatchingIndexingMap(init);
  for (auto [expr, coord] : llvm::zip(map.getResults(), point->coords)) {
    // A dimension that a reduction has kept as 1.
    if (isa<AffineConstantExpr>(expr) && expr == coord)
      continue;
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || loops[dim.getPosition()])
      return nullptr;
    loops[dim.getPosition()] = coord;
  }
  AffineExpr reduced;
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  for (auto [i, type] : llvm::enumerate(op.getIteratorTypesArray())) {
    if (loops[i])
      continue;
    if (type != utils::IteratorType::reduction || reduced)
      return nullptr;
    loops[i] = reduced = freshDim(ranges[i]);
  }
  Block *block = op.getBlock();
  BodyReader body(*this, op, loops);
  Value yielded = block->getTerminator()->getOperand(number);
  if (!reduced)
    return body.translate(yielded);
  BlockArgument out = block->getArgument(init->getOperandNumber());
  auto [joins, element] = combiner(yielded, out);
  std::optional<Point::Reducer> reducer = reducerOf(joins);
  if (!reducer)
    return nullptr;
  // An element that reads the running value is no reduction.
  SetVector<Operation *> slice;
  SmallVector<Value> work{element};
  while (!work.empty()) {
    Value v = work.pop_back_val();
    if (v == out)
      return nullptr;
    if (Operation *def = v.getDefiningOp())
      if (def->getBlock() == block && slice.insert(def))
        llvm::append_range(work, def->getOperands());
  }
  const Point *each = body.translate(element), *from = body.translate(out);
  if (!each || !from)
    return nullptr;
  Point *result = make(Kind::Reduce);
  result->op = op;
  result->args = {each, from};
  result->dim = reduced;
  result->reducer = *reducer;
  return result;
}

//===----------------------------------------------------------------------===//
// Reshapes and elementwise ops on tensors
//===----------------------------------------------------------------------===//

const Point *PointReader::stepElementwise(Operation *op, const Point *point) {
  SmallVector<const Point *> args;
  for (Value operand : op->getOperands())
    args.push_back(tensorType(operand) ? read(operand, point->coords)
                                       : scalar(operand));
  return apply(op, args);
}

/// How many values e has, 0 for not known: those of a dimension, or of it
/// floordiv a divisor, or of anything mod a number.
static int64_t countValues(AffineExpr e,
                           function_ref<int64_t(AffineExpr)> sizeOf) {
  if (isa<AffineDimExpr>(e))
    return ShapedType::isDynamic(sizeOf(e)) ? 0 : sizeOf(e);
  auto pair = dyn_cast<AffineBinaryOpExpr>(e);
  auto by = pair ? dyn_cast<AffineConstantExpr>(pair.getRHS()) : nullptr;
  if (!by || by.getValue() <= 0)
    return 0;
  if (pair.getKind() == AffineExprKind::Mod)
    return by.getValue();
  if (pair.getKind() != AffineExprKind::FloorDiv)
    return 0;
  int64_t all = countValues(pair.getLHS(), sizeOf);
  return all % by.getValue() == 0 ? all / by.getValue() : 0;
}

/// a * size + b with b below `size`, as (a, b).
static std::optional<std::pair<AffineExpr, AffineExpr>>
readLinear(AffineExpr e, int64_t size,
           function_ref<int64_t(AffineExpr)> sizeOf) {
  auto sum = dyn_cast<AffineBinaryOpExpr>(e);
  if (!sum || sum.getKind() != AffineExprKind::Add)
    return std::nullopt;
  for (auto [high, low] : {std::pair(sum.getLHS(), sum.getRHS()),
                           std::pair(sum.getRHS(), sum.getLHS())}) {
    auto product = dyn_cast<AffineBinaryOpExpr>(high);
    if (!product || product.getKind() != AffineExprKind::Mul ||
        countValues(low, sizeOf) != size)
      continue;
    auto factor = dyn_cast<AffineConstantExpr>(product.getRHS());
    if (factor && factor.getValue() == size)
      return std::pair(product.getLHS(), low);
  }
  return std::nullopt;
}

/// Positions in dimensions of these sizes whose linear position is `position`;
/// all but the first have to be known where more than one is not 1.
bool PointReader::split(AffineExpr position, ArrayRef<int64_t> sizes,
                        SmallVectorImpl<AffineExpr> &out) {
  SmallVector<unsigned> large;
  for (auto [i, size] : llvm::enumerate(sizes))
    if (size != 1)
      large.push_back(i);
  size_t first = out.size();
  out.append(sizes.size(), zero());
  auto sizeOfDim = [&](AffineExpr dim) { return sizeOf(dim); };
  AffineExpr rest = position;
  for (unsigned i : llvm::reverse(llvm::drop_begin(large, !large.empty()))) {
    if (ShapedType::isDynamic(sizes[i]) || sizes[i] == 0)
      return false;
    if (auto parts = readLinear(rest, sizes[i], sizeOfDim)) {
      out[first + i] = parts->second;
      rest = parts->first;
    } else {
      out[first + i] = rest % sizes[i];
      rest = rest.floorDiv(sizes[i]);
    }
  }
  if (!large.empty())
    out[first + large.front()] = rest;
  return true;
}

/// h * 4 + (h mod 4) ... back to one position: (x floordiv s) * s + x mod s.
static AffineExpr join(AffineExpr high, AffineExpr low, int64_t size) {
  auto quotient = dyn_cast<AffineBinaryOpExpr>(high);
  auto rest = dyn_cast<AffineBinaryOpExpr>(low);
  if (quotient && rest && quotient.getKind() == AffineExprKind::FloorDiv &&
      rest.getKind() == AffineExprKind::Mod &&
      quotient.getLHS() == rest.getLHS() &&
      quotient.getRHS() == rest.getRHS() &&
      quotient.getRHS() == getAffineConstantExpr(size, high.getContext()))
    return quotient.getLHS();
  return high * size + low;
}

const Point *PointReader::stepExpand(Value source, Value result,
                                     ArrayRef<ReassociationIndices> groups,
                                     const Point *point) {
  ArrayRef<int64_t> shape = tensorType(result).getShape();
  SmallVector<AffineExpr> coords;
  for (const ReassociationIndices &group : groups) {
    AffineExpr position;
    for (int64_t i : group) {
      if (shape[i] == 1)
        continue;
      if (position && ShapedType::isDynamic(shape[i]))
        return nullptr;
      position = position ? join(position, point->coords[i], shape[i])
                          : point->coords[i];
    }
    coords.push_back(position ? position : zero());
  }
  return read(source, coords);
}

const Point *PointReader::stepCollapse(Value source,
                                       ArrayRef<ReassociationIndices> groups,
                                       const Point *point) {
  ArrayRef<int64_t> shape = tensorType(source).getShape();
  SmallVector<AffineExpr> coords;
  for (auto [group, position] : llvm::zip(groups, point->coords))
    if (!split(position, shape.slice(group.front(), group.size()), coords))
      return nullptr;
  return read(source, coords);
}

/// The dimension along which a constant counts 0, 1, 2, ..., all others being
/// of size 1.
static std::optional<unsigned> findCounting(DenseElementsAttr constant) {
  Type element = constant.getElementType();
  if (!element.isIndex() && !element.isInteger(32) && !element.isInteger(64))
    return std::nullopt;
  std::optional<unsigned> along;
  for (auto [i, size] : llvm::enumerate(constant.getType().getShape())) {
    if (size == 1)
      continue;
    if (along)
      return std::nullopt;
    along = i;
  }
  int64_t next = 0;
  for (const APInt &value : constant.getValues<APInt>())
    if (value.getSExtValue() != next++)
      return std::nullopt;
  return along;
}

/// Splats, and positions written out: what exporters without an op for them
/// make of sizes that they know.
const Point *PointReader::stepConstant(DenseElementsAttr constant,
                                       const Point *point) {
  if (constant.isSplat()) {
    Point *made = make(Kind::Constant);
    made->constant = constant.getSplatValue<TypedAttr>();
    return made;
  }
  std::optional<unsigned> along = findCounting(constant);
  if (!along)
    return nullptr;
  Point *made = make(Kind::Index);
  made->coords.push_back(point->coords[*along]);
  made->type = constant.getElementType();
  return made;
}

const Point *PointReader::stepOnce(const Point *point) {
  Operation *op = point->value.getDefiningOp();
  if (!op)
    return nullptr;
  DenseElementsAttr constant;
  if (matchPattern(point->value, m_Constant(&constant)))
    return stepConstant(constant, point);
  return llvm::TypeSwitch<Operation *, const Point *>(op)
      .Case([&](linalg::LinalgOp linalg) { return stepLinalg(linalg, point); })
      .Case([&](tensor::CastOp cast) -> const Point * {
        if (!tensorType(cast.getSource()))
          return nullptr;
        return read(cast.getSource(), point->coords);
      })
      .Case([&](tensor::SplatOp splat) { return scalar(splat.getInput()); })
      .Case([&](tensor::ExpandShapeOp expand) {
        return stepExpand(expand.getSrc(), expand.getResult(),
                          expand.getReassociationIndices(), point);
      })
      .Case([&](tensor::CollapseShapeOp collapse) {
        return stepCollapse(collapse.getSrc(),
                            collapse.getReassociationIndices(), point);
      })
      .Default([&](Operation *other) -> const Point * {
        return OpTrait::hasElementwiseMappableTraits(other) &&
                       other->getNumResults() == 1
                   ? stepElementwise(other, point)
                   : nullptr;
      });
}

const Point *PointReader::step(const Point *point) {
  if (point->kind != Kind::Read)
    return nullptr;
  auto [known, isNew] = steps.try_emplace(point, nullptr);
  if (!isNew)
    return known->second;
  if (budget == 0)
    return nullptr;
  --budget;
  const Point *next = stepOnce(point);
  steps[point] = next;
  return next;
}

const Point *PointReader::resolve(const Point *point) {
  while (const Point *next = step(point))
    point = next;
  return point;
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

bool PointReader::same(const Point *a, const Point *b,
                       const Renaming &renaming) {
  auto sameCoords = [&] {
    return a->coords.size() == b->coords.size() &&
           llvm::all_of(llvm::zip(a->coords, b->coords), [&](auto pair) {
             return std::get<0>(pair).replace(renaming) == std::get<1>(pair);
           });
  };
  bool reads = a->kind == Kind::Read && b->kind == Kind::Read;
  if (reads && a->value == b->value && sameCoords())
    return true;
  a = resolve(a);
  b = resolve(b);
  if (a->kind != b->kind || a->args.size() != b->args.size())
    return false;
  Renaming inner = renaming;
  switch (a->kind) {
  case Kind::Read:
  case Kind::Scalar:
    return a->value == b->value && sameCoords();
  case Kind::Constant:
    return a->constant == b->constant;
  case Kind::Index:
    return a->type == b->type && sameCoords();
  case Kind::Apply:
    if (a->op->getName() != b->op->getName() ||
        a->op->getAttrDictionary() != b->op->getAttrDictionary() ||
        getElementTypeOrSelf(a->op->getResult(0)) !=
            getElementTypeOrSelf(b->op->getResult(0)))
      return false;
    break;
  case Kind::Reduce:
    if (a->reducer != b->reducer || sizeOf(a->dim) != sizeOf(b->dim))
      return false;
    inner[a->dim] = b->dim;
    break;
  }
  return llvm::all_of(llvm::zip(a->args, b->args), [&](auto pair) {
    return same(std::get<0>(pair), std::get<1>(pair), inner);
  });
}

bool attn::dependsOn(const Point *point, AffineExpr dim) {
  unsigned position = cast<AffineDimExpr>(dim).getPosition();
  return llvm::any_of(
             point->coords,
             [&](AffineExpr e) { return e.isFunctionOfDim(position); }) ||
         llvm::any_of(point->args,
                      [&](const Point *arg) { return dependsOn(arg, dim); });
}

std::optional<double> attn::floatValue(const Point *point) {
  if (point->kind != Kind::Constant)
    return std::nullopt;
  auto attribute = dyn_cast<FloatAttr>(point->constant);
  if (!attribute)
    return std::nullopt;
  return attribute.getValueAsDouble();
}
