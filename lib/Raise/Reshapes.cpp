//===- Reshapes.cpp - Positions through reshapes --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dimensions joined and split: sums of products, floordiv and mod, brought back
// to dimensions where sizes allow; slices, and parts put together.
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

/// Offsets, steps of 1 and sizes have to be known: what reads a slice must not
/// be taken for what reads all of the tensor.
const Point *PointReader::stepSlice(tensor::ExtractSliceOp slice,
                                    const Point *point) {
  if (!slice.getSourceType().hasStaticShape() ||
      !slice.getType().hasStaticShape())
    return nullptr;
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  SmallVector<AffineExpr> coords;
  unsigned next = 0;
  for (auto [i, offset] : llvm::enumerate(slice.getStaticOffsets())) {
    if (ShapedType::isDynamic(offset) || slice.getStaticStrides()[i] != 1)
      return nullptr;
    AffineExpr at = dropped[i] ? zero() : point->coords[next++];
    coords.push_back(at + offset);
  }
  return read(slice.getSource(), coords);
}

/// d or d + c as (d, c), with its values from c to c + size - 1.
static std::optional<std::pair<int64_t, int64_t>>
rangeOf(AffineExpr e, function_ref<int64_t(AffineExpr)> sizeOf) {
  int64_t first = 0;
  if (auto sum = dyn_cast<AffineBinaryOpExpr>(e);
      sum && sum.getKind() == AffineExprKind::Add)
    if (auto constant = dyn_cast<AffineConstantExpr>(sum.getRHS())) {
      first = constant.getValue();
      e = sum.getLHS();
    }
  if (auto constant = dyn_cast<AffineConstantExpr>(e))
    return std::pair(constant.getValue(), constant.getValue());
  if (!isa<AffineDimExpr>(e) || ShapedType::isDynamic(sizeOf(e)))
    return std::nullopt;
  return std::pair(first, first + sizeOf(e) - 1);
}

/// Where all positions asked for are in one part.
const Point *PointReader::stepConcat(tensor::ConcatOp concat,
                                     const Point *point) {
  unsigned along = concat.getDim();
  auto range = rangeOf(point->coords[along],
                       [&](AffineExpr dim) { return sizeOf(dim); });
  int64_t first = 0;
  for (Value part : concat.getInputs()) {
    int64_t size = tensorType(part).getDimSize(along);
    if (!range || ShapedType::isDynamic(size))
      return nullptr;
    if (range->first >= first && range->second < first + size) {
      SmallVector<AffineExpr> coords(point->coords);
      coords[along] = coords[along] - first;
      return read(part, coords);
    }
    first += size;
  }
  return nullptr;
}
