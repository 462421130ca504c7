//===- AttentionMend.cpp - Rows that a dropped key's value spoilt ---------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A dropped key takes no part, whatever its value holds; but the tensor cores
// multiply all keys of a block, and 0 * NaN is NaN. Maximum and sum of a row
// know of kept keys alone, so that only the product has to be done again, with
// scalar code and from global memory. What that costs rows without such values
// is one sum over their results.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;

/// Elements of a row that one load takes: 16 bytes, as rows are aligned for the
/// TMA unit.
static constexpr int64_t kVector = 8;

/// Keys past the end are zeros; others are dropped by the mask, or by a score
/// of -inf.
bool AttentionKernel::maySpoilRows() {
  return !op.getMask().empty() || !op.getScore().empty();
}

/// The address of an element of this task's head, whose rows are counted from
/// the first one of the slice.
Value AttentionKernel::elementAt(const OperandSlice &slice, Value row,
                                 Value column) {
  Value position[] = {slice.batch, slice.head,
                      arith::AddIOp::create(b, slice.row, row), column};
  SmallVector<Value> indices(4);
  for (unsigned dim = 0; dim < 4; ++dim)
    indices[getLayoutPosition(slice.layout, dim)] = position[dim];
  return outline.elementPointer(b, slice.buffer, indices);
}

/// Q[m] K[n]^T, one channel after the other.
Value AttentionKernel::scoreAt(Value m, Value n) {
  Value zero = index(0);
  Value queries = elementAt(query, arith::SubIOp::create(b, m, row), zero);
  Value keys = elementAt(key, n, zero);
  Type vector = VectorType::get({kVector}, element);
  auto load = [&](Value base, Value channel) -> Value {
    Value address = LLVM::GEPOp::create(b, base.getType(), element, base,
                                        ArrayRef<LLVM::GEPArg>{channel});
    return LLVM::LoadOp::create(b, vector, address);
  };
  Value none = f32(0.0);
  auto loop = scf::ForOp::create(
      b, i32(0), i32(headDim), i32(kVector), ValueRange(none),
      [&](OpBuilder &, Location, Value channel, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(channel.getParentBlock());
        Value q = load(queries, channel), k = load(keys, channel);
        Value sum = carried.front();
        for (int64_t i = 0; i < kVector; ++i) {
          auto wide = [&](Value values) -> Value {
            Value half = LLVM::ExtractElementOp::create(b, values, i32(i));
            return arith::ExtFOp::create(b, b.getF32Type(), half);
          };
          sum = math::FmaOp::create(b, wide(q), wide(k), sum);
        }
        scf::YieldOp::create(b, sum);
      });
  return loop.getResult(0);
}

void AttentionKernel::writeRegion(
    Region &region, TypeRange types,
    function_ref<SmallVector<Value>(ValueRange)> body) {
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Location> locs(types.size(), b.getLoc());
  Block *block = b.createBlock(&region, {}, types, locs);
  frag::YieldOp::create(b, body(block->getArguments()));
}

/// Computes rows of `result` anew that are not finite though their sum is: what
/// a kept key spoils stays as it is.
void AttentionKernel::mendRows(Value result, Value sum, Value maximum,
                               Value factor) {
  Value total =
      frag::RowReduceOp::create(b, rowsType, frag::ReduceKind::Add, result);
  total = frag::RowCombineOp::create(b, frag::ReduceKind::Add, total);
  total = map(rowsType, {total, sum}, [&](ValueRange x) -> Value {
    Value isNumber =
        arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, x[1], x[1]);
    return arith::SelectOp::create(b, isNumber, x[0], f32(0.0));
  });
  Value firstRow = arith::AddIOp::create(b, row, warpgroupRow);
  auto mend = frag::MendOp::create(b, total, ValueRange{maximum, factor},
                                   outputTile, warpgroupRow, firstRow,
                                   numQueries, blocks.lo, blocks.hi, valueDim);
  Type position = b.getIndexType(), number = b.getF32Type();
  writeRegion(mend.getWeights(), {position, position, number, number},
              [&](ValueRange x) -> SmallVector<Value> {
                Value none = f32(-std::numeric_limits<double>::infinity());
                Value score =
                    applyRules(scoreAt(x[0], x[1]), x[0], x[1], Masking::Rule);
                Value keep = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE,
                                                   score, none);
                Value weight = exponential(score, x[2]);
                return {arith::MulFOp::create(b, weight, x[3]), keep};
              });
  writeRegion(mend.getValues(), {position, position},
              [&](ValueRange x) -> SmallVector<Value> {
                Value address = elementAt(value, x[0], x[1]);
                Value loaded = LLVM::LoadOp::create(b, element, address);
                return {arith::ExtFOp::create(b, number, loaded)};
              });
}
