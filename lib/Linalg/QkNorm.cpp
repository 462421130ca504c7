//===- QkNorm.cpp - attn.qk_norm as linalg --------------------------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "Lowerings.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;

/// 1 / sqrt(mean_d x^2 + eps) for each row of x.
static Value createInverseNorms(ImplicitLocOpBuilder &builder, QkNormOp op,
                                FloatType accumulator) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, op.getLoc(), op.getX());
  unsigned rank = sizes.size();
  AffineMap all = builder.getMultiDimIdentityMap(rank);
  Value squares = createGeneric(
      builder, op.getX(),
      createFilled(builder, ArrayRef(sizes).drop_back(), accumulator, 0.0),
      {all, all.dropResult(rank - 1)}, {rank - 1},
      [&](ImplicitLocOpBuilder &b, ValueRange e) -> Value {
        Value x = convertFloat(b, e[0], accumulator);
        return arith::AddFOp::create(b, e[1], arith::MulFOp::create(b, x, x));
      });
  Value count = sizeAsFloat(builder, sizes.back(), accumulator);
  Value epsilon =
      createFloat(builder, accumulator, op.getEpsilon().convertToDouble());
  // Not in place: upstream's elementwise fusion would repeat an update of its
  // destination for every channel.
  AffineMap rows = builder.getMultiDimIdentityMap(rank - 1);
  Value empty = tensor::EmptyOp::create(builder, ArrayRef(sizes).drop_back(),
                                        accumulator);
  return createGeneric(
      builder, squares, empty, {rows, rows}, {},
      [&](ImplicitLocOpBuilder &b, ValueRange e) -> Value {
        Value mean = arith::DivFOp::create(b, e[0], count);
        Value root =
            math::SqrtOp::create(b, arith::AddFOp::create(b, mean, epsilon));
        return arith::DivFOp::create(b, createFloat(b, accumulator, 1.0), root);
      });
}

LogicalResult attn::lowerToLinalg(RewriterBase &rewriter, QkNormOp op) {
  ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
  auto type = cast<RankedTensorType>(op.getX().getType());
  unsigned rank = type.getRank();
  FloatType accumulator = getAccumulatorTypeFor(type.getElementType());
  Value inverse = createInverseNorms(builder, op, accumulator);
  Value destination =
      createEmpty(builder, op.getResult().getType(),
                  tensor::getMixedSizes(builder, op.getLoc(), op.getX()));
  AffineMap all = builder.getMultiDimIdentityMap(rank);
  rewriter.replaceOp(
      op, createGeneric(
              builder, {op.getX(), inverse, op.getGamma()}, destination,
              {all, all.dropResult(rank - 1),
               selectDims(builder, rank, {rank - 1}), all},
              {}, [&](ImplicitLocOpBuilder &b, ValueRange e) -> Value {
                Value x = convertFloat(b, e[0], accumulator);
                Value gamma = convertFloat(b, e[2], accumulator);
                Value unit = arith::MulFOp::create(b, x, e[1]);
                return convertFloat(b, arith::MulFOp::create(b, unit, gamma),
                                    type.getElementType());
              }));
  return success();
}
