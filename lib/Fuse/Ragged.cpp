//===- Ragged.cpp - Sequences of any length behind each other -------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the sequences end becomes, for each query, the keys that it sees and
// the key at which it stands: three numbers, before the op.
//
//===----------------------------------------------------------------------===//

#include "Clauses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace attn;

namespace {
/// Number `i` of a list of integers.
Value entry(ImplicitLocOpBuilder &b, Value list, Value i) {
  Value value = tensor::ExtractOp::create(b, list, i);
  if (value.getType().isIndex())
    return value;
  return arith::IndexCastOp::create(b, b.getIndexType(), value);
}

/// What is wanted of the sequence whose queries and keys are given by their
/// first and behind their last.
using OfSequence = llvm::function_ref<Value(
    ImplicitLocOpBuilder &b, Value m, ValueRange queries, ValueRange keys)>;

/// A number for each query, 0 for one that is in no sequence.
Value perQuery(ImplicitLocOpBuilder &b, SdpaOp op, OpFoldResult queries,
               OfSequence wanted) {
  Value ofQueries = op.getRagged()[0], ofKeys = op.getRagged()[1];
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(queries, dynamic, shape);
  Value count = tensor::DimOp::create(b, ofQueries, 0);
  return tensor::GenerateOp::create(
      b, RankedTensorType::get(shape, b.getI64Type()), dynamic,
      [&](OpBuilder &outer, Location loc, ValueRange at) {
        Value zero = arith::ConstantIndexOp::create(outer, loc, 0);
        Value one = arith::ConstantIndexOp::create(outer, loc, 1);
        auto search = scf::ForOp::create(
            outer, loc, one, count, one, zero,
            [&](OpBuilder &body, Location, Value end, ValueRange found) {
              ImplicitLocOpBuilder b(loc, body);
              Value begin = arith::SubIOp::create(b, end, one);
              Value queries[] = {entry(b, ofQueries, begin),
                                 entry(b, ofQueries, end)};
              Value keys[] = {entry(b, ofKeys, begin), entry(b, ofKeys, end)};
              Value inside = arith::AndIOp::create(
                  b,
                  arith::CmpIOp::create(b, arith::CmpIPredicate::sle,
                                        queries[0], at[0]),
                  arith::CmpIOp::create(b, arith::CmpIPredicate::slt, at[0],
                                        queries[1]));
              Value here = wanted(b, at[0], queries, keys);
              Value next =
                  arith::SelectOp::create(b, inside, here, found.front());
              scf::YieldOp::create(b, next);
            });
        tensor::YieldOp::create(
            outer, loc,
            arith::IndexCastOp::create(outer, loc, outer.getI64Type(),
                                       search.getResult(0)));
      });
}
} // namespace

void attn::readRagged(OpBuilder &builder, SdpaOp op, CaptureList &captures,
                      Clauses &clauses) {
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  OpFoldResult queries = tensor::getMixedSize(
      b, op.getLoc(), op.getQuery(), getLayoutPosition(op.getQueryLayout(), 2));
  AffineExpr m = b.getAffineDimExpr(2);
  auto capture = [&](OfSequence wanted) {
    return captures.add(perQuery(b, op, queries, wanted), {m});
  };
  clauses.firstKey = capture([](ImplicitLocOpBuilder &, Value, ValueRange,
                                ValueRange keys) { return keys[0]; });
  clauses.endKey = capture([](ImplicitLocOpBuilder &, Value, ValueRange,
                              ValueRange keys) { return keys[1]; });
  bool fromEnd = op.getCausal() == Causal::BottomRight;
  clauses.place = capture([&](ImplicitLocOpBuilder &b, Value m,
                              ValueRange queries, ValueRange keys) -> Value {
    // The same distance from the first ones, or from the last.
    Value steps = arith::SubIOp::create(b, m, queries[fromEnd]);
    return arith::AddIOp::create(b, keys[fromEnd], steps);
  });
}
