//===- DecodeKernel.cpp - Attention of few queries: channels in lanes ----===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a query attends alone, each element of K and V is used once for each
// row (query head of the key head, query): the lines of K and V, read once, are
// the time. Lanes are channels in both products. Per step of keys (the grid is
// anchored at key 0):
//
//   s[n, row] = sum of lanes (K[n] * Q[row])     as many sums as lanes at once
//   m'        = max(m, max s), O and l times 2^(m - m')   (seldom moves)
//   p         = 2^(s - m'), -0.0 where dropped
//   l        += sum p,   O[row] += p[n, row] V[n]
//
// While K is multiplied the step's V is prefetched, and the next step's K
// while V is. A lane of s holds one key and one row; every sum is a tree over
// positions of the grid, so that a row's bits depend neither on how many rows
// share the task nor on where its range of keys begins. Because 0 * NaN is
// NaN, a task whose O comes out non-finite although keys were dropped is done
// again, leaving those out one by one. Sources: Dao et al., Flash-Decoding for
// long-context inference (2023); Shazeer, Fast transformer decoding (2019).
//===----------------------------------------------------------------------===//

#include "DecodeKernel.h"
#include "Kernels.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

DecodeKernel::DecodeKernel(ImplicitLocOpBuilder &b, OnlineSdpaOp op,
                           FinalizeOp finalize, const DecodeSizes &sizes)
    : op(op), finalize(finalize),
      k(b, op.getAccumulatorType(), op.getPlan()->getLanes()), region(k, op),
      sizes(sizes), keyBlock(op.getPlan()->getKeyBlock()),
      slots(llvm::PowerOf2Ceil(sizes.rows())), keysPerVector(k.lanes / slots),
      accumulators(op.getPlan()->getValueRows()) {}

void DecodeKernel::emit() {
  zero = k.index(0);
  one = k.index(1);
  query = {op.getQuery(), op.getLayout(0), zero};
  key = {op.getKey(), op.getLayout(1), zero};
  value = {op.getValue(), op.getLayout(2), zero};
  output = {finalize.getInits()[0], finalize.getLayout(), zero};
  auto scratch = [&](int64_t rows, int64_t columns) {
    return k.scratch({k.b.getIndexAttr(rows), k.b.getIndexAttr(columns)});
  };
  queryRows = scratch(slots, llvm::alignTo(sizes.depth, k.lanes));
  outputRows = scratch(sizes.rows(), llvm::alignTo(sizes.valueDepth, k.lanes));
  scores = k.scratch({k.b.getIndexAttr(keyBlock * slots)});
  results = scratch(2, k.lanes);
  if (!key.contiguousRows())
    keyScratch = scratch(keyBlock, sizes.depth);
  if (!value.contiguousRows())
    valueScratch = scratch(keyBlock, sizes.valueDepth);
  packQueries();
  storeResults(canDrop() ? walkTwiceAtMost() : walkKeys(Value()));
}

/// The walk, and again with care where dropped keys may have left a NaN.
Values DecodeKernel::walkTwiceAtMost() {
  ImplicitLocOpBuilder &b = k.b;
  Value no = arith::ConstantOp::create(b, b.getBoolAttr(false));
  Value yes = arith::ConstantOp::create(b, b.getBoolAttr(true));
  SmallVector<Type> types{k.vector, k.vector};
  auto attempt = scf::WhileOp::create(b, types, ValueRange{no});
  OpBuilder::InsertionGuard guard(b);
  Block *before =
      b.createBlock(&attempt.getBefore(), {}, no.getType(), b.getLoc());
  Value careful = before->getArgument(0);
  Values state = walkKeys(careful);
  Value first = arith::XOrIOp::create(b, careful, yes);
  scf::ConditionOp::create(b, arith::AndIOp::create(b, first, anyNonFinite()),
                           state);
  b.createBlock(&attempt.getAfter(), {}, types,
                SmallVector<Location>(types.size(), b.getLoc()));
  scf::YieldOp::create(b, yes);
  return Values(attempt.getResults());
}

/// queryRows[row][d] = Q[h][m][d] * scale (* log2 e); padding repeats the last
/// row, and has zeros behind the channels.
void DecodeKernel::packQueries() {
  Value factor = scoreFactor(k, op.getScale(), hasScore());
  Value factors = k.broadcast(factor), last = k.index(sizes.rows() - 1);
  k.loop(zero, k.index(slots), 1, {}, [&](Value slot, ValueRange) -> Values {
    Value row = k.min(slot, last), queries = k.index(sizes.queries);
    Value h = arith::DivUIOp::create(k.b, row, queries);
    Value m = arith::RemUIOp::create(k.b, row, queries);
    if (query.contiguousRows()) {
      for (int64_t d = 0; d < sizes.depth; d += k.lanes) {
        Value x = k.loadFirst(query.memref, query.at(h, m, k.index(d)),
                              sizes.depth - d);
        k.store(k.mulf(x, factors), queryRows, {slot, k.index(d)});
      }
      return {};
    }
    int64_t lastVector = llvm::alignDown(sizes.depth - 1, k.lanes);
    k.store(k.splat(0.0), queryRows, {slot, k.index(lastVector)});
    k.loop(zero, k.index(sizes.depth), 1, {}, [&](Value d, ValueRange) {
      Value x = k.loadScalar(query.memref, query.at(h, m, d));
      k.storeScalar(arith::MulFOp::create(k.b, x, factor), queryRows,
                    {slot, d});
      return Values();
    });
    return {};
  });
}

/// All keys of the task: (maximum, sum) of each row, in all lanes of the row.
/// `careful` is i1, or null where no key can be dropped.
Values DecodeKernel::walkKeys(Value careful) {
  clearOutput();
  Values init{k.splat(-kInfinity), k.splat(0.0)};
  return k.loop(k.floorTo(op.getLo(), keyBlock), op.getHi(), keyBlock, init,
                [&](Value start, ValueRange state) {
                  return keyStep(start, state, careful);
                });
}

KeyStep DecodeKernel::makeStep(Value start) {
  KeyStep step;
  step.start = start;
  step.first = k.max(start, op.getLo());
  step.end = k.min(k.add(start, keyBlock), op.getHi());
  Value count = k.sub(step.end, step.first);
  step.keys = key;
  step.values = value;
  step.keyBase = step.valueBase = zero;
  if (keyScratch) {
    step.keys = widen(k, key, keyScratch, step.first, count);
    step.keyBase = step.first;
  }
  if (valueScratch) {
    step.values = widen(k, value, valueScratch, step.first, count);
    step.valueBase = step.first;
  }
  return step;
}

Values DecodeKernel::keyStep(Value start, ValueRange state, Value careful) {
  KeyStep step = makeStep(start);
  storeScores(step);
  Value maximum = k.maxOrSecond(largest(), state[0]);
  Value none =
      k.compare(arith::CmpFPredicate::OEQ, maximum, k.splat(-kInfinity));
  Value safe = k.select(none, k.splat(0.0), maximum);
  Value alpha = exponential(k, k.subf(state[0], safe), hasScore());
  Value grew = k.compare(arith::CmpFPredicate::OGT, maximum, state[0]);
  k.when(vector::ReductionOp::create(k.b, vector::CombiningKind::OR, grew),
         [&] { scaleOutput(alpha); });
  Value sum = k.addf(k.mulf(state[1], alpha), weights(safe));
  auto add = [&](bool skipsDropped) -> Values {
    accumulate(step, skipsDropped);
    return {};
  };
  if (careful)
    k.branch(
        careful, {}, [&] { return add(true); }, [&] { return add(false); });
  else
    add(false);
  return {maximum, sum};
}

void DecodeKernel::storeResults(ValueRange state) {
  Value maximum = state[0], sum = state[1];
  Value none = k.compare(arith::CmpFPredicate::OEQ, sum, k.splat(0.0));
  Value inverse;
  if (finalize.getSinks().empty()) {
    inverse = k.divf(k.splat(1.0), sum);
  } else {
    Values sinks;
    for (int64_t row : perLane([](int64_t, int64_t row) { return row; }))
      sinks.push_back(finalize.getSinks()[row / sizes.queries]);
    Value root;
    std::tie(root, inverse) =
        sinkFactors(k, vector::FromElementsOp::create(k.b, k.vector, sinks),
                    maximum, sum, hasScore());
    scaleOutput(root);
  }
  k.store(k.select(none, k.splat(0.0), inverse), results, {zero, zero});
  bool wantsLse = finalize.getInits().size() == 2;
  if (wantsLse)
    k.store(logSumExp(k, maximum, sum, hasScore()), results, {one, zero});
  Value queries = k.index(sizes.queries);
  k.loop(zero, k.index(sizes.heads), 1, {}, [&](Value h, ValueRange) -> Values {
    k.loop(zero, queries, 1, {}, [&](Value m, ValueRange) -> Values {
      Value row = k.add(k.mul(h, queries), m);
      storeRow(h, m, row);
      if (wantsLse)
        k.storeScalar(k.loadScalar(results, {one, row}), finalize.getInits()[1],
                      {zero, h, m});
      return {};
    });
    return {};
  });
}

/// O[h][m] = outputRows[row] * results[0][row].
void DecodeKernel::storeRow(Value h, Value m, Value row) {
  Value inverse = k.loadScalar(results, {zero, row});
  Value inverses = k.broadcast(inverse);
  int64_t whole =
      output.contiguousRows() ? llvm::alignDown(sizes.valueDepth, k.lanes) : 0;
  k.loop(zero, k.index(whole), k.lanes, {}, [&](Value d, ValueRange) -> Values {
    k.store(k.mulf(k.load(outputRows, {row, d}), inverses), output.memref,
            output.at(h, m, d));
    return {};
  });
  k.loop(k.index(whole), k.index(sizes.valueDepth), 1, {},
         [&](Value d, ValueRange) -> Values {
           Value x = arith::MulFOp::create(
               k.b, k.loadScalar(outputRows, {row, d}), inverse);
           k.storeScalar(x, output.memref, output.at(h, m, d));
           return {};
         });
}

/// What the kernel asks of a plan and of sizes, which a person may have
/// written.
static FailureOr<DecodeSizes> readSizes(FinalizeOp finalize, OnlineSdpaOp op) {
  auto dim = [&](Value value, unsigned operand, unsigned d) {
    return getLogicalDim(cast<ShapedType>(value.getType()),
                         op.getLayout(operand), d);
  };
  DecodeSizes sizes{dim(op.getQuery(), 0, 1), dim(op.getQuery(), 0, 2),
                    dim(op.getQuery(), 0, 3), dim(op.getValue(), 2, 3)};
  for (auto [name, size] : {std::pair<StringRef, int64_t>{"heads", sizes.heads},
                            {"queries", sizes.queries},
                            {"query head size", sizes.depth},
                            {"value head size", sizes.valueDepth}})
    if (ShapedType::isDynamic(size) || size < 1)
      return op.emitOpError() << "expects a known number of " << name
                              << " where the plan's form is decode";
  PlanAttr plan = *op.getPlan();
  if (!llvm::isPowerOf2_64(plan.getLanes()) ||
      !llvm::isPowerOf2_64(plan.getKeyBlock()) ||
      plan.getKeyBlock() < plan.getLanes())
    return op.emitOpError()
           << "expects lanes and key_block to be powers of two, key_block the "
              "larger, where the plan's form is decode, but got "
           << plan;
  if (sizes.rows() > plan.getLanes())
    return op.emitOpError()
           << "expects as many rows of heads and queries as lanes ("
           << plan.getLanes() << ") at most where the plan's form is decode, "
           << "but got " << sizes.heads << " x " << sizes.queries;
  return sizes;
}

LogicalResult attn::emitDecodeKernel(FinalizeOp finalize, OnlineSdpaOp op) {
  FailureOr<DecodeSizes> sizes = readSizes(finalize, op);
  if (failed(sizes))
    return failure();
  ImplicitLocOpBuilder b(finalize.getLoc(), finalize);
  DecodeKernel(b, op, finalize, *sizes).emit();
  finalize.erase();
  op.erase();
  return success();
}
