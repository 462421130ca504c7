//===- AttentionScores.cpp - Scores, weights, the lagging maximum ---------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

#include "mlir/IR/TypeUtilities.h"

#include <tuple>

using namespace mlir;
using namespace attn;

KeyBlock AttentionKernel::makeBlock(Value blockStart, Value whole) {
  KeyBlock block;
  block.start = k.max(blockStart, op.getLo());
  Value end = k.min(k.add(blockStart, plan.getKeyBlock()), op.getHi());
  block.count = k.sub(end, block.start);
  block.whole = whole;
  if (hasScore()) {
    // A score may drop a key of any block.
    block.partial = arith::ConstantOp::create(k.b, k.b.getBoolAttr(true));
  } else if (hasMask()) {
    Value before = k.less(block.start, op.getFullLo());
    Value after = k.less(op.getFullHi(), end);
    block.partial = arith::OrIOp::create(k.b, before, after);
    if (whole)
      block.partial = k.select(
          whole, arith::ConstantOp::create(k.b, k.b.getBoolAttr(false)),
          block.partial);
  }
  block.keys = key;
  block.values = value;
  block.base = block.start;
  if (pairs()) {
    block.lead = arith::RemUIOp::create(k.b, block.start, k.index(2));
    block.pairs = k.ceilDiv(k.add(block.count, block.lead), 2);
    if (keyScratch) {
      block.keys = widen(k, key, keyScratch, block.start, block.count);
      block.base = zero;
    }
  } else if (widens()) {
    block.keys = widen(k, key, keyScratch, block.start, block.count);
    block.values = widen(k, value, valueScratch, block.start, block.count);
    block.base = zero;
  }
  return block;
}

/// The place in the block of its key number `r`, the last one where there are
/// fewer.
Value AttentionKernel::keyAt(const KeyBlock &block, Value r) {
  return block.stride ? k.min(k.mul(r, block.stride), block.last) : r;
}

/// init + K Q^T: tile x vectors accumulators; rows past the block repeat its
/// last key.
Values AttentionKernel::scoreTile(int64_t vectors, int64_t tile,
                                  const KeyBlock &block, Value first,
                                  ValueRange init) {
  Value lastKey = k.sub(block.count, one);
  Values rows, start;
  for (int64_t i = 0; i < tile; ++i) {
    Value r = k.min(k.add(first, i), lastKey);
    rows.push_back(k.add(block.base, keyAt(block, r)));
    llvm::append_range(start, init);
  }
  if (pairs())
    return scorePairs(vectors, tile, block, rows, init);
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

/// init + K Q^T of keys [lo, hi) of the block to scratch.
void AttentionKernel::storeScores(int64_t vectors, int64_t tile,
                                  const KeyBlock &block, Value lo, Value hi,
                                  ValueRange init) {
  k.loop(lo, hi, tile, {}, [&](Value first, ValueRange) -> Values {
    Values s = scoreTile(vectors, tile, block, first, init);
    for (int64_t i = 0; i < tile; ++i)
      for (int64_t j = 0; j < vectors; ++j)
        k.store(s[i * vectors + j], scoresT, {k.add(first, i), column(j)});
    return {};
  });
}

/// Which queries keep key `r`: not masked, unless every query keeps it, and no
/// score of -inf. Only where keys can be dropped at all.
Values AttentionKernel::kept(int64_t vectors, const KeyBlock &block, Value r,
                             ValueRange s, Value firstRow, bool masked) {
  Values result;
  for (int64_t j = 0; j < vectors; ++j) {
    Value keep;
    if (masked)
      keep = region.mask(
          positions(j, firstRow, k.add(block.start, keyAt(block, r))));
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
  storeScores(vectors, kColdTile, block, zero, block.count,
              Values(vectors, k.splat(0.0)));
  return k.loop(zero, block.count, 1, Values(vectors, k.splat(-kInfinity)),
                [&](Value r, ValueRange carried) -> Values {
                  Values s, result;
                  for (int64_t j = 0; j < vectors; ++j) {
                    s.push_back(k.load(scoresT, {r, column(j)}));
                    if (hasScore())
                      s[j] = region.score(
                          s[j], positions(j, firstRow,
                                          k.add(block.start, keyAt(block, r))));
                  }
                  Values keep;
                  if (canDrop())
                    keep = kept(vectors, block, r, s, firstRow, hasMask());
                  for (int64_t j = 0; j < vectors; ++j) {
                    Value x = canDrop()
                                  ? k.select(keep[j], s[j], k.splat(-kInfinity))
                                  : s[j];
                    result.push_back(k.maxOrSecond(x, carried[j]));
                  }
                  return result;
                });
}

/// The whole tiles of the block whose keys every query keeps, as [lo, hi) from
/// the block's start.
std::pair<Value, Value> AttentionKernel::wholeTiles(const KeyBlock &block) {
  int64_t tile = plan.getKeyRows();
  if (!hasMask())
    return {zero, k.floorTo(block.count, tile)};
  auto inBlock = [&](Value n) {
    return k.min(k.max(k.sub(n, block.start), zero), block.count);
  };
  Value lo = k.mul(k.ceilDiv(inBlock(op.getFullLo()), tile), k.index(tile));
  lo = k.min(lo, block.count);
  Value hi = k.max(lo, k.floorTo(inBlock(op.getFullHi()), tile));
  if (!block.whole)
    return {lo, hi};
  return {k.select(block.whole, zero, lo),
          k.select(block.whole, k.floorTo(block.count, tile), hi)};
}

/// -m, where accumulators start.
Values AttentionKernel::startOfWeights(ValueRange maximum, Value repeated) {
  // A query without a kept key so far has m = -inf: starting at +inf its first
  // one comes out too large; repeated, it starts at 0 when it still has none.
  Values start;
  for (Value m : maximum) {
    Value none = k.compare(arith::CmpFPredicate::OEQ, m, k.splat(-kInfinity));
    Value settled =
        k.select(arith::AndIOp::create(k.b, none, k.broadcast(repeated)),
                 k.splat(0.0), m);
    start.push_back(k.subf(k.splat(0.0), settled));
  }
  return start;
}

/// In place of -m, queries with a large m start at 0, as the sums that m was
/// taken from did, and have it subtracted afterwards; whether there are any.
/// Each query's own m decides, so that its bits depend on no other.
Value AttentionKernel::shiftLargeScores(ValueRange maximum, Values &start) {
  Values shifts;
  Value any;
  for (auto [m, from] : llvm::zip_equal(maximum, start)) {
    Value size = k.maxOrSecond(m, from);
    Value large = arith::AndIOp::create(
        k.b, k.compare(arith::CmpFPredicate::OGT, size, k.splat(kLargeScore)),
        k.compare(arith::CmpFPredicate::OLT, size, k.splat(kInfinity)));
    shifts.push_back(k.select(large, m, k.splat(0.0)));
    from = k.select(large, k.splat(0.0), from);
    any = any ? Value(arith::OrIOp::create(k.b, any, large)) : large;
  }
  storeRow(kShifts, shifts);
  return vector::ReductionOp::create(k.b, vector::CombiningKind::OR, any);
}

/// Leaves p = 2^(s - m), -0.0 where dropped, in scratch; returns its sums.
/// `init` is where the accumulators start when there is no score region; where
/// scores are large (`anyLarge`), m is subtracted key by key. A kept key has
/// the same bits on all ways.
Values AttentionKernel::weights(int64_t vectors, const KeyBlock &block,
                                ValueRange init, Value anyLarge,
                                Value firstRow) {
  storeRow(kBlockSums, Values(vectors, k.splat(0.0)));
  if (hasScore()) {
    // All scores first: the rule takes them out of scratch.
    storeScores(vectors, plan.getKeyRows(), block, zero, block.count,
                Values(vectors, k.splat(0.0)));
    if (!hasMask()) {
      weightsByRow(vectors, block, zero, block.count, init, firstRow, false);
      return loadRow(kBlockSums, vectors);
    }
  }
  // In key order: single keys, whole tiles, single keys. Two rounds of
  // (single keys, whole tiles) share the code.
  Value tilesLo, tilesHi;
  std::tie(tilesLo, tilesHi) = wholeTiles(block);
  if (anyLarge) {
    tilesLo = k.select(anyLarge, block.count, tilesLo);
    tilesHi = k.select(anyLarge, block.count, tilesHi);
  }
  k.loop(zero, k.index(2), 1, {}, [&](Value round, ValueRange) -> Values {
    Value first =
        arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, round, zero);
    Value middle = k.select(first, tilesLo, block.count);
    Value last = k.select(first, tilesHi, block.count);
    Value from = k.select(first, zero, tilesHi);
    // Without a score region few keys come here: the cold tile, no second copy
    // of the hot loop.
    if (!hasScore())
      storeScores(vectors, kColdTile, block, from, middle, init);
    weightsByRow(vectors, block, from, middle, init, firstRow, hasMask());
    if (hasScore())
      weightsByRow(vectors, block, middle, last, init, firstRow, false);
    else
      weightsByTile(vectors, block, middle, last, init);
    return {};
  });
  return loadRow(kBlockSums, vectors);
}

/// Weights of keys [lo, hi), whole tiles that every query keeps: exponentials
/// of the accumulators themselves, between the products.
void AttentionKernel::weightsByTile(int64_t vectors, const KeyBlock &block,
                                    Value lo, Value hi, ValueRange init) {
  int64_t tile = plan.getKeyRows();
  k.loop(lo, hi, tile, {}, [&](Value first, ValueRange) -> Values {
    fetchAhead(block, first);
    Values s = scoreTile(vectors, tile, block, first, init);
    Values sums = loadRow(kBlockSums, vectors);
    for (int64_t i = 0; i < tile; ++i)
      for (int64_t j = 0; j < vectors; ++j) {
        Value p = k.exp2(s[i * vectors + j]);
        k.store(p, scoresT, {k.add(first, i), column(j)});
        sums[j] = k.addf(sums[j], p);
      }
    storeRow(kBlockSums, sums);
    return {};
  });
}

/// Weights of keys [lo, hi), whose scores are in scratch, key by key; queries
/// may drop some if they are `masked`.
void AttentionKernel::weightsByRow(int64_t vectors, const KeyBlock &block,
                                   Value lo, Value hi, ValueRange init,
                                   Value firstRow, bool masked) {
  Values sums = k.loop(lo, hi, 1, loadRow(kBlockSums, vectors),
                       [&](Value r, ValueRange carried) -> Values {
                         return weightRow(vectors, block, r, init, carried,
                                          firstRow, masked);
                       });
  storeRow(kBlockSums, sums);
}

/// Weights of one key for all queries of the tile.
Values AttentionKernel::weightRow(int64_t vectors, const KeyBlock &block,
                                  Value r, ValueRange init, ValueRange sums,
                                  Value firstRow, bool masked) {
  Values s, p, keep, result;
  Values shifts = hasScore() ? Values() : loadRow(kShifts, vectors);
  for (int64_t j = 0; j < vectors; ++j) {
    s.push_back(k.load(scoresT, {r, column(j)}));
    Value x = hasScore() ? s[j] : k.subf(s[j], shifts[j]);
    if (hasScore()) {
      s[j] = region.score(s[j], positions(j, firstRow, k.add(block.start, r)));
      x = k.mulf(k.addf(s[j], init[j]), k.splat(kLog2e));
    }
    p.push_back(k.exp2(x));
  }
  if (canDrop())
    keep = kept(vectors, block, r, s, firstRow, masked);
  for (int64_t j = 0; j < vectors; ++j) {
    if (canDrop())
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
  Values start = startOfWeights(maximum, repeated);
  // A score region has its scores from 0 on anyway.
  Value anyLarge = hasScore() ? Value() : shiftLargeScores(maximum, start);
  Values blockSums = weights(vectors, block, start, anyLarge, firstRow);
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
  scaleOutput(alpha);
  raised.append(rescaled);
  return raised;
}
