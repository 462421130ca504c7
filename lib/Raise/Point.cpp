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

bool PointReader::isWhole(const Point *read, unsigned i, AffineExpr dim) const {
  int64_t size = tensorType(read->value).getDimSize(i);
  if (!isa<AffineDimExpr>(dim))
    return size == 1;
  return ShapedType::isDynamic(size) || ShapedType::isDynamic(sizeOf(dim)) ||
         size == sizeOf(dim);
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

/// A constant converted to another type, as exporters leave numbers of Python.
static TypedAttr convertConstant(Operation *op, const Point *arg) {
  auto value = arg->kind == Kind::Constant ? dyn_cast<FloatAttr>(arg->constant)
                                           : FloatAttr();
  auto type =
      dyn_cast<FloatType>(getElementTypeOrSelf(op->getResult(0).getType()));
  if (!value || !type || !isa<arith::TruncFOp, arith::ExtFOp>(op))
    return {};
  APFloat converted = value.getValue();
  bool losesInfo = false;
  converted.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                    &losesInfo);
  return FloatAttr::get(type, converted);
}

const Point *PointReader::apply(Operation *op, ArrayRef<const Point *> args) {
  if (args.size() == 1)
    if (TypedAttr value = convertConstant(op, args[0]))
      return constant(value);
  Point *point = make(Kind::Apply);
  point->op = op;
  point->args.assign(args.begin(), args.end());
  return point;
}

const Point *PointReader::constant(TypedAttr value) {
  Point *point = make(Kind::Constant);
  point->constant = value;
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
// One producer
//===----------------------------------------------------------------------===//

const Point *PointReader::stepElementwise(Operation *op, const Point *point) {
  SmallVector<const Point *> args;
  for (Value operand : op->getOperands())
    args.push_back(tensorType(operand) ? read(operand, point->coords)
                                       : scalar(operand));
  return apply(op, args);
}

const Point *PointReader::stepOnce(const Point *point) {
  Operation *op = point->value.getDefiningOp();
  if (!op)
    return nullptr;
  Attribute attribute;
  if (matchPattern(point->value, m_Constant(&attribute)))
    return stepConstant(attribute, point);
  return llvm::TypeSwitch<Operation *, const Point *>(op)
      .Case([&](linalg::LinalgOp linalg) { return stepLinalg(linalg, point); })
      .Case([&](tensor::CastOp cast) -> const Point * {
        if (!tensorType(cast.getSource()))
          return nullptr;
        return read(cast.getSource(), point->coords);
      })
      .Case(
          [&](tensor::ExtractSliceOp slice) { return stepSlice(slice, point); })
      .Case([&](tensor::ConcatOp concat) { return stepConcat(concat, point); })
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
  if (comparisons == 0)
    return false;
  --comparisons;
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
  llvm::SetVector<const Point *> work;
  work.insert(point);
  for (size_t i = 0; i < work.size(); ++i) {
    for (AffineExpr e : work[i]->coords)
      if (e.isFunctionOfDim(position))
        return true;
    for (const Point *arg : work[i]->args)
      work.insert(arg);
  }
  return false;
}

Type attn::elementTypeOf(const Point *point) {
  switch (point->kind) {
  case Kind::Read:
  case Kind::Scalar:
    return getElementTypeOrSelf(point->value.getType());
  case Kind::Constant:
    return point->constant.getType();
  case Kind::Index:
    return point->type;
  case Kind::Apply:
    return getElementTypeOrSelf(point->op->getResult(0).getType());
  case Kind::Reduce:
    return elementTypeOf(point->args[1]);
  }
  llvm_unreachable("all kinds are above");
}

std::optional<double> attn::floatValue(const Point *point) {
  if (point->kind != Kind::Constant)
    return std::nullopt;
  auto attribute = dyn_cast<FloatAttr>(point->constant);
  if (!attribute)
    return std::nullopt;
  return attribute.getValueAsDouble();
}
