//===- AttentionSoftmax.cpp - From scores to weights and results ----------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Without a score rule and with a scale known to be positive, scores stay
// unscaled and p = 2^(s c - m c) with c = scale * log2(e): one fused
// multiply-add and one ex2 per element. Otherwise p = 2^((s - m) log2(e)): with
// log2(e) folded into a bias the lowest finite f32 would become -inf.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"
#include "Math.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;

static constexpr double kLog2e = 1.4426950408889634;
static constexpr double kLn2 = 0.6931471805599453;
static constexpr double kMinusInfinity =
    -std::numeric_limits<double>::infinity();

static bool isPositiveConstant(Value value) {
  APFloat constant(0.0);
  return matchPattern(value, m_ConstantFloat(&constant)) &&
         constant.isFiniteNonZero() && !constant.isNegative();
}

/// The address of LSE[b, h, 0] of this task.
LogicalResult AttentionKernel::readLse() {
  Value lse = finalize.getInits()[1];
  auto view = lse.getDefiningOp<memref::SubViewOp>();
  if (!view || !view.hasUnitStride() || view.getSourceType().getRank() != 3)
    return finalize.emitOpError("expects a slice of a buffer for the LSE");
  Value zero = index(0);
  lseBase = outline.elementPointer(b, view.getSource(),
                                   {output.batch, output.head, zero});
  return success(bool(lseBase));
}

/// Everything that the rules read, at the kernel's entry.
LogicalResult AttentionKernel::readRules() {
  for (auto [to, from] : {std::pair<Value *, Value>{&scale, op.getScale()},
                          {&batch, op.getBatch()},
                          {&head, op.getHead()},
                          {&row, op.getRow()},
                          {&numQueries, op.getNumQueries()},
                          {&numKeys, op.getNumKeys()}})
    if (*to = outline.get(from); !*to)
      return failure();
  if (!finalize.getSinks().empty())
    if (sink = outline.get(finalize.getSinks().front()); !sink)
      return failure();
  if (finalize.getInits().size() == 2 && failed(readLse()))
    return failure();
  scalarCaptures.clear();
  for (Value captured : op.getCaptures()) {
    auto type = dyn_cast<MemRefType>(captured.getType());
    if (!type) {
      scalarCaptures.push_back(outline.get(captured));
      if (!scalarCaptures.back())
        return failure();
      continue;
    }
    scalarCaptures.push_back(nullptr);
    // Make the sizes that addresses need parameters now.
    SmallVector<Value> zeros(type.getRank(), index(0));
    if (!outline.elementPointer(b, captured, zeros))
      return failure();
  }
  if (op.getScore().empty() && isPositiveConstant(op.getScale()))
    foldedScale = arith::MulFOp::create(b, scale, f32(kLog2e));
  return success();
}

Value AttentionKernel::map(Type type, ValueRange inputs,
                           function_ref<Value(ValueRange)> body,
                           ValueRange at) {
  auto op = frag::MapOp::create(b, type, inputs, at);
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types(inputs.size(), b.getF32Type());
  types.append(at.size(), b.getIndexType());
  SmallVector<Location> locs(types.size(), b.getLoc());
  Block *block = b.createBlock(&op.getBody(), {}, types, locs);
  Value result = body(block->getArguments());
  frag::YieldOp::create(b, result);
  return op.getResult();
}

//===----------------------------------------------------------------------===//
// The rules
//===----------------------------------------------------------------------===//

/// A captured value for the element at (row, column). Rows and columns past
/// the end are clamped: what is read for them is not used.
Value AttentionKernel::capture(unsigned number, Value row, Value column,
                               Masking masking) {
  if (Value scalar = scalarCaptures[number])
    return scalar;
  AffineMap map = op.getCaptureMapValues()[number];
  auto clamp = [&](Value position, Value size) -> Value {
    Value last = arith::SubIOp::create(b, size, index(1));
    return arith::MinSIOp::create(b, position, last);
  };
  if (map.isFunctionOfDim(2))
    row = clamp(row, numQueries);
  if (masking == Masking::Edge && map.isFunctionOfDim(3))
    column = clamp(column, numKeys);
  SmallVector<Value> indices;
  for (AffineExpr expr : map.getResults())
    indices.push_back(affine::expandAffineExpr(b, b.getLoc(), expr,
                                               {batch, head, row, column}, {}));
  return outline.load(b, op.getCaptures()[number], indices);
}

/// The value that a region yields for one element.
Value AttentionKernel::inlineRule(Region &region, Value score, Value row,
                                  Value column, Masking masking) {
  IRMapping map;
  Block &block = region.front();
  unsigned next = 0;
  if (score)
    map.map(block.getArgument(next++), score);
  for (Value position : {batch, head, row, column})
    map.map(block.getArgument(next++), position);
  for (unsigned i = 0; i < op.getCaptures().size(); ++i) {
    BlockArgument argument = block.getArgument(next++);
    if (!argument.use_empty())
      map.map(argument, capture(i, row, column, masking));
  }
  for (Operation &inner : block.without_terminator()) {
    if (inner.getNumRegions() != 0) {
      op.emitOpError("expects rules without nested regions in the nvvm room, "
                     "but found '")
          << inner.getName() << "'";
      failedRule = true;
    }
    b.clone(inner, map);
  }
  return map.lookupOrDefault(cast<YieldOp>(block.getTerminator()).getValue());
}

/// scale, then the score rule, then the mask: a dropped key's score is -inf.
Value AttentionKernel::applyRules(Value s, Value m, Value n, Masking masking) {
  if (!foldedScale)
    s = arith::MulFOp::create(b, s, scale);
  if (!op.getScore().empty())
    s = inlineRule(op.getScore(), s, m, n, masking);
  Value keep;
  if (masking != Masking::None && !op.getMask().empty())
    keep = inlineRule(op.getMask(), Value(), m, n, masking);
  if (masking == Masking::Edge) {
    Value exists =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, n, numKeys);
    keep = keep ? arith::AndIOp::create(b, exists, keep).getResult() : exists;
  }
  if (!keep)
    return s;
  return arith::SelectOp::create(b, keep, s, f32(kMinusInfinity));
}

/// The rules on a whole block of scores.
Value AttentionKernel::applyRules(Value scores, Value iteration,
                                  Masking masking) {
  if (foldedScale && masking == Masking::None)
    return scores;
  Value firstRow = arith::AddIOp::create(b, row, warpgroupRow);
  Value at[] = {firstRow, firstKey(iteration)};
  return map(
      scoreType, scores,
      [&](ValueRange x) { return applyRules(x[0], x[1], x[2], masking); }, at);
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// max(previous, max of the block), per row.
Value AttentionKernel::maximumOf(Value scores, Value previous) {
  Value block =
      frag::RowReduceOp::create(b, rowsType, frag::ReduceKind::Max, scores);
  block = frag::RowCombineOp::create(b, frag::ReduceKind::Max, block);
  if (!previous)
    return block;
  return map(rowsType, {previous, block}, [&](ValueRange x) {
    return arith::MaxNumFOp::create(b, x[0], x[1]);
  });
}

/// The maximum in the units of the exponent; 0 for a row without a kept key,
/// whose weights then are 2^-inf = 0 instead of NaN.
Value AttentionKernel::finiteMaximum(Value maximum) {
  return map(rowsType, maximum, [&](ValueRange x) -> Value {
    Value finite = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x[0],
                                         f32(kMinusInfinity));
    Value m = arith::SelectOp::create(b, finite, x[0], f32(0.0));
    return foldedScale ? arith::MulFOp::create(b, m, foldedScale).getResult()
                       : m;
  });
}

/// exp(score - maximum) of one element.
Value AttentionKernel::exponential(Value score, Value maximum) {
  if (foldedScale)
    return emitExp2(b, math::FmaOp::create(b, score, foldedScale,
                                           arith::NegFOp::create(b, maximum)));
  Value distance = arith::SubFOp::create(b, score, maximum);
  return emitExp2(b, arith::MulFOp::create(b, distance, f32(kLog2e)));
}

/// Of an accumulator or of rows.
Value AttentionKernel::exponentials(Type type, Value scores, Value maximum) {
  return map(type, {scores, maximum},
             [&](ValueRange x) { return exponential(x[0], x[1]); });
}

/// maximum + ln(sum); -inf where the sum is 0.
Value AttentionKernel::logSumExp(Value maximum, Value sum) {
  return map(rowsType, {maximum, sum}, [&](ValueRange x) -> Value {
    Value log2 = math::Log2Op::create(b, x[1]);
    Value lse;
    if (foldedScale) {
      Value base2 = math::FmaOp::create(b, x[0], foldedScale, log2);
      lse = arith::MulFOp::create(b, base2, f32(kLn2));
    } else {
      lse = math::FmaOp::create(b, log2, f32(kLn2), x[0]);
    }
    Value none =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x[1], f32(0.0));
    return arith::SelectOp::create(b, none, f32(kMinusInfinity), lse);
  });
}

/// sink - maximum, in powers of two.
Value AttentionKernel::sinkDistance(Value maximum) {
  if (foldedScale) {
    Value scaled = arith::MulFOp::create(b, sink, f32(kLog2e));
    return arith::SubFOp::create(b, scaled, maximum);
  }
  return arith::MulFOp::create(b, arith::SubFOp::create(b, sink, maximum),
                               f32(kLog2e));
}

/// f = 2^((maximum - M) / 2) with the larger of maximum and sink, M: O and its
/// sum are scaled by it twice, since 2^(sink - maximum) would overflow where O,
/// of large values, is still far from 0.
Value AttentionKernel::sinkRoot(Value maximum) {
  Value half = arith::MulFOp::create(b, sinkDistance(maximum), f32(-0.5));
  return emitExp2(b, arith::MinNumFOp::create(b, half, f32(0.0)));
}

/// 1 / sum, or f / (sum f^2 + 2^(sink - M)); 0 where no key was kept.
Value AttentionKernel::inverseOf(Value sum, Value maximum) {
  Value inverse;
  if (sink) {
    Value root = sinkRoot(maximum);
    Value below = arith::MinNumFOp::create(b, sinkDistance(maximum), f32(0.0));
    Value square = arith::MulFOp::create(b, root, root);
    Value total = math::FmaOp::create(b, sum, square, emitExp2(b, below));
    inverse = arith::MulFOp::create(b, root, emitReciprocal(b, total));
  } else {
    inverse = emitReciprocal(b, sum);
  }
  Value none =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, sum, f32(0.0));
  return arith::SelectOp::create(b, none, f32(0.0), inverse);
}

/// O / (sum + exp(sink - maximum)); 0 where no key was kept.
void AttentionKernel::storeResults(const SoftmaxState &state) {
  Value sum = frag::RowCombineOp::create(b, frag::ReduceKind::Add, state.sum);
  Value finite = finiteMaximum(state.maximum);
  Value inverse = map(rowsType, {sum, finite},
                      [&](ValueRange x) { return inverseOf(x[0], x[1]); });
  if (finalize.getInits().size() == 2) {
    Value first = arith::AddIOp::create(b, output.row, warpgroupRow);
    frag::StoreRowsOp::create(b, logSumExp(state.maximum, sum), lseBase, first,
                              numQueries);
  }
  auto product = [&](ValueRange x) {
    return arith::MulFOp::create(b, x[0], x[1]);
  };
  Value result = state.output, factor = inverse;
  if (sink) {
    Value root = map(rowsType, finite,
                     [&](ValueRange x) { return sinkRoot(x.front()); });
    result = map(outputType, {result, root}, product);
    factor = map(rowsType, {inverse, root}, product);
  }
  result = map(outputType, {result, inverse}, product);
  frag::PutOp::create(b, result, outputTile, warpgroupRow);
  if (maySpoilRows())
    mendRows(result, sum, finite, factor);
  Value firstRow = arith::AddIOp::create(b, output.row, warpgroupRow);
  frag::StoreOp::create(b, outputTile, warpgroupRow, outputColumns(),
                        output.map, firstRow, output.head, output.batch,
                        warpgroup);
}
