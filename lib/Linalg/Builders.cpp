//===- Builders.cpp - Short ways to say linalg on tensors -----------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attn;

Value attn::createGeneric(ImplicitLocOpBuilder &builder, ValueRange inputs,
                          Value destination, ArrayRef<AffineMap> maps,
                          ArrayRef<unsigned> reductions, ElementFn element) {
  SmallVector<utils::IteratorType> iterators(maps.back().getNumDims(),
                                             utils::IteratorType::parallel);
  for (unsigned dim : reductions)
    iterators[dim] = utils::IteratorType::reduction;
  auto body = [&](OpBuilder &nested, Location loc, ValueRange elements) {
    ImplicitLocOpBuilder inner(loc, nested);
    linalg::YieldOp::create(inner, element(inner, elements));
  };
  return linalg::GenericOp::create(builder, destination.getType(), inputs,
                                   destination, maps, iterators, body)
      .getResult(0);
}

AffineMap attn::selectDims(ImplicitLocOpBuilder &builder, unsigned rank,
                           ArrayRef<unsigned> dims) {
  SmallVector<AffineExpr> results;
  for (unsigned dim : dims)
    results.push_back(builder.getAffineDimExpr(dim));
  return AffineMap::get(rank, 0, results, builder.getContext());
}

Value attn::createEmpty(ImplicitLocOpBuilder &builder, Type type,
                        ArrayRef<OpFoldResult> sizes) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<Value> dynamic;
  for (auto [i, size] : llvm::enumerate(sizes))
    if (tensor.isDynamicDim(i))
      dynamic.push_back(
          getValueOrCreateConstantIndexOp(builder, builder.getLoc(), size));
  return tensor::EmptyOp::create(builder, tensor.getShape(),
                                 tensor.getElementType(), dynamic);
}

Value attn::createFilled(ImplicitLocOpBuilder &builder,
                         ArrayRef<OpFoldResult> sizes, FloatType element,
                         double value) {
  Value empty = tensor::EmptyOp::create(builder, sizes, element);
  Value scalar = createFloat(builder, element, value);
  return linalg::FillOp::create(builder, scalar, empty).getResult(0);
}

Value attn::castTo(ImplicitLocOpBuilder &builder, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return tensor::CastOp::create(builder, type, value);
}

Value attn::createSlice(ImplicitLocOpBuilder &builder, Value source,
                        ArrayRef<OpFoldResult> offsets,
                        ArrayRef<OpFoldResult> sizes, ArrayRef<unsigned> kept) {
  SmallVector<int64_t> shape;
  for (unsigned dim : kept)
    shape.push_back(
        getConstantIntValue(sizes[dim]).value_or(ShapedType::kDynamic));
  auto type = RankedTensorType::get(
      shape, cast<RankedTensorType>(source.getType()).getElementType());
  SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
  return builder.createOrFold<tensor::ExtractSliceOp>(type, source, offsets,
                                                      sizes, strides);
}

Value attn::createFloat(ImplicitLocOpBuilder &builder, Type type,
                        double value) {
  return arith::ConstantOp::create(builder, builder.getFloatAttr(type, value));
}

Value attn::convertFloat(ImplicitLocOpBuilder &builder, Value value,
                         Type type) {
  unsigned from = value.getType().getIntOrFloatBitWidth();
  unsigned to = type.getIntOrFloatBitWidth();
  if (from < to)
    return arith::ExtFOp::create(builder, type, value);
  if (from > to)
    return arith::TruncFOp::create(builder, type, value);
  return value;
}

Value attn::sizeAsFloat(ImplicitLocOpBuilder &builder, OpFoldResult size,
                        FloatType type) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return createFloat(builder, type, double(*constant));
  Value integer = arith::IndexCastOp::create(
      builder, builder.getI64Type(),
      getValueOrCreateConstantIndexOp(builder, builder.getLoc(), size));
  return arith::SIToFPOp::create(builder, type, integer);
}
