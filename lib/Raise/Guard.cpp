//===- Guard.cpp - How large dot products can be, at run time -------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Guard.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;

/// |elements| joined by `OpTy` over all dimensions but `kept`, from 0 on.
template <typename OpTy>
static Value reduce(ImplicitLocOpBuilder &b, Value tensor, FloatType type,
                    std::optional<unsigned> kept) {
  unsigned rank = cast<RankedTensorType>(tensor.getType()).getRank();
  SmallVector<OpFoldResult> sizes;
  SmallVector<AffineExpr> out;
  SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::reduction);
  if (kept) {
    sizes.push_back(tensor::getMixedSize(b, b.getLoc(), tensor, *kept));
    out.push_back(b.getAffineDimExpr(*kept));
    kinds[*kept] = utils::IteratorType::parallel;
  }
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  Value empty = tensor::EmptyOp::create(b, sizes, type);
  Value init =
      linalg::FillOp::create(b, ValueRange{zero}, ValueRange{empty}).result();
  return linalg::GenericOp::create(
             b, TypeRange{init.getType()}, ValueRange{tensor}, ValueRange{init},
             ArrayRef<AffineMap>{b.getMultiDimIdentityMap(rank),
                                 AffineMap::get(rank, 0, out, b.getContext())},
             kinds,
             [&](OpBuilder &body, Location loc, ValueRange args) {
               Value each = args[0];
               if (each.getType() != type)
                 each = arith::ExtFOp::create(body, loc, type, each);
               each = math::AbsFOp::create(body, loc, each);
               each = OpTy::create(body, loc, args[1], each);
               linalg::YieldOp::create(body, loc, each);
             })
      .getResult(0);
}

/// `columns` is one-dimensional.
static Value emitLargestOf(ImplicitLocOpBuilder &b, Value columns,
                           FloatType type) {
  Value all = reduce<arith::MaximumFOp>(b, columns, type, std::nullopt);
  return tensor::ExtractOp::create(b, all, ValueRange());
}

Value attn::emitLargest(ImplicitLocOpBuilder &b, Value tensor, FloatType type) {
  // Of each column first, so that lanes can be columns.
  unsigned last = cast<RankedTensorType>(tensor.getType()).getRank() - 1;
  return emitLargestOf(b, reduce<arith::MaximumFOp>(b, tensor, type, last),
                       type);
}

Value attn::emitLargestSum(ImplicitLocOpBuilder &b, Value tensor,
                           unsigned summed, FloatType type) {
  // All dimensions but the last two are of size 1.
  unsigned rank = cast<RankedTensorType>(tensor.getType()).getRank();
  unsigned kept = summed == rank - 1 ? rank - 2 : rank - 1;
  return emitLargestOf(b, reduce<arith::AddFOp>(b, tensor, type, kept), type);
}

Guard attn::emitGuard(ImplicitLocOpBuilder &b, Value channels, Value query,
                      Value key, Value scale, double limit) {
  auto type = cast<FloatType>(scale.getType());
  Value size = arith::IndexCastOp::create(b, b.getI64Type(), channels);
  Value bound = arith::SIToFPOp::create(b, type, size);
  for (Value factor : {query, key, math::AbsFOp::create(b, scale).getResult()})
    bound = arith::MulFOp::create(b, bound, factor);
  Value largest = arith::ConstantOp::create(b, b.getFloatAttr(type, limit));
  Value isLarge =
      arith::CmpFOp::create(b, arith::CmpFPredicate::UGT, bound, largest);
  return {isLarge, limit};
}
