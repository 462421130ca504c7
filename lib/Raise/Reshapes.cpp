//===- Reshapes.cpp - Positions through reshapes --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dimensions joined and split: sums of products, floordiv and mod, brought back
// to dimensions where sizes allow.
//
//===----------------------------------------------------------------------===//

#include "Point.h"

using namespace mlir;
using namespace attn;

static RankedTensorType tensorType(Value value) {
  return dyn_cast<RankedTensorType>(value.getType());
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
