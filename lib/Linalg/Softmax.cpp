//===- Softmax.cpp - The steps of softmax over the last dimension ---------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Softmax.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace attn;

using arith::CmpFPredicate;
static constexpr double infinity = std::numeric_limits<double>::infinity();

static unsigned rankOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getRank();
}

static AffineMap identity(ImplicitLocOpBuilder &builder, unsigned rank) {
  return builder.getMultiDimIdentityMap(rank);
}

/// (rows..., n) -> (rows...)
static AffineMap dropLast(ImplicitLocOpBuilder &builder, unsigned rank) {
  return builder.getMultiDimIdentityMap(rank).dropResult(rank - 1);
}

static Value compare(ImplicitLocOpBuilder &builder, CmpFPredicate predicate,
                     Value value, double with) {
  return arith::CmpFOp::create(builder, predicate, value,
                               createFloat(builder, value.getType(), with));
}

static Value select(ImplicitLocOpBuilder &builder, Value condition,
                    double ifTrue, Value ifFalse) {
  return arith::SelectOp::create(
      builder, condition, createFloat(builder, ifFalse.getType(), ifTrue),
      ifFalse);
}

Value attn::isDropped(ImplicitLocOpBuilder &builder, Value exponential) {
  return compare(builder, CmpFPredicate::OLT, exponential, 0.0);
}

/// A sum of 0 says that no key is kept: the largest score adds exp(0) = 1.
static Value isEmpty(ImplicitLocOpBuilder &builder, Value sum) {
  return compare(builder, CmpFPredicate::OEQ, sum, 0.0);
}

Value attn::createRowMax(ImplicitLocOpBuilder &builder, Value scores,
                         Value init) {
  unsigned rank = rankOf(scores);
  return createGeneric(
      builder, scores, init, {identity(builder, rank), dropLast(builder, rank)},
      {rank - 1}, [](ImplicitLocOpBuilder &b, ValueRange e) -> Value {
        return arith::MaximumFOp::create(b, e[1], e[0]);
      });
}

Value attn::createExponentials(ImplicitLocOpBuilder &builder, Value scores,
                               Value max) {
  unsigned rank = rankOf(scores);
  return createGeneric(
      builder, max, scores, {dropLast(builder, rank), identity(builder, rank)},
      {}, [](ImplicitLocOpBuilder &b, ValueRange e) -> Value {
        Value distance = arith::SubFOp::create(b, e[1], e[0]);
        Value p = math::ExpOp::create(b, distance);
        Value dropped = compare(b, CmpFPredicate::OEQ, e[1], -infinity);
        return select(b, dropped, -1.0, p);
      });
}

Value attn::createRowSum(ImplicitLocOpBuilder &builder, Value exponentials,
                         Value init) {
  unsigned rank = rankOf(exponentials);
  return createGeneric(builder, exponentials, init,
                       {identity(builder, rank), dropLast(builder, rank)},
                       {rank - 1},
                       [](ImplicitLocOpBuilder &b, ValueRange e) -> Value {
                         Value p = select(b, isDropped(b, e[0]), 0.0, e[0]);
                         return arith::AddFOp::create(b, e[1], p);
                       });
}

Value attn::createWeightedSum(ImplicitLocOpBuilder &builder, Value exponentials,
                              Value value, Value init, ArrayRef<AffineMap> maps,
                              unsigned keys) {
  return createGeneric(builder, {exponentials, value}, init, maps, {keys},
                       [](ImplicitLocOpBuilder &b, ValueRange e) -> Value {
                         Value v = convertFloat(b, e[1], e[0].getType());
                         Value product = arith::MulFOp::create(b, e[0], v);
                         Value added =
                             select(b, isDropped(b, e[0]), 0.0, product);
                         return arith::AddFOp::create(b, e[2], added);
                       });
}

Value attn::createDenominator(ImplicitLocOpBuilder &builder, Value max,
                              Value sum, Value sink, AffineMap sinkMap) {
  unsigned rank = rankOf(sum);
  SmallVector<Value> inputs{max};
  SmallVector<AffineMap> maps{identity(builder, rank)};
  bool isTensor = sink && isa<RankedTensorType>(sink.getType());
  if (isTensor) {
    inputs.push_back(sink);
    maps.push_back(sinkMap);
  }
  inputs.push_back(sum);
  maps.append(2, identity(builder, rank));
  // Into a tensor of its own: the sum alone is still needed for the LSE. A sink
  // far above the scores leaves f32's range before O, of large values, is 0.
  Type type =
      sink ? Type(builder.getF64Type()) : getElementTypeOrSelf(sum.getType());
  Value empty = tensor::EmptyOp::create(
      builder, tensor::getMixedSizes(builder, builder.getLoc(), sum), type);
  return createGeneric(
      builder, inputs, empty, maps, {},
      [&](ImplicitLocOpBuilder &b, ValueRange e) -> Value {
        Value rowMax = e[0], rowSum = e[e.size() - 2],
              all = convertFloat(b, rowSum, type);
        if (sink) {
          Value logit = convertFloat(b, isTensor ? e[1] : sink, type);
          Value distance =
              arith::SubFOp::create(b, logit, convertFloat(b, rowMax, type));
          all = arith::AddFOp::create(b, all, math::ExpOp::create(b, distance));
        }
        return select(b, isEmpty(b, rowSum), 1.0, all);
      });
}

Value attn::createLse(ImplicitLocOpBuilder &builder, Value max, Value sum,
                      Value destination, AffineMap rows) {
  AffineMap all = identity(builder, rankOf(destination));
  return createGeneric(builder, {max, sum}, destination, {rows, rows, all}, {},
                       [](ImplicitLocOpBuilder &b, ValueRange e) -> Value {
                         Value lse = arith::AddFOp::create(
                             b, e[0], math::LogOp::create(b, e[1]));
                         return select(b, isEmpty(b, e[1]), -infinity, lse);
                       });
}

/// x / denominator, in the type of x.
static Value quotient(ImplicitLocOpBuilder &b, Value x, Value denominator) {
  Value wide = convertFloat(b, x, denominator.getType());
  return convertFloat(b, arith::DivFOp::create(b, wide, denominator),
                      x.getType());
}

Value attn::createNormalized(ImplicitLocOpBuilder &builder, Value acc,
                             Value denominator, Value destination,
                             ArrayRef<AffineMap> maps) {
  return createGeneric(builder, {acc, denominator}, destination, maps, {},
                       [](ImplicitLocOpBuilder &b, ValueRange e) -> Value {
                         return convertFloat(b, quotient(b, e[0], e[1]),
                                             e[2].getType());
                       });
}

Value attn::createWeights(ImplicitLocOpBuilder &builder, Value exponentials,
                          Value denominator, Value destination) {
  unsigned rank = rankOf(exponentials);
  AffineMap all = identity(builder, rank);
  return createGeneric(builder, {exponentials, denominator}, destination,
                       {all, dropLast(builder, rank), all}, {},
                       [](ImplicitLocOpBuilder &b, ValueRange e) -> Value {
                         Value weight = quotient(b, e[0], e[1]);
                         return select(b, isDropped(b, e[0]), 0.0, weight);
                       });
}
