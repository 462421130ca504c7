//===- AttentionKernel.cpp - The fused attention kernel: queries in lanes
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// S^T = K Q^T and O^T = V^T P^T with queries in the vector lanes: maximum, sum
// and rescale are lanewise, K and V are read in place as scalar broadcasts,
// and a row's bits depend on no other row. The maximum lags: m comes from the
// first keys and changes only when a block's weights overflow. Per block of
// keys (the grid is anchored at key 0):
//
//   S^T tile  = K[rows] . Q^T - m                  accumulators start at -m
//   p         = 2^s, -0.0 where dropped            l' = sum p
//   where not l' <= 2^24: m = max s, O^T and l rescaled, p again (rare)
//   O^T      += V^T p
//
// Padded lanes repeat the last query, so they may be stored over it. A dropped
// key has p = -0.0 (a kept one +0.0 at least); where a partial block leaves O
// non-finite, because 0 * NaN is NaN, it is taken again without them, from a
// copy: reloading the same O would keep it in registers through the hot loop.
// Without a score region scale * log2(e) is folded into Q.
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "RegionVectorizer.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <limits>

using namespace mlir;
using namespace attn;

static constexpr double kLog2e = 1.4426950408889634;
static constexpr double kLn2 = 0.6931471805599453;
// Keys that the first maximum is taken from.
static constexpr int64_t kSampledKeys = 8;
// Keys of a tile in code that seldom runs.
static constexpr int64_t kColdTile = 4;
// Weights of a block may add up to this before the maximum is raised: far from
// overflow, and f32 keeps its precision.
static constexpr double kLargestSum = 16777216.0;
static constexpr double kInfinity = std::numeric_limits<double>::infinity();

namespace {
/// A [1,1,S,D] operand in its memory order, addressed by (s, d).
struct Rows {
  Value memref;
  AffineMap layout;
  Value zero;

  Values at(Value s, Value d) const {
    return applyLayout<Value>(layout, {zero, zero, s, d});
  }
  /// Channels [d, d + count) of row s, as one view: its elements are then a
  /// fixed distance from one pointer instead of `count` sums of indices, which
  /// would each hold a register.
  Value channels(ImplicitLocOpBuilder &b, Value s, Value d,
                 int64_t count) const {
    OpFoldResult first = b.getIndexAttr(0), one = b.getIndexAttr(1);
    SmallVector<OpFoldResult> offsets =
        applyLayout<OpFoldResult>(layout, {first, first, s, d});
    SmallVector<OpFoldResult> sizes = applyLayout<OpFoldResult>(
        layout, {one, one, one, b.getIndexAttr(count)});
    SmallVector<OpFoldResult> strides(4, one);
    MemRefType type = memref::SubViewOp::inferRankReducedResultType(
        {count}, cast<MemRefType>(memref.getType()), offsets, sizes, strides);
    return memref::SubViewOp::create(b, type, memref, offsets, sizes, strides);
  }
  bool contiguousRows() const {
    return getLayoutPosition(layout, 3) == 3 && isInnermostContiguous(memref);
  }
};

/// One block of keys: [start, start + count), rows addressed from `base`.
struct KeyBlock {
  Value start, count;
  Value partial; // i1, or null where no key can be dropped
  Rows keys, values;
  Value base;
};

class AttentionKernel {
public:
  AttentionKernel(ImplicitLocOpBuilder &b, OnlineSdpaOp op, FinalizeOp finalize)
      : op(op), finalize(finalize), plan(*op.getPlan()),
        k(b, op.getAccumulatorType(), plan.getLanes()), region(k, op) {}

  void emit();

private:
  Value dim(const Rows &rows, unsigned d);
  void emitTile(Value firstRow, Value rows);
  void walkKeys(int64_t vectors, Value globalFirst);
  void packQueries(Value width, Value firstRow, Value last);
  void packQueriesByBlocks(Value width, Value firstRow, Value last,
                           Value factor);
  KeyBlock makeBlock(Value blockStart, int64_t size);
  Rows widen(const Rows &source, Value scratch, Value start, Value count);
  Values scoreTile(int64_t vectors, int64_t tile, const KeyBlock &block,
                   Value first, ValueRange init);
  void storeScores(int64_t vectors, int64_t tile, const KeyBlock &block,
                   ValueRange init);
  Values kept(int64_t vectors, const KeyBlock &block, Value r, ValueRange s,
              Value firstRow);
  Values exactMaximum(int64_t vectors, const KeyBlock &block, Value firstRow);
  Values weights(int64_t vectors, const KeyBlock &block, ValueRange init,
                 Value firstRow);
  Values weightRow(int64_t vectors, const KeyBlock &block, Value r,
                   ValueRange init, ValueRange sums, Value firstRow,
                   bool dropping);
  Values keyStep(int64_t vectors, const KeyBlock &block, ValueRange carried,
                 Value firstRow);
  Values raiseMaximum(int64_t vectors, const KeyBlock &block,
                      ValueRange maximum, ValueRange sums, ValueRange blockSums,
                      Value firstRow);
  void accumulate(int64_t vectors, const KeyBlock &block);
  void accumulateTile(int64_t vectors, int64_t channels, const KeyBlock &block,
                      Value channel);
  void copyOutput(int64_t vectors, Value from, Value to);
  Value anyNonFinite(int64_t vectors);
  void accumulateKept(int64_t vectors, const KeyBlock &block);
  void storeStatistics(int64_t vectors, ValueRange maximum, ValueRange sums);
  Value sinkWeight(Value maximum);
  void storeRows(Value width, Value firstRow, Value last, Value rows);

  bool hasScore() { return !op.getScore().empty(); }
  bool hasMask() { return !op.getMask().empty(); }
  bool canDrop() { return hasScore() || hasMask(); }
  bool widens() {
    return getElementTypeOrSelf(op.getKey().getType()) != k.accumulator;
  }
  /// Exponent in base 2 of a difference of scores.
  Value exponential(Value difference) {
    return k.exp2(hasScore() ? k.mulf(difference, k.splat(kLog2e))
                             : difference);
  }
  Value column(int64_t vector) { return k.index(vector * k.lanes); }

  OnlineSdpaOp op;
  FinalizeOp finalize;
  PlanAttr plan;
  KernelBuilder k;
  RegionVectorizer region;
  Rows query, key, value, output;
  Value zero, one, headSize, valueSize;
  Value queriesT, outputT, savedT, scoresT, statistics, keyScratch,
      valueScratch;
};
} // namespace

Value AttentionKernel::dim(const Rows &rows, unsigned d) {
  return k.b.createOrFold<memref::DimOp>(rows.memref,
                                         getLayoutPosition(rows.layout, d));
}

void AttentionKernel::emit() {
  zero = k.index(0);
  one = k.index(1);
  query = {op.getQuery(), op.getLayout(0), zero};
  key = {op.getKey(), op.getLayout(1), zero};
  value = {op.getValue(), op.getLayout(2), zero};
  output = {finalize.getInits()[0], finalize.getLayout(), zero};
  headSize = dim(query, 3);
  valueSize = dim(value, 3);
  int64_t tile = plan.getQueryVectors() * k.lanes;
  OpFoldResult width = k.b.getIndexAttr(tile);
  OpFoldResult depth = getAsOpFoldResult(headSize);
  OpFoldResult valueDepth = getAsOpFoldResult(valueSize);
  OpFoldResult block = k.b.getIndexAttr(plan.getKeyBlock());
  queriesT = k.scratch({depth, width});
  outputT = k.scratch({valueDepth, width});
  scoresT = k.scratch({block, width});
  if (canDrop())
    savedT = k.scratch({valueDepth, width});
  if (widens()) {
    keyScratch = k.scratch({block, depth});
    valueScratch = k.scratch({block, valueDepth});
  }
  statistics = k.scratch({k.b.getIndexAttr(2), width});
  k.loop(zero, dim(query, 2), tile, {}, [&](Value first, ValueRange) -> Values {
    emitTile(first, k.min(k.index(tile), k.sub(dim(query, 2), first)));
    return {};
  });
}

/// One tile of queries. What surrounds the keys is shared by both widths.
void AttentionKernel::emitTile(Value firstRow, Value rows) {
  Value last = k.sub(k.add(firstRow, rows), one);
  Value width = k.mul(k.ceilDiv(rows, k.lanes), k.index(k.lanes));
  region.setGroup(op.getBatch(), op.getHead(), k.add(op.getRow(), last));
  // A tail of one vector or less has its own, narrower tile.
  int64_t vectors = plan.getQueryVectors();
  Value wide = k.less(k.index(k.lanes), rows);
  if (vectors > 1)
    width = k.select(wide, k.index(vectors * k.lanes), k.index(k.lanes));
  packQueries(width, firstRow, last);
  auto walk = [&](int64_t vectors) -> Values {
    walkKeys(vectors, k.add(op.getRow(), firstRow));
    return {};
  };
  if (vectors > 1)
    k.branch(wide, {}, [&] { return walk(vectors); }, [&] { return walk(1); });
  else
    walk(1);
  storeRows(width, firstRow, last, rows);
  if (finalize.getInits().size() == 2)
    k.loop(zero, rows, 1, {}, [&](Value i, ValueRange) -> Values {
      k.storeScalar(k.loadScalar(statistics, {one, i}), finalize.getInits()[1],
                    {zero, zero, k.add(firstRow, i)});
      return {};
    });
}

void AttentionKernel::walkKeys(int64_t vectors, Value globalFirst) {
  Value zeros = k.splat(0.0);
  k.loop(zero, valueSize, 1, {}, [&](Value d, ValueRange) -> Values {
    for (int64_t j = 0; j < vectors; ++j)
      k.store(zeros, outputT, {d, column(j)});
    return {};
  });
  KeyBlock sample = makeBlock(op.getLo(), kSampledKeys);
  Values init = exactMaximum(vectors, sample, globalFirst);
  init.append(vectors, zeros);
  Value firstBlock = k.floorTo(op.getLo(), plan.getKeyBlock());
  Values state =
      k.loop(firstBlock, op.getHi(), plan.getKeyBlock(), init,
             [&](Value blockStart, ValueRange carried) -> Values {
               KeyBlock block = makeBlock(blockStart, plan.getKeyBlock());
               Values result = keyStep(vectors, block, carried, globalFirst);
               accumulate(vectors, block);
               return result;
             });
  storeStatistics(vectors, ValueRange(state).take_front(vectors),
                  ValueRange(state).drop_front(vectors));
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

/// queriesT[d][i] = Q[min(first + i, last)][d] * scale (* log2 e).
void AttentionKernel::packQueries(Value width, Value firstRow, Value last) {
  Value factor = op.getScale();
  if (!hasScore())
    factor = arith::MulFOp::create(k.b, factor, k.scalar(kLog2e));
  std::optional<int64_t> depth = getConstantIntValue(headSize);
  if (query.contiguousRows() && depth && *depth % k.lanes == 0) {
    packQueriesByBlocks(width, firstRow, last, factor);
    return;
  }
  k.loop(zero, width, 1, {}, [&](Value i, ValueRange) -> Values {
    Value row = k.min(k.add(firstRow, i), last);
    k.loop(zero, headSize, 1, {}, [&](Value d, ValueRange) -> Values {
      Value x = k.loadScalar(query.memref, query.at(row, d));
      k.storeScalar(arith::MulFOp::create(k.b, x, factor), queriesT, {d, i});
      return {};
    });
    return {};
  });
}

void AttentionKernel::packQueriesByBlocks(Value width, Value firstRow,
                                          Value last, Value factor) {
  Value factors = k.broadcast(factor);
  k.loop(zero, width, k.lanes, {}, [&](Value i, ValueRange) -> Values {
    k.loop(zero, headSize, k.lanes, {}, [&](Value d, ValueRange) -> Values {
      Values rows;
      for (int64_t lane = 0; lane < k.lanes; ++lane) {
        Value row = k.min(k.add(k.add(firstRow, i), lane), last);
        Value x = k.load(query.memref, query.at(row, d));
        rows.push_back(k.mulf(x, factors));
      }
      rows = k.transpose(rows);
      for (auto [lane, row] : llvm::enumerate(rows))
        k.store(row, queriesT, {k.add(d, lane), i});
      return {};
    });
    return {};
  });
}

//===----------------------------------------------------------------------===//
// Keys and scores
//===----------------------------------------------------------------------===//

KeyBlock AttentionKernel::makeBlock(Value blockStart, int64_t size) {
  KeyBlock block;
  block.start = k.max(blockStart, op.getLo());
  Value end = k.min(k.add(blockStart, size), op.getHi());
  block.count = k.sub(end, block.start);
  if (hasScore()) {
    block.partial = arith::ConstantOp::create(k.b, k.b.getBoolAttr(true));
  } else if (hasMask()) {
    Value before = k.less(block.start, op.getFullLo());
    Value after = k.less(op.getFullHi(), end);
    block.partial = arith::OrIOp::create(k.b, before, after);
  }
  block.keys = key;
  block.values = value;
  block.base = block.start;
  if (widens()) {
    block.keys = widen(key, keyScratch, block.start, block.count);
    block.values = widen(value, valueScratch, block.start, block.count);
    block.base = zero;
  }
  return block;
}

/// Copies rows [start, start + count) to `scratch` in the accumulator type.
Rows AttentionKernel::widen(const Rows &source, Value scratch, Value start,
                            Value count) {
  Value depth = k.b.createOrFold<memref::DimOp>(scratch, 1);
  k.loop(zero, count, 1, {}, [&](Value r, ValueRange) -> Values {
    Value row = k.add(start, r), vectorEnd = zero;
    if (source.contiguousRows()) {
      vectorEnd = k.floorTo(depth, k.lanes);
      k.loop(zero, vectorEnd, k.lanes, {}, [&](Value d, ValueRange) -> Values {
        k.store(k.load(source.memref, source.at(row, d)), scratch, {r, d});
        return {};
      });
    }
    k.loop(vectorEnd, depth, 1, {}, [&](Value d, ValueRange) -> Values {
      k.storeScalar(k.loadScalar(source.memref, source.at(row, d)), scratch,
                    {r, d});
      return {};
    });
    return {};
  });
  // [1,1,S,D] with unit dimensions in front of the scratch's rows.
  auto type = cast<MemRefType>(scratch.getType());
  SmallVector<int64_t> shape{1, 1, type.getDimSize(0), type.getDimSize(1)};
  SmallVector<OpFoldResult> sizes{k.b.getIndexAttr(1), k.b.getIndexAttr(1),
                                  k.b.getIndexAttr(shape[2]),
                                  getAsOpFoldResult(depth)};
  Value expanded = memref::ExpandShapeOp::create(
      k.b, shape, scratch, SmallVector<ReassociationIndices>{{0, 1, 2}, {3}},
      sizes);
  return {expanded, getIdentityLayout(k.b.getContext()), zero};
}

/// tile x vectors accumulators; rows past the block repeat its last key.
Values AttentionKernel::scoreTile(int64_t vectors, int64_t tile,
                                  const KeyBlock &block, Value first,
                                  ValueRange init) {
  Value lastKey = k.sub(block.count, one);
  Values rows, start;
  for (int64_t i = 0; i < tile; ++i) {
    rows.push_back(k.add(block.base, k.min(k.add(first, i), lastKey)));
    llvm::append_range(start, init);
  }
  return k.hotLoop(
      zero, headSize, start, [&](Value d, ValueRange accumulators) -> Values {
        Values q, result;
        for (int64_t j = 0; j < vectors; ++j)
          q.push_back(k.load(queriesT, {d, column(j)}));
        for (int64_t i = 0; i < tile; ++i) {
          Value x = k.broadcast(
              k.loadScalar(block.keys.memref, block.keys.at(rows[i], d)));
          for (int64_t j = 0; j < vectors; ++j)
            result.push_back(k.fma(x, q[j], accumulators[i * vectors + j]));
        }
        return result;
      });
}

/// init + K Q^T of the block to scratch.
void AttentionKernel::storeScores(int64_t vectors, int64_t tile,
                                  const KeyBlock &block, ValueRange init) {
  k.loop(zero, block.count, tile, {}, [&](Value first, ValueRange) -> Values {
    Values s = scoreTile(vectors, tile, block, first, init);
    for (int64_t i = 0; i < tile; ++i)
      for (int64_t j = 0; j < vectors; ++j)
        k.store(s[i * vectors + j], scoresT, {k.add(first, i), column(j)});
    return {};
  });
}

/// Which queries keep key `r`: not masked, and no score of -inf. Only where
/// keys can be dropped at all.
Values AttentionKernel::kept(int64_t vectors, const KeyBlock &block, Value r,
                             ValueRange s, Value firstRow) {
  Values result;
  for (int64_t j = 0; j < vectors; ++j) {
    Value row = k.add(firstRow, j * k.lanes);
    Value keep;
    if (hasMask())
      keep = region.mask(row, k.add(block.start, r));
    if (hasScore()) {
      Value finite =
          k.compare(arith::CmpFPredicate::UNE, s[j], k.splat(-kInfinity));
      keep = keep ? Value(arith::AndIOp::create(k.b, keep, finite)) : finite;
    }
    result.push_back(keep);
  }
  return result;
}

/// Largest kept score per query, -inf where none is; leaves scores in scratch.
Values AttentionKernel::exactMaximum(int64_t vectors, const KeyBlock &block,
                                     Value firstRow) {
  storeScores(vectors, kColdTile, block, Values(vectors, k.splat(0.0)));
  return k.loop(zero, block.count, 1, Values(vectors, k.splat(-kInfinity)),
                [&](Value r, ValueRange carried) -> Values {
                  Values s, result;
                  for (int64_t j = 0; j < vectors; ++j) {
                    s.push_back(k.load(scoresT, {r, column(j)}));
                    if (hasScore())
                      s[j] = region.score(s[j], k.add(firstRow, j * k.lanes),
                                          k.add(block.start, r));
                  }
                  Values keep;
                  if (canDrop())
                    keep = kept(vectors, block, r, s, firstRow);
                  for (int64_t j = 0; j < vectors; ++j) {
                    Value x = canDrop()
                                  ? k.select(keep[j], s[j], k.splat(-kInfinity))
                                  : s[j];
                    result.push_back(k.maxOrSecond(x, carried[j]));
                  }
                  return result;
                });
}

/// Leaves p = 2^(s - m), -0.0 where dropped, in scratch; returns its sums.
/// `init` is -m, where the accumulators start when there is no score region.
Values AttentionKernel::weights(int64_t vectors, const KeyBlock &block,
                                ValueRange init, Value firstRow) {
  Values zeros(vectors, k.splat(0.0));
  storeScores(vectors, plan.getKeyRows(), block,
              hasScore() ? ValueRange(zeros) : init);
  auto pass = [&](Value lo, Value hi, ValueRange sums, bool dropping) {
    return k.loop(lo, hi, 1, sums, [&](Value r, ValueRange carried) -> Values {
      return weightRow(vectors, block, r, init, carried, firstRow, dropping);
    });
  };
  if (!canDrop())
    return pass(zero, block.count, zeros, false);
  if (hasScore())
    return pass(zero, block.count, zeros, true);
  // In key order: masked keys, full ones, masked ones. Two rounds of (masked,
  // full) share the code.
  Value fullLo =
      k.min(k.max(k.sub(op.getFullLo(), block.start), zero), block.count);
  Value fullHi =
      k.min(k.max(k.sub(op.getFullHi(), block.start), fullLo), block.count);
  return k.loop(
      zero, k.index(2), 1, zeros, [&](Value round, ValueRange sums) -> Values {
        Value first =
            arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, round, zero);
        Value lo = k.select(first, zero, fullHi);
        Value middle = k.select(first, fullLo, block.count);
        Value hi = k.select(first, fullHi, block.count);
        Values masked = pass(lo, middle, sums, true);
        return pass(middle, hi, masked, false);
      });
}

/// Weights of one key for all queries of the tile.
Values AttentionKernel::weightRow(int64_t vectors, const KeyBlock &block,
                                  Value r, ValueRange init, ValueRange sums,
                                  Value firstRow, bool dropping) {
  Values s, p, keep, result;
  for (int64_t j = 0; j < vectors; ++j) {
    s.push_back(k.load(scoresT, {r, column(j)}));
    Value x = s[j];
    if (hasScore()) {
      s[j] = region.score(s[j], k.add(firstRow, j * k.lanes),
                          k.add(block.start, r));
      x = k.mulf(k.addf(s[j], init[j]), k.splat(kLog2e));
    }
    p.push_back(k.exp2(x));
  }
  if (dropping)
    keep = kept(vectors, block, r, s, firstRow);
  for (int64_t j = 0; j < vectors; ++j) {
    if (dropping)
      p[j] = k.select(keep[j], p[j], k.splat(-0.0));
    k.store(p[j], scoresT, {r, column(j)});
    result.push_back(k.addf(sums[j], p[j]));
  }
  return result;
}

/// One block: (maxima, sums) before to after, weights left in scratch. Run
/// again, once, with raised maxima when a weight came out too large.
Values AttentionKernel::keyStep(int64_t vectors, const KeyBlock &block,
                                ValueRange carried, Value firstRow) {
  ImplicitLocOpBuilder &b = k.b;
  Values init(carried);
  init.push_back(arith::ConstantOp::create(b, b.getBoolAttr(false)));
  SmallVector<Type> types = llvm::to_vector(ValueRange(init).getTypes());
  SmallVector<Location> locs(types.size(), b.getLoc());
  auto attempt = scf::WhileOp::create(b, types, init);
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&attempt.getBefore(), {}, types, locs);
  ValueRange arguments = before->getArguments();
  ValueRange maximum = arguments.take_front(vectors);
  ValueRange sums = arguments.slice(vectors, vectors);
  Value repeated = arguments.back();
  // A query without a kept key so far has m = -inf: starting at +inf its first
  // one comes out too large; repeated, it starts at 0 when it still has none.
  Values start;
  for (Value m : maximum) {
    Value none = k.compare(arith::CmpFPredicate::OEQ, m, k.splat(-kInfinity));
    Value settled = k.select(
        arith::AndIOp::create(b, none, k.broadcast(repeated)), k.splat(0.0), m);
    start.push_back(k.subf(k.splat(0.0), settled));
  }
  Values blockSums = weights(vectors, block, start, firstRow);
  Value fits;
  for (Value sum : blockSums) {
    Value small =
        k.compare(arith::CmpFPredicate::OLE, sum, k.splat(kLargestSum));
    fits = fits ? Value(arith::AndIOp::create(b, fits, small)) : small;
  }
  Value all = vector::ReductionOp::create(b, vector::CombiningKind::AND, fits);
  Value done = arith::OrIOp::create(b, all, repeated);
  Values next = k.branch(
      done, TypeRange(ValueRange(carried)),
      [&]() -> Values {
        Values result(maximum);
        for (int64_t j = 0; j < vectors; ++j)
          result.push_back(k.addf(sums[j], blockSums[j]));
        return result;
      },
      [&]() -> Values {
        return raiseMaximum(vectors, block, maximum, sums, blockSums, firstRow);
      });
  Value yes = arith::ConstantOp::create(b, b.getBoolAttr(true));
  next.push_back(yes);
  scf::ConditionOp::create(b, arith::XOrIOp::create(b, done, yes), next);
  Block *after = b.createBlock(&attempt.getAfter(), {}, types, locs);
  scf::YieldOp::create(b, after->getArguments());
  Values result(attempt.getResults());
  result.pop_back();
  return result;
}

/// New maxima and rescaled sums for the queries whose weights overflowed; the
/// others keep every bit.
Values AttentionKernel::raiseMaximum(int64_t vectors, const KeyBlock &block,
                                     ValueRange maximum, ValueRange sums,
                                     ValueRange blockSums, Value firstRow) {
  Values exact = exactMaximum(vectors, block, firstRow);
  Values raised, rescaled, alpha;
  Value unit = k.splat(1.0);
  for (int64_t j = 0; j < vectors; ++j) {
    Value fits = k.compare(arith::CmpFPredicate::OLE, blockSums[j],
                           k.splat(kLargestSum));
    raised.push_back(k.select(fits, maximum[j], exact[j]));
    Value none =
        k.compare(arith::CmpFPredicate::OEQ, raised[j], k.splat(-kInfinity));
    Value safe = k.select(none, k.splat(0.0), raised[j]);
    Value factor = exponential(k.subf(maximum[j], safe));
    alpha.push_back(k.select(fits, unit, factor));
    rescaled.push_back(k.mulf(sums[j], alpha[j]));
  }
  k.loop(zero, valueSize, 1, {}, [&](Value d, ValueRange) -> Values {
    for (int64_t j = 0; j < vectors; ++j)
      k.store(k.mulf(k.load(outputT, {d, column(j)}), alpha[j]), outputT,
              {d, column(j)});
    return {};
  });
  raised.append(rescaled);
  return raised;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// O^T += V^T p of the block.
void AttentionKernel::accumulate(int64_t vectors, const KeyBlock &block) {
  if (canDrop())
    k.when(block.partial, [&] { copyOutput(vectors, outputT, savedT); });
  int64_t tile = plan.getValueRows();
  Value tiledEnd = k.floorTo(valueSize, tile);
  k.loop(zero, tiledEnd, tile, {}, [&](Value d, ValueRange) -> Values {
    accumulateTile(vectors, tile, block, d);
    return {};
  });
  std::optional<int64_t> depth = getConstantIntValue(valueSize);
  if (!depth) {
    k.loop(tiledEnd, valueSize, 1, {}, [&](Value d, ValueRange) -> Values {
      accumulateTile(vectors, 1, block, d);
      return {};
    });
  } else if (int64_t rest = *depth % tile) {
    accumulateTile(vectors, rest, block, k.index(*depth - rest));
  }
  if (canDrop())
    k.when(block.partial, [&] {
      k.when(anyNonFinite(vectors), [&] { accumulateKept(vectors, block); });
    });
}

void AttentionKernel::accumulateTile(int64_t vectors, int64_t channels,
                                     const KeyBlock &block, Value channel) {
  Values init;
  for (int64_t i = 0; i < channels; ++i)
    for (int64_t j = 0; j < vectors; ++j)
      init.push_back(k.load(outputT, {k.add(channel, i), column(j)}));
  Values sums = k.hotLoop(
      zero, block.count, init, [&](Value r, ValueRange carried) -> Values {
        Values p, result;
        Value v =
            block.values.channels(k.b, k.add(block.base, r), channel, channels);
        for (int64_t j = 0; j < vectors; ++j)
          p.push_back(k.load(scoresT, {r, column(j)}));
        for (int64_t i = 0; i < channels; ++i) {
          Value x = k.broadcast(k.loadScalar(v, k.index(i)));
          for (int64_t j = 0; j < vectors; ++j)
            result.push_back(k.fma(x, p[j], carried[i * vectors + j]));
        }
        return result;
      });
  for (int64_t i = 0; i < channels; ++i)
    for (int64_t j = 0; j < vectors; ++j)
      k.store(sums[i * vectors + j], outputT, {k.add(channel, i), column(j)});
}

void AttentionKernel::copyOutput(int64_t vectors, Value from, Value to) {
  k.loop(zero, valueSize, 1, {}, [&](Value d, ValueRange) -> Values {
    for (int64_t j = 0; j < vectors; ++j)
      k.store(k.load(from, {d, column(j)}), to, {d, column(j)});
    return {};
  });
}

Value AttentionKernel::anyNonFinite(int64_t vectors) {
  // x * 0 is 0 for a finite x, else NaN.
  Value zeros = k.splat(0.0);
  Value probe =
      k.loop(zero, valueSize, 1, zeros, [&](Value d, ValueRange carried) {
        Value sum = carried[0];
        for (int64_t j = 0; j < vectors; ++j)
          sum = k.fma(k.load(outputT, {d, column(j)}), zeros, sum);
        return Values{sum};
      })[0];
  Value isNan = k.compare(arith::CmpFPredicate::UNO, probe, probe);
  return vector::ReductionOp::create(k.b, vector::CombiningKind::OR, isNan);
}

/// The block again, from the output saved before it, leaving out the dropped
/// keys one query at a time: same sums, same order, same bits elsewhere.
void AttentionKernel::accumulateKept(int64_t vectors, const KeyBlock &block) {
  k.loop(zero, valueSize, 1, {}, [&](Value d, ValueRange) -> Values {
    Values init;
    for (int64_t j = 0; j < vectors; ++j)
      init.push_back(k.load(savedT, {d, column(j)}));
    Values sums = k.loop(
        zero, block.count, 1, init, [&](Value r, ValueRange carried) -> Values {
          Value x = k.broadcast(k.loadScalar(
              block.values.memref, block.values.at(k.add(block.base, r), d)));
          Values result;
          for (int64_t j = 0; j < vectors; ++j) {
            Value p = k.load(scoresT, {r, column(j)});
            Value dropped = arith::CmpIOp::create(
                k.b, arith::CmpIPredicate::eq,
                arith::BitcastOp::create(k.b, k.bits, p),
                arith::BitcastOp::create(k.b, k.bits, k.splat(-0.0)));
            result.push_back(
                k.select(dropped, carried[j], k.fma(x, p, carried[j])));
          }
          return result;
        });
    for (int64_t j = 0; j < vectors; ++j)
      k.store(sums[j], outputT, {d, column(j)});
    return {};
  });
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

/// Row 0 of the statistics: 1 / sum, 0 where no key was kept. Row 1: LSE =
/// max + log(sum), -inf where no key was kept; the sink has no part in it.
void AttentionKernel::storeStatistics(int64_t vectors, ValueRange maximum,
                                      ValueRange sums) {
  for (int64_t j = 0; j < vectors; ++j) {
    Value none = k.compare(arith::CmpFPredicate::OEQ, sums[j], k.splat(0.0));
    Value total = sums[j];
    if (finalize.getSink())
      total = k.addf(total, sinkWeight(maximum[j]));
    k.store(k.select(none, k.splat(0.0), k.divf(k.splat(1.0), total)),
            statistics, {zero, column(j)});
    if (finalize.getInits().size() != 2)
      continue;
    Value largest = hasScore() ? maximum[j] : k.mulf(maximum[j], k.splat(kLn2));
    Value lse = k.addf(largest, math::LogOp::create(k.b, sums[j]));
    k.store(k.select(none, k.splat(-kInfinity), lse), statistics,
            {one, column(j)});
  }
}

/// e^(sink - m), in the units of the scores.
Value AttentionKernel::sinkWeight(Value maximum) {
  Value logit = arith::MulFOp::create(k.b, finalize.getSink(),
                                      k.scalar(hasScore() ? 1.0 : kLog2e));
  Value distance = k.subf(k.broadcast(logit), maximum);
  // Past the limit the row's output underflows either way.
  Value limit = k.splat(hasScore() ? 126 * kLn2 : 126);
  return exponential(k.minOrSecond(limit, distance));
}

/// O[first + i][d] = outputT[d][i] / sum; padded lanes equal the last row.
void AttentionKernel::storeRows(Value width, Value firstRow, Value last,
                                Value rows) {
  std::optional<int64_t> depth = getConstantIntValue(valueSize);
  if (!output.contiguousRows() || !depth || *depth % k.lanes != 0) {
    k.loop(zero, rows, 1, {}, [&](Value i, ValueRange) -> Values {
      Value inverse = k.loadScalar(statistics, {zero, i});
      k.loop(zero, valueSize, 1, {}, [&](Value d, ValueRange) -> Values {
        Value x =
            arith::MulFOp::create(k.b, k.loadScalar(outputT, {d, i}), inverse);
        k.storeScalar(x, output.memref, output.at(k.add(firstRow, i), d));
        return {};
      });
      return {};
    });
    return;
  }
  k.loop(zero, width, k.lanes, {}, [&](Value i, ValueRange) -> Values {
    Value inverse = k.load(statistics, {zero, i});
    k.loop(zero, valueSize, k.lanes, {}, [&](Value d, ValueRange) -> Values {
      Values block;
      for (int64_t lane = 0; lane < k.lanes; ++lane)
        block.push_back(k.mulf(k.load(outputT, {k.add(d, lane), i}), inverse));
      block = k.transpose(block);
      for (auto [lane, x] : llvm::enumerate(block)) {
        Value row = k.min(k.add(k.add(firstRow, i), lane), last);
        k.store(x, output.memref, output.at(row, d));
      }
      return {};
    });
    return {};
  });
}

LogicalResult attn::emitAttentionKernel(FinalizeOp finalize) {
  auto op = finalize.getPartial().getDefiningOp<OnlineSdpaOp>();
  if (!op || !op.getPartial().hasOneUse())
    return finalize.emitOpError(
        "expects a partial result made by one attn.online_sdpa for it alone");
  if (!op.getPlan())
    return op.emitOpError("expects a plan: run attn-fuse-plan first");
  for (Value operand : {op.getQuery(), op.getKey(), op.getValue()})
    if (!isa<MemRefType>(operand.getType()))
      return op.emitOpError()
             << "expects buffers, but got " << operand.getType();
  ImplicitLocOpBuilder b(finalize.getLoc(), finalize);
  AttentionKernel(b, op, finalize).emit();
  finalize.erase();
  op.erase();
  return success();
}
