//===- RestoreRows.cpp - What graphs make of empty rows -------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn.sdpa makes a row without a key 0. In a graph exp(-inf - -inf) makes it
// NaN, and a row of one large negative number the mean of all values.
//
//===----------------------------------------------------------------------===//

#include "Match.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;

/// What rows without keys become.
struct Fill {
  Value scalar; ///< of the output's type
  Value tensor; ///< or this, read at `map` of the output's positions
  AffineMap map;
};

static Value makeNaN(ImplicitLocOpBuilder &b, FloatType type) {
  return arith::ConstantOp::create(
      b, b.getFloatAttr(type, APFloat::getNaN(type.getFloatSemantics())));
}

static Value makeInteger(ImplicitLocOpBuilder &b, Value index, FloatType type) {
  Value integer = arith::IndexCastOp::create(b, b.getI64Type(), index);
  return arith::SIToFPOp::create(b, type, integer);
}

/// The number of keys.
static Value countKeys(ImplicitLocOpBuilder &b, SdpaOp op) {
  return b.createOrFold<tensor::DimOp>(op.getKey(),
                                       getLayoutPosition(op.getKeyLayout(), 2));
}

/// NaN, but 0 where there are no keys at all.
static Fill fillWithNaN(ImplicitLocOpBuilder &b, SdpaOp op, FloatType type) {
  Value keys = countKeys(b, op), nan = makeNaN(b, type);
  if (keys.getDefiningOp<arith::ConstantOp>())
    return {nan, {}, {}};
  Value none = arith::ConstantIndexOp::create(b, 0);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  Value empty = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, keys, none);
  return {arith::SelectOp::create(b, empty, zero, nan), {}, {}};
}

/// sum_n V / N as [b, hkv, dv].
static Fill fillWithMean(ImplicitLocOpBuilder &b, SdpaOp op) {
  Value values = op.getValue();
  auto type = cast<RankedTensorType>(values.getType());
  FloatType sums = op.getAccumulatorType();
  SmallVector<AffineExpr> read(4), kept;
  SmallVector<OpFoldResult> sizes;
  for (unsigned i : {0, 1, 2, 3}) {
    unsigned at = getLayoutPosition(op.getValueLayout(), i);
    read[at] = b.getAffineDimExpr(i);
    if (i == 2)
      continue;
    kept.push_back(b.getAffineDimExpr(i));
    sizes.push_back(tensor::getMixedSize(b, b.getLoc(), values, at));
  }
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(sums));
  Value empty = tensor::EmptyOp::create(b, sizes, sums);
  Value init =
      linalg::FillOp::create(b, ValueRange{zero}, ValueRange{empty}).result();
  SmallVector<utils::IteratorType> kinds(4, utils::IteratorType::parallel);
  kinds[2] = utils::IteratorType::reduction;
  MLIRContext *context = b.getContext();
  Value sum =
      linalg::GenericOp::create(
          b, TypeRange{init.getType()}, ValueRange{values}, ValueRange{init},
          ArrayRef<AffineMap>{AffineMap::get(4, 0, read, context),
                              AffineMap::get(4, 0, kept, context)},
          kinds,
          [&](OpBuilder &body, Location loc, ValueRange args) {
            Value each = args[0];
            if (type.getElementType() != sums)
              each = arith::ExtFOp::create(body, loc, sums, each);
            each = arith::AddFOp::create(body, loc, args[1], each);
            linalg::YieldOp::create(body, loc, each);
          })
          .getResult(0);
  // A position of the output as (b, hkv, dv), where heads are not shared or all
  // share one.
  bool isOne = cast<RankedTensorType>(sum.getType()).getDimSize(1) == 1;
  SmallVector<AffineExpr> from;
  for (unsigned i : {0, 1, 3})
    from.push_back(i == 1 && isOne ? b.getAffineConstantExpr(0)
                                   : b.getAffineDimExpr(getLayoutPosition(
                                         op.getOutputLayout(), i)));
  return {{}, sum, AffineMap::get(4, 0, from, context)};
}

static Value emitFill(OpBuilder &b, Location loc, Value sum, Value keys,
                      Type type) {
  Value value = arith::DivFOp::create(b, loc, sum, keys);
  if (value.getType() != type)
    value = arith::TruncFOp::create(b, loc, type, value);
  return value;
}

Value attn::restoreEmptyRows(ImplicitLocOpBuilder &b, SdpaOp op,
                             EmptyRows how) {
  Value output = op.getOutput();
  if (getLogicalDim(cast<ShapedType>(op.getKey().getType()), op.getKeyLayout(),
                    2) == 0)
    return output;
  auto element = cast<FloatType>(getElementTypeOrSelf(output.getType()));
  FloatType sums = op.getAccumulatorType();
  Fill fill =
      how == EmptyRows::NaN ? fillWithNaN(b, op, element) : fillWithMean(b, op);
  Value keys = fill.tensor ? makeInteger(b, countKeys(b, op), sums) : Value();
  SmallVector<AffineExpr> row;
  for (unsigned dim : {0, 1, 2})
    row.push_back(
        b.getAffineDimExpr(getLayoutPosition(op.getOutputLayout(), dim)));
  AffineMap all = b.getMultiDimIdentityMap(4);
  SmallVector<AffineMap> maps{all, AffineMap::get(4, 0, row, b.getContext())};
  SmallVector<Value> inputs{output, op.getLse()};
  if (fill.tensor) {
    inputs.push_back(fill.tensor);
    maps.push_back(fill.map);
  }
  maps.push_back(all);
  Value init = tensor::EmptyOp::create(
      b, tensor::getMixedSizes(b, b.getLoc(), output), element);
  return linalg::GenericOp::create(
             b, TypeRange{init.getType()}, inputs, ValueRange{init}, maps,
             SmallVector<utils::IteratorType>(4, utils::IteratorType::parallel),
             [&](OpBuilder &body, Location loc, ValueRange args) {
               Value lowest = arith::ConstantOp::create(
                   body, loc,
                   body.getFloatAttr(sums,
                                     APFloat::getInf(sums.getFloatSemantics(),
                                                     /*Negative=*/true)));
               Value empty = arith::CmpFOp::create(
                   body, loc, arith::CmpFPredicate::OEQ, args[1], lowest);
               Value other = fill.scalar
                                 ? fill.scalar
                                 : emitFill(body, loc, args[2], keys, element);
               Value value =
                   arith::SelectOp::create(body, loc, empty, other, args[0]);
               linalg::YieldOp::create(body, loc, value);
             })
      .getResult(0);
}
