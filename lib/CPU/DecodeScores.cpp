//===- DecodeScores.cpp - Scores and weights of few queries ---------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A vector of scores holds some keys of all rows: lane = key * slots + row.
//
//===----------------------------------------------------------------------===//

#include "DecodeKernel.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attn;

/// One integer for each lane, by its key and its row; padding repeats the last
/// row.
SmallVector<int64_t>
DecodeKernel::perLane(function_ref<int64_t(int64_t, int64_t)> of) {
  SmallVector<int64_t> result;
  for (int64_t lane = 0; lane < k.lanes; ++lane)
    result.push_back(
        of(lane / slots, std::min(lane % slots, sizes.rows() - 1)));
  return result;
}

/// Combines the keys of a vector, row by row, into every lane of the row:
/// distant keys first, which goes on with the tree of `weights`.
Value DecodeKernel::overKeys(Value x,
                             function_ref<Value(Value, Value)> combine) {
  for (int64_t distance = k.lanes / 2; distance >= slots; distance /= 2)
    x = combine(x, k.exchange(x, distance));
  return x;
}

/// Calls `body` with the first key of each vector of scores that has keys of
/// the step, and with the vector's place.
void DecodeKernel::forEachScores(const KeyStep &step,
                                 function_ref<void(Value, Value)> body) {
  Value from = k.floorTo(k.sub(step.first, step.start), keysPerVector);
  k.loop(from, k.sub(step.end, step.start), keysPerVector, {},
         [&](Value i, ValueRange) -> Values {
           body(k.add(step.start, i), k.mul(i, k.index(slots)));
           return {};
         });
}

/// The scores of the step to scratch: -inf where a key is dropped, or does not
/// belong to the step.
void DecodeKernel::storeScores(const KeyStep &step) {
  forEachScores(step, [&](Value n, Value at) {
    k.store(scoreVector(step, n), scores, {at});
  });
  if (hasScore()) {
    applyRules(step);
  } else if (hasMask()) {
    Value before = k.less(step.first, op.getFullLo());
    Value after = k.less(op.getFullHi(), step.end);
    k.when(arith::OrIOp::create(k.b, before, after), [&] { applyRules(step); });
  }
  Value count = k.sub(step.end, step.first);
  k.when(k.less(count, k.index(keyBlock)), [&] { dropOutside(step); });
}

/// Raw scores of keys n, n + 1, ... for all rows. A key outside of the step is
/// read as its nearest one.
Value DecodeKernel::scoreVector(const KeyStep &step, Value n) {
  Values rows, sums(k.lanes, k.splat(0.0));
  Value last = k.sub(step.end, one);
  for (int64_t i = 0; i < keysPerVector; ++i) {
    Value in = k.min(k.max(k.add(n, i), step.first), last);
    rows.push_back(k.sub(in, step.keyBase));
    prefetch(value, in, zero, sizes.valueDepth);
  }
  for (int64_t d = 0; d < sizes.depth; d += k.lanes) {
    Values q;
    for (int64_t row = 0; row < slots; ++row)
      q.push_back(k.load(queryRows, {k.index(row), k.index(d)}));
    for (int64_t i = 0; i < keysPerVector; ++i) {
      Value x = k.loadFirst(step.keys.memref, step.keys.at(rows[i], k.index(d)),
                            sizes.depth - d);
      for (int64_t row = 0; row < slots; ++row) {
        Value &sum = sums[i * slots + row];
        sum = k.fma(x, q[row], sum);
      }
    }
  }
  return k.sums(sums);
}

/// Where the scores of keys n, n + 1, ... stand. In bounds in every lane.
LanePosition DecodeKernel::positions(const KeyStep &step, Value n) {
  Value last = k.sub(step.end, one);
  auto coordinate = [&](Value first, Value lo, Value hi,
                        function_ref<int64_t(int64_t, int64_t)> of) {
    SmallVector<int64_t> offsets = perLane(of);
    auto at = [=](int64_t lane) {
      Value i = k.add(first, offsets[lane]);
      return lo ? k.min(k.max(i, lo), hi) : i;
    };
    if (llvm::all_equal(offsets))
      return LaneCoordinate{at(0), {}};
    return LaneCoordinate{region.lanes(first, offsets, lo, hi), at};
  };
  int64_t queries = sizes.queries;
  return {LaneCoordinate{op.getBatch(), {}},
          coordinate(op.getHead(), {}, {},
                     [=](int64_t, int64_t row) { return row / queries; }),
          coordinate(op.getRow(), {}, {},
                     [=](int64_t, int64_t row) { return row % queries; }),
          coordinate(n, step.first, last,
                     [](int64_t key, int64_t) { return key; })};
}

/// Score and mask of every key of the step.
void DecodeKernel::applyRules(const KeyStep &step) {
  forEachScores(step, [&](Value n, Value at) {
    LanePosition position = positions(step, n);
    Value s = k.load(scores, {at});
    if (hasScore())
      s = region.score(s, position);
    if (hasMask())
      s = k.select(region.mask(position), s, k.splat(-kInfinity));
    k.store(s, scores, {at});
  });
}

void DecodeKernel::dropOutside(const KeyStep &step) {
  Value none = k.scalar(-kInfinity);
  k.loop(zero, k.index(keyBlock), 1, {}, [&](Value i, ValueRange) -> Values {
    Value n = k.add(step.start, i);
    Value outside = arith::OrIOp::create(
        k.b, k.less(n, step.first),
        arith::CmpIOp::create(k.b, arith::CmpIPredicate::sge, n, step.end));
    k.when(outside, [&] {
      for (int64_t row = 0; row < slots; ++row)
        k.storeScalar(none, scores, {k.add(k.mul(i, k.index(slots)), row)});
    });
    return {};
  });
}

/// The largest score of each row in the step. A NaN is none.
Value DecodeKernel::largest() {
  auto larger = [&](Value x, Value y) { return k.maxOrSecond(x, y); };
  Value result =
      k.loop(zero, k.index(keyBlock * slots), k.lanes, k.splat(-kInfinity),
             [&](Value at, ValueRange carried) {
               return Values{larger(k.load(scores, {at}), carried[0])};
             })[0];
  return overKeys(result, larger);
}

/// Leaves p = 2^(s - m), -0.0 where dropped, in scratch; returns its sums: a
/// tree over the key's place in the step, whose distant halves meet first.
Value DecodeKernel::weights(Value maximum) {
  int64_t vectors = keyBlock / keysPerVector;
  std::function<Value(int64_t, int64_t)> sumOf = [&](int64_t i,
                                                     int64_t stride) -> Value {
    if (stride < vectors)
      return k.addf(sumOf(i, 2 * stride), sumOf(i + stride, 2 * stride));
    Value at = k.index(i * k.lanes);
    Value s = k.load(scores, {at});
    Value p = exponential(k, k.subf(s, maximum), hasScore());
    if (canDrop()) {
      Value dropped =
          k.compare(arith::CmpFPredicate::OEQ, s, k.splat(-kInfinity));
      p = k.select(dropped, k.splat(-0.0), p);
    }
    k.store(p, scores, {at});
    return p;
  };
  return overKeys(sumOf(0, 1), [&](Value x, Value y) { return k.addf(x, y); });
}
