//===- WeightMath.cpp - Weights computed of weights -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool attn::canRoundAgain(Type element) {
  return element.isF32() || element.isF64();
}

/// The numbers of a constant, one for all where it is a scalar. Nothing when
/// `value` is no constant of f32 or f64.
static std::optional<std::vector<double>> numbersOf(Value value) {
  APFloat scalar(0.0);
  if (isa<FloatType>(value.getType())) {
    if (!matchPattern(value, m_ConstantFloat(&scalar)))
      return std::nullopt;
    return std::vector<double>{scalar.convertToDouble()};
  }
  std::optional<WeightBytes> bytes = WeightBytes::of(value);
  if (!bytes || !canRoundAgain(typeOf(value).getElementType()))
    return std::nullopt;
  return bytes->toDoubles();
}

static Value makeConstant(ImplicitLocOpBuilder &b, RankedTensorType type,
                          ArrayRef<double> numbers) {
  if (type.getElementType().isF64())
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, numbers));
  std::vector<float> rounded(numbers.begin(), numbers.end());
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, ArrayRef<float>(rounded)));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// `weight` with `isProduct` or a sum of each element and what `other` has for
/// its index in dimension `dim`, of constants; or nothing.
static Value combineConstants(ImplicitLocOpBuilder &b, Value weight,
                              unsigned dim, Value other, bool isProduct) {
  std::optional<std::vector<double>> numbers = numbersOf(weight),
                                     others = numbersOf(other);
  if (!numbers || !others)
    return nullptr;
  ArrayRef<int64_t> shape = typeOf(weight).getShape();
  int64_t inner = 1;
  for (int64_t size : shape.drop_front(dim + 1))
    inner *= size;
  for (auto [i, number] : llvm::enumerate(*numbers)) {
    int64_t k = int64_t(i) / inner % shape[dim];
    double by = (*others)[others->size() == 1 ? 0 : k];
    number = isProduct ? number * by : number + by;
  }
  return makeConstant(b, typeOf(weight), *numbers);
}

static Value combineAlong(ImplicitLocOpBuilder &b, Value weight, unsigned dim,
                          Value other, bool isProduct) {
  if (Value constant = combineConstants(b, weight, dim, other, isProduct))
    return constant;
  RankedTensorType type = typeOf(weight);
  unsigned rank = type.getRank();
  AffineMap all = b.getMultiDimIdentityMap(rank);
  bool isScalar = !isa<RankedTensorType>(other.getType());
  AffineMap along = isScalar ? AffineMap::get(rank, 0, b.getContext())
                             : AffineMap::get(rank, 0, b.getAffineDimExpr(dim));
  Value init = tensor::EmptyOp::create(
      b, tensor::getMixedSizes(b, b.getLoc(), weight), type.getElementType());
  return linalg::GenericOp::create(
             b, TypeRange{type}, ValueRange{weight, other}, ValueRange{init},
             ArrayRef<AffineMap>{all, along, all},
             SmallVector<utils::IteratorType>(rank,
                                              utils::IteratorType::parallel),
             [&](OpBuilder &body, Location loc, ValueRange args) {
               Value both = isProduct ? Value(arith::MulFOp::create(
                                            body, loc, args[0], args[1]))
                                      : Value(arith::AddFOp::create(
                                            body, loc, args[0], args[1]));
               linalg::YieldOp::create(body, loc, both);
             })
      .getResult(0);
}

Value attn::multiplyAlong(ImplicitLocOpBuilder &b, Value weight, unsigned dim,
                          Value factor) {
  return combineAlong(b, weight, dim, factor, /*isProduct=*/true);
}

Value attn::addAlong(ImplicitLocOpBuilder &b, Value weight, unsigned dim,
                     Value addend) {
  return combineAlong(b, weight, dim, addend, /*isProduct=*/false);
}

static Value addConstants(ImplicitLocOpBuilder &b, Value bias, Value weight,
                          Value vector) {
  std::optional<std::vector<double>> weights = numbersOf(weight),
                                     factors = numbersOf(vector), sums;
  int64_t outputs = typeOf(weight).getDimSize(0);
  sums = bias ? numbersOf(bias) : std::vector<double>(outputs, 0.0);
  if (!weights || !factors || !sums)
    return nullptr;
  int64_t inputs = typeOf(weight).getDimSize(1);
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t k = 0; k < inputs; ++k)
      (*sums)[o] +=
          (*weights)[o * inputs + k] * (*factors)[factors->size() == 1 ? 0 : k];
  auto type = RankedTensorType::get({outputs}, typeOf(weight).getElementType());
  return makeConstant(b, type, *sums);
}

Value attn::addProduct(ImplicitLocOpBuilder &b, Value bias, Value weight,
                       Value vector) {
  if (Value constant = addConstants(b, bias, weight, vector))
    return constant;
  int64_t outputs = typeOf(weight).getDimSize(0);
  if (!bias)
    bias = makeZeros(b, outputs, typeOf(weight).getElementType());
  AffineExpr o, k;
  bindDims(b.getContext(), o, k);
  bool isScalar = !isa<RankedTensorType>(vector.getType());
  AffineMap all = b.getMultiDimIdentityMap(2);
  AffineMap row = AffineMap::get(2, 0, o);
  AffineMap along =
      isScalar ? AffineMap::get(2, 0, b.getContext()) : AffineMap::get(2, 0, k);
  return linalg::GenericOp::create(
             b, TypeRange{bias.getType()}, ValueRange{weight, vector},
             ValueRange{bias}, ArrayRef<AffineMap>{all, along, row},
             ArrayRef<utils::IteratorType>{utils::IteratorType::parallel,
                                           utils::IteratorType::reduction},
             [](OpBuilder &body, Location loc, ValueRange args) {
               Value product =
                   arith::MulFOp::create(body, loc, args[0], args[1]);
               Value sum = arith::AddFOp::create(body, loc, args[2], product);
               linalg::YieldOp::create(body, loc, sum);
             })
      .getResult(0);
}

Value attn::makeZeros(ImplicitLocOpBuilder &b, int64_t size, Type element) {
  auto type = RankedTensorType::get({size}, element);
  return arith::ConstantOp::create(b, b.getZeroAttr(type));
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// Ranges with those that follow each other made one.
static SmallVector<Stripe> join(ArrayRef<Stripe> ranges) {
  SmallVector<Stripe> joined;
  for (Stripe range : ranges) {
    if (!joined.empty() &&
        joined.back().offset + joined.back().size == range.offset)
      joined.back().size += range.size;
    else
      joined.push_back(range);
  }
  return joined;
}

/// A slice of `size` indices of dimension `dim` of `value` from `offset` on.
static Value slice(ImplicitLocOpBuilder &b, Value value, unsigned dim,
                   Stripe range) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), value);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(sizes.size(), b.getIndexAttr(1));
  offsets[dim] = b.getIndexAttr(range.offset);
  sizes[dim] = b.getIndexAttr(range.size);
  return tensor::ExtractSliceOp::create(b, value, offsets, sizes, ones);
}

/// `parts` side by side along dimension `dim`.
static Value concatenate(ImplicitLocOpBuilder &b, ArrayRef<Value> parts,
                         unsigned dim) {
  int64_t total = 0;
  for (Value part : parts)
    total += typeOf(part).getDimSize(dim);
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, b.getLoc(), parts.front());
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(sizes.size(), b.getIndexAttr(1));
  sizes[dim] = b.getIndexAttr(total);
  Value whole =
      tensor::EmptyOp::create(b, sizes, typeOf(parts.front()).getElementType());
  int64_t at = 0;
  for (Value part : parts) {
    int64_t size = typeOf(part).getDimSize(dim);
    offsets[dim] = b.getIndexAttr(at);
    sizes[dim] = b.getIndexAttr(size);
    whole = tensor::InsertSliceOp::create(b, part, whole, offsets, sizes, ones);
    at += size;
  }
  return whole;
}

Value attn::gatherStripes(ImplicitLocOpBuilder &b, Value value, unsigned dim,
                          ArrayRef<Stripe> ranges) {
  SmallVector<Stripe> parts = join(ranges);
  if (parts.size() == 1 && parts[0].offset == 0 &&
      parts[0].size == typeOf(value).getDimSize(dim))
    return value;
  if (std::optional<WeightBytes> constant = WeightBytes::of(value))
    return arith::ConstantOp::create(b, constant->gather(dim, parts));
  SmallVector<Value> slices;
  for (Stripe range : parts)
    slices.push_back(slice(b, value, dim, range));
  return slices.size() == 1 ? slices.front() : concatenate(b, slices, dim);
}

Value attn::joinRows(ImplicitLocOpBuilder &b, ValueRange values) {
  SmallVector<WeightBytes> constants;
  for (Value value : values)
    if (std::optional<WeightBytes> constant = WeightBytes::of(value))
      constants.push_back(*constant);
  if (constants.size() == values.size())
    return arith::ConstantOp::create(b, WeightBytes::joinRows(constants));
  return concatenate(b, SmallVector<Value>(values), 0);
}
