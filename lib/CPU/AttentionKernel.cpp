//===- AttentionKernel.cpp - The fused attention kernel: queries in lanes
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// S^T = K Q^T and O^T = V^T P^T with queries in the vector lanes: maximum, sum
// and rescale are lanewise, K and V are read in place as scalar broadcasts,
// and a row's bits depend on no other row. Per block of keys (the grid is
// anchored at key 0):
//
//   S^T tile  = K[rows] . Q^T                      raw scores to scratch
//   s         = score(s), -inf where dropped       only where not known full
//   m'        = max(m, s); alpha = 2^(m - m')
//   p         = 2^(s - m'), -0.0 where dropped     l = l alpha + sum p
//   O^T       = O^T alpha + V^T p
//
// Padded lanes repeat the last query, so they may be stored over it. A dropped
// key has p = -0.0 (a kept one +0.0 at least); an O tile of a partial block
// that comes out non-finite, because 0 * NaN is NaN, is computed again without
// the dropped keys. Without a score region scale * log2(e) is folded into Q.
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
  void emitTile(int64_t vectors, Value firstRow, Value rows);
  void packQueries(int64_t vectors, Value firstRow, Value last);
  void packQueriesByBlocks(int64_t vectors, Value firstRow, Value last,
                           Value factor);
  KeyBlock makeBlock(Value blockStart);
  Rows widen(const Rows &source, Value scratch, Value start, Value count);
  Values scores(int64_t vectors, const KeyBlock &block, ValueRange maximum);
  Values scoreTile(int64_t vectors, const KeyBlock &block, Value first);
  Values applyRegions(int64_t vectors, const KeyBlock &block, ValueRange maximum,
                      Value firstRow);
  Values weights(int64_t vectors, const KeyBlock &block, ValueRange maximum,
                 ValueRange sums, bool dropped);
  void accumulate(int64_t vectors, const KeyBlock &block, ValueRange alpha);
  void accumulateTile(int64_t vectors, int64_t channels, const KeyBlock &block,
                      ValueRange alpha, Value channel);
  Values rescaled(int64_t vectors, int64_t channels, ValueRange alpha,
                  Value channel);
  Values products(int64_t vectors, int64_t channels, const KeyBlock &block,
                  Value channel, Values accumulators, bool dropped);
  Value anyNonFinite(ArrayRef<Value> vectors);
  void storeOutput(int64_t vectors, ValueRange maximum, ValueRange sums,
                   Value firstRow, Value last, Value rows);
  void storeRows(int64_t vectors, Value firstRow, Value last, Value rows);
  void storeLse(int64_t vectors, ValueRange maximum, ValueRange sums,
                Value firstRow, Value rows);

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
  Value queriesT, outputT, scoresT, keyScratch, valueScratch;
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
  if (widens()) {
    keyScratch = k.scratch({block, depth});
    valueScratch = k.scratch({block, valueDepth});
  }
  Value count = dim(query, 2);
  k.loop(zero, count, tile, {}, [&](Value first, ValueRange) -> Values {
    Value rows = k.min(k.index(tile), k.sub(count, first));
    if (plan.getQueryVectors() == 1) {
      emitTile(1, first, rows);
      return {};
    }
    // A tail of one vector or less has its own, narrower tile.
    k.branch(
        k.less(k.index(k.lanes), rows), {},
        [&]() -> Values {
          emitTile(plan.getQueryVectors(), first, rows);
          return {};
        },
        [&]() -> Values {
          emitTile(1, first, rows);
          return {};
        });
    return {};
  });
}

void AttentionKernel::emitTile(int64_t vectors, Value firstRow, Value rows) {
  Value last = k.sub(k.add(firstRow, rows), one);
  Value globalFirst = k.add(op.getRow(), firstRow);
  region.setGroup(op.getBatch(), op.getHead(), k.add(op.getRow(), last));
  packQueries(vectors, firstRow, last);
  Value zeros = k.splat(0.0);
  k.loop(zero, valueSize, 1, {}, [&](Value d, ValueRange) -> Values {
    for (int64_t j = 0; j < vectors; ++j)
      k.store(zeros, outputT, {d, column(j)});
    return {};
  });

  Values init(vectors, k.splat(-kInfinity));
  init.append(vectors, zeros);
  Value firstBlock = k.floorTo(op.getLo(), plan.getKeyBlock());
  Values state = k.loop(
      firstBlock, op.getHi(), plan.getKeyBlock(), init,
      [&](Value blockStart, ValueRange carried) -> Values {
        ValueRange oldMaximum = carried.take_front(vectors);
        KeyBlock block = makeBlock(blockStart);
        Values maximum = scores(vectors, block, oldMaximum);
        if (hasScore()) {
          maximum = applyRegions(vectors, block, oldMaximum, globalFirst);
        } else if (hasMask()) {
          maximum = k.branch(
              block.partial, TypeRange(ValueRange(maximum)),
              [&] {
                return applyRegions(vectors, block, oldMaximum, globalFirst);
              },
              [&] { return maximum; });
        }
        Values alpha, safe, sums;
        for (int64_t j = 0; j < vectors; ++j) {
          // -inf - -inf must not happen: no key seen yet counts as 0.
          Value none = k.compare(arith::CmpFPredicate::OEQ, maximum[j],
                                 k.splat(-kInfinity));
          safe.push_back(k.select(none, zeros, maximum[j]));
          alpha.push_back(exponential(k.subf(oldMaximum[j], safe[j])));
          sums.push_back(k.mulf(carried[vectors + j], alpha[j]));
        }
        if (hasScore()) {
          sums = weights(vectors, block, safe, sums, /*dropped=*/true);
        } else if (hasMask()) {
          Values carriedSums = sums;
          sums = k.branch(
              block.partial, TypeRange(ValueRange(sums)),
              [&] { return weights(vectors, block, safe, carriedSums, true); },
              [&] { return weights(vectors, block, safe, carriedSums, false); });
        } else {
          sums = weights(vectors, block, safe, sums, /*dropped=*/false);
        }
        accumulate(vectors, block, alpha);
        maximum.append(sums);
        return maximum;
      });
  storeOutput(vectors, ValueRange(state).take_front(vectors),
              ValueRange(state).drop_front(vectors), firstRow, last, rows);
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

/// queriesT[d][i] = Q[min(first + i, last)][d] * scale (* log2 e).
void AttentionKernel::packQueries(int64_t vectors, Value firstRow, Value last) {
  Value factor = op.getScale();
  if (!hasScore())
    factor = arith::MulFOp::create(k.b, factor, k.scalar(kLog2e));
  std::optional<int64_t> depth = getConstantIntValue(headSize);
  if (query.contiguousRows() && depth && *depth % k.lanes == 0) {
    packQueriesByBlocks(vectors, firstRow, last, factor);
    return;
  }
  k.loop(zero, k.index(vectors * k.lanes), 1, {},
         [&](Value i, ValueRange) -> Values {
           Value row = k.min(k.add(firstRow, i), last);
           k.loop(zero, headSize, 1, {}, [&](Value d, ValueRange) -> Values {
             Value x = k.loadScalar(query.memref, query.at(row, d));
             k.storeScalar(arith::MulFOp::create(k.b, x, factor), queriesT,
                           {d, i});
             return {};
           });
           return {};
         });
}

void AttentionKernel::packQueriesByBlocks(int64_t vectors, Value firstRow,
                                          Value last, Value factor) {
  Value factors = k.broadcast(factor);
  k.loop(zero, k.index(vectors * k.lanes), k.lanes, {},
         [&](Value i, ValueRange) -> Values {
           k.loop(zero, headSize, k.lanes, {},
                  [&](Value d, ValueRange) -> Values {
                    Values rows;
                    for (int64_t lane = 0; lane < k.lanes; ++lane) {
                      Value row =
                          k.min(k.add(k.add(firstRow, i), lane), last);
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

KeyBlock AttentionKernel::makeBlock(Value blockStart) {
  KeyBlock block;
  block.start = k.max(blockStart, op.getLo());
  Value end = k.min(k.add(blockStart, plan.getKeyBlock()), op.getHi());
  block.count = k.sub(end, block.start);
  if (hasScore()) {
    block.partial =
        arith::ConstantOp::create(k.b, k.b.getBoolAttr(true));
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

/// Raw scores of the block to scratch; returns the running maximum.
Values AttentionKernel::scores(int64_t vectors, const KeyBlock &block,
                               ValueRange maximum) {
  int64_t tile = plan.getKeyRows();
  return k.loop(zero, block.count, tile, maximum,
                [&](Value first, ValueRange carried) -> Values {
                  Values s = scoreTile(vectors, block, first);
                  Values result(carried);
                  for (int64_t i = 0; i < tile; ++i)
                    for (int64_t j = 0; j < vectors; ++j) {
                      Value x = s[i * vectors + j];
                      k.store(x, scoresT, {k.add(first, i), column(j)});
                      if (!hasScore())
                        result[j] = k.maxOrSecond(x, result[j]);
                    }
                  return result;
                });
}

/// key_rows x vectors accumulators; rows past the block repeat its last key.
Values AttentionKernel::scoreTile(int64_t vectors, const KeyBlock &block,
                                  Value first) {
  int64_t tile = plan.getKeyRows();
  Value lastKey = k.sub(block.count, one);
  Values rows;
  for (int64_t i = 0; i < tile; ++i)
    rows.push_back(k.add(block.base, k.min(k.add(first, i), lastKey)));
  return k.loop(zero, headSize, 1, Values(tile * vectors, k.splat(0.0)),
                [&](Value d, ValueRange accumulators) -> Values {
                  Values q, result;
                  for (int64_t j = 0; j < vectors; ++j)
                    q.push_back(k.load(queriesT, {d, column(j)}));
                  for (int64_t i = 0; i < tile; ++i) {
                    Value x = k.broadcast(k.loadScalar(
                        block.keys.memref, block.keys.at(rows[i], d)));
                    for (int64_t j = 0; j < vectors; ++j)
                      result.push_back(
                          k.fma(x, q[j], accumulators[i * vectors + j]));
                  }
                  return result;
                });
}

/// Scores in scratch become score(s), -inf where dropped.
Values AttentionKernel::applyRegions(int64_t vectors, const KeyBlock &block,
                                     ValueRange maximum, Value firstRow) {
  return k.loop(
      zero, block.count, 1, maximum,
      [&](Value r, ValueRange carried) -> Values {
        Value n = k.add(block.start, r);
        Values result;
        for (int64_t j = 0; j < vectors; ++j) {
          Value row = k.add(firstRow, j * k.lanes);
          Value s = k.load(scoresT, {r, column(j)});
          if (hasScore())
            s = region.score(s, row, n);
          if (hasMask())
            s = k.select(region.mask(row, n), s, k.splat(-kInfinity));
          k.store(s, scoresT, {r, column(j)});
          result.push_back(k.maxOrSecond(s, carried[j]));
        }
        return result;
      });
}

/// Scores in scratch become p = 2^(s - m); returns the sums.
Values AttentionKernel::weights(int64_t vectors, const KeyBlock &block,
                                ValueRange maximum, ValueRange sums,
                                bool dropped) {
  return k.loop(
      zero, block.count, 1, sums, [&](Value r, ValueRange carried) -> Values {
        Values result;
        for (int64_t j = 0; j < vectors; ++j) {
          Value s = k.load(scoresT, {r, column(j)});
          Value p = exponential(k.subf(s, maximum[j]));
          if (dropped) {
            Value drop = k.compare(arith::CmpFPredicate::OEQ, s,
                                   k.splat(-kInfinity));
            p = k.select(drop, k.splat(-0.0), p);
          }
          k.store(p, scoresT, {r, column(j)});
          result.push_back(k.addf(carried[j], p));
        }
        return result;
      });
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

void AttentionKernel::accumulate(int64_t vectors, const KeyBlock &block,
                                 ValueRange alpha) {
  int64_t tile = plan.getValueRows();
  Value tiledEnd = k.floorTo(valueSize, tile);
  k.loop(zero, tiledEnd, tile, {}, [&](Value d, ValueRange) -> Values {
    accumulateTile(vectors, tile, block, alpha, d);
    return {};
  });
  std::optional<int64_t> depth = getConstantIntValue(valueSize);
  if (!depth) {
    k.loop(tiledEnd, valueSize, 1, {}, [&](Value d, ValueRange) -> Values {
      accumulateTile(vectors, 1, block, alpha, d);
      return {};
    });
  } else if (int64_t rest = *depth % tile) {
    accumulateTile(vectors, rest, block, alpha, k.index(*depth - rest));
  }
}

Values AttentionKernel::rescaled(int64_t vectors, int64_t channels,
                                 ValueRange alpha, Value channel) {
  Values result;
  for (int64_t i = 0; i < channels; ++i)
    for (int64_t j = 0; j < vectors; ++j)
      result.push_back(
          k.mulf(k.load(outputT, {k.add(channel, i), column(j)}), alpha[j]));
  return result;
}

Values AttentionKernel::products(int64_t vectors, int64_t channels,
                                 const KeyBlock &block, Value channel,
                                 Values accumulators, bool dropped) {
  return k.loop(
      zero, block.count, 1, accumulators,
      [&](Value r, ValueRange carried) -> Values {
        Values p, drop, result;
        Value row = k.add(block.base, r);
        for (int64_t j = 0; j < vectors; ++j) {
          p.push_back(k.load(scoresT, {r, column(j)}));
          if (dropped)
            drop.push_back(arith::CmpIOp::create(
                k.b, arith::CmpIPredicate::eq,
                arith::BitcastOp::create(k.b, k.bits, p[j]),
                arith::BitcastOp::create(k.b, k.bits, k.splat(-0.0))));
        }
        for (int64_t i = 0; i < channels; ++i) {
          Value x = k.broadcast(k.loadScalar(
              block.values.memref, block.values.at(row, k.add(channel, i))));
          for (int64_t j = 0; j < vectors; ++j) {
            Value old = carried[i * vectors + j];
            Value sum = k.fma(x, p[j], old);
            result.push_back(dropped ? k.select(drop[j], old, sum) : sum);
          }
        }
        return result;
      });
}

Value AttentionKernel::anyNonFinite(ArrayRef<Value> vectors) {
  // x * 0 is 0 for a finite x, else NaN.
  Value probe = k.splat(0.0);
  for (Value x : vectors)
    probe = k.fma(x, k.splat(0.0), probe);
  Value isNan = k.compare(arith::CmpFPredicate::UNO, probe, probe);
  return vector::ReductionOp::create(k.b, vector::CombiningKind::OR, isNan);
}

void AttentionKernel::accumulateTile(int64_t vectors, int64_t channels,
                                     const KeyBlock &block, ValueRange alpha,
                                     Value channel) {
  Values sums = products(vectors, channels, block, channel,
                         rescaled(vectors, channels, alpha, channel), false);
  if (canDrop()) {
    Type flag = k.b.getI1Type();
    Value bad = k.branch(
        block.partial, flag, [&]() -> Values { return {anyNonFinite(sums)}; },
        [&]() -> Values {
          return {arith::ConstantOp::create(k.b, k.b.getBoolAttr(false))};
        })[0];
    Values fast = sums;
    sums = k.branch(
        bad, TypeRange(ValueRange(sums)),
        [&] {
          return products(vectors, channels, block, channel,
                          rescaled(vectors, channels, alpha, channel), true);
        },
        [&] { return fast; });
  }
  for (int64_t i = 0; i < channels; ++i)
    for (int64_t j = 0; j < vectors; ++j)
      k.store(sums[i * vectors + j], outputT, {k.add(channel, i), column(j)});
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

void AttentionKernel::storeOutput(int64_t vectors, ValueRange maximum,
                                  ValueRange sums, Value firstRow, Value last,
                                  Value rows) {
  double toBase2 = hasScore() ? 1.0 : kLog2e;
  Values inverse;
  for (int64_t j = 0; j < vectors; ++j) {
    Value total = sums[j];
    if (Value sink = finalize.getSink()) {
      Value logit = arith::MulFOp::create(k.b, sink, k.scalar(toBase2));
      Value distance = k.subf(k.broadcast(logit), maximum[j]);
      // Past the limit the row's output underflows either way.
      double limit = hasScore() ? 126 * kLn2 : 126;
      Value capped =
          k.select(k.compare(arith::CmpFPredicate::OGT, distance,
                             k.splat(limit)),
                   k.splat(limit), distance);
      total = k.addf(total, exponential(capped));
    }
    Value none =
        k.compare(arith::CmpFPredicate::OEQ, sums[j], k.splat(0.0));
    inverse.push_back(
        k.select(none, k.splat(0.0), k.divf(k.splat(1.0), total)));
  }
  k.loop(zero, valueSize, 1, {}, [&](Value d, ValueRange) -> Values {
    for (int64_t j = 0; j < vectors; ++j)
      k.store(k.mulf(k.load(outputT, {d, column(j)}), inverse[j]), outputT,
              {d, column(j)});
    return {};
  });
  storeRows(vectors, firstRow, last, rows);
  if (finalize.getInits().size() == 2)
    storeLse(vectors, maximum, sums, firstRow, rows);
}

/// O[first + i][d] = outputT[d][i]; padded lanes equal the last row.
void AttentionKernel::storeRows(int64_t vectors, Value firstRow, Value last,
                                Value rows) {
  std::optional<int64_t> depth = getConstantIntValue(valueSize);
  if (output.contiguousRows() && depth && *depth % k.lanes == 0) {
    k.loop(zero, k.index(vectors * k.lanes), k.lanes, {},
           [&](Value i, ValueRange) -> Values {
             k.loop(zero, valueSize, k.lanes, {},
                    [&](Value d, ValueRange) -> Values {
                      Values block;
                      for (int64_t lane = 0; lane < k.lanes; ++lane)
                        block.push_back(
                            k.load(outputT, {k.add(d, lane), i}));
                      block = k.transpose(block);
                      for (auto [lane, x] : llvm::enumerate(block)) {
                        Value row =
                            k.min(k.add(k.add(firstRow, i), lane), last);
                        k.store(x, output.memref, output.at(row, d));
                      }
                      return {};
                    });
             return {};
           });
    return;
  }
  k.loop(zero, rows, 1, {}, [&](Value i, ValueRange) -> Values {
    k.loop(zero, valueSize, 1, {}, [&](Value d, ValueRange) -> Values {
      k.storeScalar(k.loadScalar(outputT, {d, i}), output.memref,
                    output.at(k.add(firstRow, i), d));
      return {};
    });
    return {};
  });
}

/// LSE = max + log(sum), -inf where no key was kept; the sink has no part.
void AttentionKernel::storeLse(int64_t vectors, ValueRange maximum,
                               ValueRange sums, Value firstRow, Value rows) {
  for (int64_t j = 0; j < vectors; ++j) {
    Value none = k.compare(arith::CmpFPredicate::OEQ, sums[j], k.splat(0.0));
    Value logarithm = math::LogOp::create(k.b, sums[j]);
    Value largest = hasScore() ? maximum[j]
                               : k.mulf(maximum[j], k.splat(kLn2));
    Value lse = k.select(none, k.splat(-kInfinity),
                         k.addf(largest, logarithm));
    k.store(lse, scoresT, {zero, column(j)});
  }
  k.loop(zero, rows, 1, {}, [&](Value i, ValueRange) -> Values {
    k.storeScalar(k.loadScalar(scoresT, {zero, i}), finalize.getInits()[1],
                  {zero, zero, k.add(firstRow, i)});
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
      return op.emitOpError() << "expects buffers, but got "
                              << operand.getType();
  ImplicitLocOpBuilder b(finalize.getLoc(), finalize);
  AttentionKernel(b, op, finalize).emit();
  finalize.erase();
  op.erase();
  return success();
}
