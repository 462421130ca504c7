//===- RepeatedHeads.cpp - Where repeated heads come from -----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One element is followed back: where it stands is an affine expression of its
// logical place (b, h, s, d) at every step.
//
//===----------------------------------------------------------------------===//

#include "RepeatedHeads.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

namespace {
/// Element coords(b, h, s, d) of `value` for each (b, h, s, d).
struct Place {
  Value value;
  SmallVector<AffineExpr> coords;
};

class Follower {
public:
  /// Sizes of b, h, s, d.
  explicit Follower(ArrayRef<int64_t> sizes) : lower(4, 0) {
    for (int64_t size : sizes)
      upper.push_back(ShapedType::isDynamic(size)
                          ? std::optional<int64_t>()
                          : std::optional<int64_t>(size - 1));
  }

  /// One step back; false at the end.
  bool step(Place &place) const;

private:
  AffineExpr simplify(AffineExpr expr) const;
  bool collapse(tensor::CollapseShapeOp op, Place &place) const;
  bool expand(tensor::ExpandShapeOp op, Place &place) const;
  bool copy(linalg::GenericOp op, Place &place) const;
  bool concat(tensor::ConcatOp op, Place &place) const;

  /// Least and largest values of b, h, s, d.
  SmallVector<std::optional<int64_t>> lower, upper;
};
} // namespace

/// Knows besides how large b, h, s and d can be: h mod 8 is h where that is
/// below 8, and h floordiv 8 is 0.
AffineExpr Follower::simplify(AffineExpr expr) const {
  expr = simplifyAffineExpr(expr, 4, 0);
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return expr;
  AffineExpr lhs = simplify(binary.getLHS()), rhs = binary.getRHS();
  auto by = dyn_cast<AffineConstantExpr>(rhs);
  AffineExprKind kind = binary.getKind();
  if (by && (kind == AffineExprKind::Mod || kind == AffineExprKind::FloorDiv)) {
    std::optional<int64_t> largest =
        getBoundForAffineExpr(lhs, 4, 0, lower, upper, /*isUpper=*/true);
    if (largest && *largest < by.getValue())
      return kind == AffineExprKind::Mod
                 ? lhs
                 : getAffineConstantExpr(0, expr.getContext());
  }
  return getAffineBinaryOpExpr(kind, lhs, by ? rhs : simplify(rhs));
}

bool Follower::collapse(tensor::CollapseShapeOp op, Place &place) const {
  SmallVector<AffineExpr> coords(op.getSrcType().getRank());
  for (auto [group, coord] :
       llvm::zip_equal(op.getReassociationIndices(), place.coords)) {
    AffineExpr left = coord;
    for (int64_t dim : llvm::reverse(llvm::drop_begin(group))) {
      int64_t size = op.getSrcType().getDimSize(dim);
      if (ShapedType::isDynamic(size) || size == 0)
        return false;
      coords[dim] = simplify(left % size);
      left = simplify(left.floorDiv(size));
    }
    coords[group.front()] = left;
  }
  place = {op.getSrc(), coords};
  return true;
}

bool Follower::expand(tensor::ExpandShapeOp op, Place &place) const {
  SmallVector<AffineExpr> coords;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    AffineExpr index = place.coords[group.front()];
    for (int64_t dim : llvm::drop_begin(group)) {
      int64_t size = op.getResultType().getDimSize(dim);
      if (ShapedType::isDynamic(size))
        return false;
      index = simplify(index * size + place.coords[dim]);
    }
    coords.push_back(index);
  }
  place = {op.getSrc(), coords};
  return true;
}

bool Follower::copy(linalg::GenericOp op, Place &place) const {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 1 ||
      op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      op.getBody()->getTerminator()->getOperand(0) !=
          op.getBody()->getArgument(0))
    return false;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!maps[1].isPermutation())
    return false;
  SmallVector<AffineExpr> loops(op.getNumLoops());
  for (auto [loop, coord] : llvm::zip_equal(maps[1].getResults(), place.coords))
    loops[cast<AffineDimExpr>(loop).getPosition()] = coord;
  SmallVector<AffineExpr> coords;
  for (AffineExpr expr : maps[0].getResults())
    coords.push_back(simplify(expr.replaceDimsAndSymbols(loops, {})));
  place = {op.getDpsInputs()[0], coords};
  return true;
}

/// The same tensor several times: a tile.
bool Follower::concat(tensor::ConcatOp op, Place &place) const {
  Value first = op.getInputs().front();
  int64_t size = typeOf(first).getDimSize(op.getDim());
  if (!llvm::all_equal(op.getInputs()) || ShapedType::isDynamic(size))
    return false;
  place.coords[op.getDim()] = simplify(place.coords[op.getDim()] % size);
  place.value = first;
  return true;
}

bool Follower::step(Place &place) const {
  Operation *op = place.value.getDefiningOp();
  if (auto cast = dyn_cast_or_null<tensor::CastOp>(op)) {
    place.value = cast.getSource();
    return isa<RankedTensorType>(place.value.getType());
  }
  if (auto transpose = dyn_cast_or_null<linalg::TransposeOp>(op)) {
    SmallVector<AffineExpr> coords(place.coords.size());
    for (auto [i, from] : llvm::enumerate(transpose.getPermutation()))
      coords[from] = place.coords[i];
    place = {transpose.getInput(), coords};
    return transpose.hasPureTensorSemantics();
  }
  if (auto broadcast = dyn_cast_or_null<linalg::BroadcastOp>(op)) {
    SmallVector<AffineExpr> coords;
    for (auto [i, coord] : llvm::enumerate(place.coords))
      if (!llvm::is_contained(broadcast.getDimensions(), int64_t(i)))
        coords.push_back(coord);
    place = {broadcast.getInput(), coords};
    return broadcast.hasPureTensorSemantics();
  }
  if (auto collapsed = dyn_cast_or_null<tensor::CollapseShapeOp>(op))
    return collapse(collapsed, place);
  if (auto expanded = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
    return expand(expanded, place);
  if (auto generic = dyn_cast_or_null<linalg::GenericOp>(op))
    return copy(generic, place);
  if (auto tile = dyn_cast_or_null<tensor::ConcatOp>(op))
    return concat(tile, place);
  return false;
}

//===----------------------------------------------------------------------===//
// Heads
//===----------------------------------------------------------------------===//

/// How many heads of `heads` are one where they stand at `coord` of a tensor
/// that has `size` there; 0 where it says no such thing.
static int64_t groupOf(AffineExpr coord, int64_t size, int64_t heads) {
  AffineExpr h = getAffineDimExpr(1, coord.getContext());
  if (ShapedType::isDynamic(size) || size == 0)
    return 0;
  if (coord == h)
    return size == heads ? 1 : 0;
  auto quotient = dyn_cast<AffineBinaryOpExpr>(coord);
  if (!quotient || quotient.getKind() != AffineExprKind::FloorDiv ||
      quotient.getLHS() != h)
    return 0;
  auto by = dyn_cast<AffineConstantExpr>(quotient.getRHS());
  return by && by.getValue() * size == heads ? by.getValue() : 0;
}

/// Reads a place as heads.
static std::optional<HeadSource> readHeads(const Place &place,
                                           ArrayRef<int64_t> sizes) {
  MLIRContext *context = place.value.getContext();
  HeadSource source{place.value, sizes[1], {}};
  bool seen[4] = {};
  auto reads = [&](unsigned dim) {
    return llvm::any_of(place.coords, [&](AffineExpr coord) {
      return coord.isFunctionOfDim(dim);
    });
  };
  ArrayRef<int64_t> shape = typeOf(place.value).getShape();
  for (auto [coord, size] : llvm::zip_equal(place.coords, shape)) {
    int64_t dim = -1;
    for (int64_t i : {0, 2, 3})
      if (coord == getAffineDimExpr(i, context) && !seen[i])
        dim = i;
    if (dim == -1 && coord == getAffineConstantExpr(0, context) && size == 1) {
      // The one batch entry, or the one head of all.
      dim = !reads(0) && sizes[0] == 1 && !seen[0] ? 0 : 1;
      if (dim == 1 && reads(1))
        return std::nullopt;
    } else if (int64_t group = groupOf(coord, size, sizes[1]);
               dim == -1 && group > 0 && !seen[1]) {
      dim = 1;
      source.group = group;
    }
    if (dim == -1 || seen[dim])
      return std::nullopt;
    seen[dim] = true;
    source.dims.push_back(dim);
  }
  if (!seen[0] || !seen[2] || !seen[3])
    return std::nullopt;
  return source;
}

/// Sizes of b, h, s, d.
static SmallVector<int64_t> logicalSizes(Value heads, AffineMap layout) {
  SmallVector<int64_t> sizes(4);
  for (auto [i, expr] : llvm::enumerate(layout.getResults()))
    sizes[cast<AffineDimExpr>(expr).getPosition()] =
        typeOf(heads).getDimSize(i);
  return sizes;
}

bool attn::isTileOfHeads(Value heads, AffineMap layout) {
  Follower follower(logicalSizes(heads, layout));
  Place place{heads, llvm::to_vector(layout.getResults())};
  AffineExpr h = getAffineDimExpr(1, heads.getContext());
  while (follower.step(place))
    for (AffineExpr coord : place.coords)
      if (auto binary = dyn_cast<AffineBinaryOpExpr>(coord))
        if (binary.getKind() == AffineExprKind::Mod && binary.getLHS() == h)
          return true;
  return false;
}

SmallVector<HeadSource> attn::findHeadSources(Value heads, AffineMap layout) {
  SmallVector<int64_t> sizes = logicalSizes(heads, layout);
  SmallVector<HeadSource> sources;
  if (ShapedType::isDynamic(sizes[1]) || sizes[1] < 2)
    return sources;
  Follower follower(sizes);
  Place place{heads, llvm::to_vector(layout.getResults())};
  while (follower.step(place))
    if (std::optional<HeadSource> source = readHeads(place, sizes))
      if (source->group > 1)
        sources.push_back(*source);
  return sources;
}

Value HeadSource::withHeads(OpBuilder &b, Location loc,
                            AffineMap &layout) const {
  SmallVector<int64_t> order(dims);
  Value heads = value;
  if (order.size() == 3) {
    // One head stands anywhere.
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value);
    SmallVector<int64_t> shape(typeOf(value).getShape());
    sizes.insert(sizes.begin() + 1, b.getIndexAttr(1));
    shape.insert(shape.begin() + 1, 1);
    order.insert(order.begin() + 1, 1);
    SmallVector<ReassociationIndices> groups{{0, 1}, {2}, {3}};
    heads = tensor::ExpandShapeOp::create(
        b, loc, RankedTensorType::get(shape, typeOf(value).getElementType()),
        value, groups, sizes);
  }
  SmallVector<AffineExpr> results;
  for (int64_t dim : order)
    results.push_back(b.getAffineDimExpr(dim));
  layout = AffineMap::get(4, 0, results, b.getContext());
  return heads;
}
