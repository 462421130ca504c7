//===- Operands.cpp - Tensors as heads and back ---------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn.sdpa wants rank 4 in any order; graphs have batches of matrices, heads
// behind rows, or no batch at all. Only dimensions of size 1 come and go here,
// so no element moves.
//
//===----------------------------------------------------------------------===//

#include "Match.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// g where `position` is h floordiv g, else 0.
static int64_t groupOf(AffineExpr position, AffineExpr h) {
  auto quotient = dyn_cast<AffineBinaryOpExpr>(position);
  if (!h || !quotient || quotient.getKind() != AffineExprKind::FloorDiv ||
      quotient.getLHS() != h)
    return 0;
  auto by = dyn_cast<AffineConstantExpr>(quotient.getRHS());
  return by ? by.getValue() : 0;
}

/// True when the positions are h floordiv r and h mod r: heads in two
/// dimensions, of all of them.
static bool areHeads(const PointReader &reader, ArrayRef<AffineExpr> positions,
                     ArrayRef<int64_t> sizes, AffineExpr h) {
  int64_t within = positions.size() > 1 ? groupOf(positions[0], h) : 0;
  return within > 1 && positions[1] == h % within && sizes[1] == within &&
         !ShapedType::isDynamic(sizes[0]) &&
         reader.sizeOf(h) == sizes[0] * within;
}

std::optional<HeadView> attn::viewHeads(const PointReader &reader,
                                        const Point *point,
                                        ArrayRef<AffineExpr> bhsd) {
  HeadView view;
  view.value = point->value;
  ArrayRef<int64_t> shape = typeOf(point->value).getShape();
  ArrayRef<AffineExpr> positions = point->coords;
  for (unsigned at = 0; at < shape.size(); ++at) {
    int64_t size = shape[at];
    AffineExpr position = positions[at];
    int dim = -1;
    for (int i = 0; i < 4; ++i)
      if (bhsd[i] && position == bhsd[i] && reader.isWhole(point, at, position))
        dim = i;
    if (areHeads(reader, positions.drop_front(at), shape.drop_front(at),
                 bhsd[1])) {
      dim = 1;
      view.joined = at++;
    } else if (int64_t group = groupOf(position, bhsd[1])) {
      if (ShapedType::isDynamic(size) || reader.sizeOf(bhsd[1]) != size * group)
        return std::nullopt;
      dim = 1;
      view.group = group;
    }
    bool isUnit = size == 1 && position == reader.zero();
    if ((dim == -1 && !isUnit) || (dim != -1 && view.has(dim)))
      return std::nullopt;
    view.dims.push_back(dim);
  }
  for (int i : {0, 2, 3})
    if (bhsd[i] && !view.has(i))
      return std::nullopt;
  // One head for all.
  if (bhsd[1] && !view.has(1))
    view.group = reader.sizeOf(bhsd[1]);
  return view;
}

bool attn::canWiden(Type from, Type to) {
  auto a = dyn_cast<FloatType>(from), b = dyn_cast<FloatType>(to);
  return a && b && (a == b || a.getWidth() < b.getWidth());
}

std::optional<HeadView> attn::viewDeepest(PointReader &reader,
                                          const Point *point,
                                          ArrayRef<AffineExpr> bhsd,
                                          Type element, int64_t group) {
  std::optional<HeadView> best;
  while (point) {
    if (point->kind == Point::Kind::Read) {
      if (canWiden(elementTypeOf(point), element))
        if (std::optional<HeadView> view = viewHeads(reader, point, bhsd))
          if (view->group == group || !best)
            best = view;
      point = reader.step(point);
    } else {
      point = point->applies<arith::ExtFOp>() ? point->args[0] : nullptr;
    }
  }
  return best;
}

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

/// Groups of the dimensions where `isUnit` ones join a neighbour.
static SmallVector<ReassociationIndices> groupUnits(ArrayRef<bool> isUnit) {
  SmallVector<ReassociationIndices> groups;
  bool open = false; // the last group waits for a dimension that is no unit
  for (auto [i, unit] : llvm::enumerate(isUnit)) {
    if (groups.empty() || (!unit && !open)) {
      groups.emplace_back();
      open = true;
    }
    groups.back().push_back(i);
    if (!unit)
      open = false;
  }
  return groups;
}

static Value dropUnits(OpBuilder &b, Location loc, Value value,
                       ArrayRef<bool> isUnit) {
  if (!llvm::is_contained(isUnit, true))
    return value;
  return tensor::CollapseShapeOp::create(b, loc, value, groupUnits(isUnit));
}

static Value addUnits(OpBuilder &b, Location loc, Value value,
                      ArrayRef<bool> isUnit) {
  if (!llvm::is_contained(isUnit, true))
    return value;
  SmallVector<OpFoldResult> from = tensor::getMixedSizes(b, loc, value), sizes;
  SmallVector<int64_t> shape;
  size_t next = 0;
  for (bool unit : isUnit) {
    sizes.push_back(unit ? b.getIndexAttr(1) : from[next]);
    shape.push_back(unit ? 1 : typeOf(value).getDimSize(next));
    next += !unit;
  }
  return tensor::ExpandShapeOp::create(
      b, loc, RankedTensorType::get(shape, typeOf(value).getElementType()),
      value, groupUnits(isUnit), sizes);
}

static SmallVector<bool> unitsOf(ArrayRef<int> dims) {
  return llvm::map_to_vector(dims, [](int dim) { return dim == -1; });
}

/// True when units of the tensor itself can stand for what is missing.
static bool isRank4(const HeadView &view) { return view.dims.size() == 4; }

SmallVector<int> attn::rank4Order(const HeadView &view) {
  SmallVector<int> order(view.dims);
  if (!isRank4(view))
    llvm::erase(order, -1);
  for (int dim = 0; dim < 4; ++dim) {
    if (view.has(dim))
      continue;
    if (isRank4(view)) {
      *llvm::find(order, -1) = dim;
      continue;
    }
    // Behind the dimension that it follows in [b, h, s, d].
    auto at = llvm::find(order, dim - 1);
    order.insert(at == order.end() ? order.begin() : at + 1, dim);
  }
  return order;
}

/// Which dimensions of `order` the tensor without its units lacks.
static SmallVector<bool> addedUnits(const HeadView &view, ArrayRef<int> order) {
  return llvm::map_to_vector(order, [&](int dim) { return !view.has(dim); });
}

/// The tensor with its heads in one dimension.
static Value joinHeads(OpBuilder &b, Location loc, const HeadView &view) {
  if (!view.joined)
    return view.value;
  SmallVector<ReassociationIndices> groups(view.dims.size());
  for (int64_t i = 0; i < typeOf(view.value).getRank(); ++i)
    groups[i > int64_t(*view.joined) ? i - 1 : i].push_back(i);
  return tensor::CollapseShapeOp::create(b, loc, view.value, groups);
}

Value attn::toRank4(OpBuilder &b, Location loc, const HeadView &view,
                    SmallVectorImpl<int> &order) {
  order = rank4Order(view);
  Value value = joinHeads(b, loc, view);
  if (isRank4(view))
    return value;
  Value dropped = dropUnits(b, loc, value, unitsOf(view.dims));
  return addUnits(b, loc, dropped, addedUnits(view, order));
}

Value attn::fromRank4(OpBuilder &b, Location loc, Value value,
                      const HeadView &view, Type type) {
  if (!isRank4(view)) {
    value = dropUnits(b, loc, value, addedUnits(view, rank4Order(view)));
    value = addUnits(b, loc, value, unitsOf(view.dims));
  }
  if (value.getType() != type)
    value = tensor::CastOp::create(b, loc, type, value);
  return value;
}
