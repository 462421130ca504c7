//===- AttentionPairs.cpp - Products of bf16, two at a time ---------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn.bf16_dot adds two products to each lane. K Q^T pairs channels, which lie
// side by side in K and, transposed, in Q. V^T P pairs keys n and n + 1, n even
// (the grid is anchored at key 0): a block's V and P are put into pairs once,
// for all channels, P rounded to bf16. Where a block begins at an odd key or
// ends behind an even one, the other half of the pair is a dropped key: V is 0
// and P -0.0. Pairs travel as the bits of an f32, which no arithmetic touches.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attn;

void AttentionKernel::makePairs(int64_t width) {
  auto scratch = [&](int64_t rows, int64_t columns) {
    return k.scratch({k.b.getIndexAttr(rows), k.b.getIndexAttr(columns)});
  };
  // A block may begin and end with half a pair.
  int64_t rows = plan.getKeyBlock() / 2 + 1;
  weightPairs = scratch(rows, width);
  valuePairs =
      scratch(rows, llvm::alignTo(*getConstantIntValue(valueSize), k.lanes));
  if (!key.contiguousRows())
    keyScratch = k.scratch(
        {k.b.getIndexAttr(plan.getKeyBlock()), getAsOpFoldResult(headSize)},
        k.b.getBF16Type());
}

/// A vector of two bf16 as the bits of an f32.
static Value asScalar(KernelBuilder &k, Value two) {
  Value bits =
      vector::BitCastOp::create(k.b, VectorType::get({1}, k.accumulator), two);
  return vector::ExtractOp::create(k.b, bits, 0);
}

/// The bf16 `lo` and `hi` as one pair.
static Value makePair(KernelBuilder &k, Value lo, Value hi) {
  VectorType type = VectorType::get({2}, lo.getType());
  return asScalar(k, vector::FromElementsOp::create(k.b, type, {lo, hi}));
}

/// queriesT[p][i] = Q[min(first + i, last)][2 p, 2 p + 1], not scaled.
void AttentionKernel::packQueryPairs(Value width, Value firstRow, Value last) {
  int64_t depth = *getConstantIntValue(headSize);
  int64_t blocked =
      query.contiguousRows() ? llvm::alignDown(depth, 2 * k.lanes) : 0;
  auto rowOf = [&](Value i) { return k.min(k.add(firstRow, i), last); };
  auto pairOf = [&](Value d) -> Value {
    return arith::DivUIOp::create(k.b, d, k.index(2));
  };
  VectorType wide = VectorType::get({2 * k.lanes}, k.b.getBF16Type());
  k.loop(zero, width, k.lanes, {}, [&](Value i, ValueRange) -> Values {
    k.loop(zero, k.index(blocked), 2 * k.lanes, {},
           [&](Value d, ValueRange) -> Values {
             Values rows;
             for (int64_t lane = 0; lane < k.lanes; ++lane) {
               Value x = vector::LoadOp::create(
                   k.b, wide, query.memref, query.at(rowOf(k.add(i, lane)), d));
               rows.push_back(vector::BitCastOp::create(k.b, k.vector, x));
             }
             rows = k.transpose(rows);
             for (auto [lane, row] : llvm::enumerate(rows))
               k.store(row, queriesT, {k.add(pairOf(d), lane), i});
             return {};
           });
    return {};
  });
  k.loop(zero, width, 1, {}, [&](Value i, ValueRange) -> Values {
    k.loop(k.index(blocked), headSize, 2, {},
           [&](Value d, ValueRange) -> Values {
             auto element = [&](Value at) -> Value {
               return memref::LoadOp::create(k.b, query.memref,
                                             query.at(rowOf(i), at));
             };
             k.storeScalar(makePair(k, element(d), element(k.add(d, 1))),
                           queriesT, {pairOf(d), i});
             return {};
           });
    return {};
  });
}

/// init + scale K Q^T; see scoreTile.
Values AttentionKernel::scorePairs(int64_t vectors, int64_t tile,
                                   const KeyBlock &block, ValueRange rows,
                                   ValueRange init) {
  Values start(tile * vectors, k.splat(0.0));
  VectorType two = VectorType::get({2}, k.b.getBF16Type());
  Values sums = k.hotLoop(
      zero, k.index(*getConstantIntValue(headSize) / 2), start,
      [&](Value pair, ValueRange accumulators) -> Values {
        Values q, result;
        Value d = k.mul(pair, k.index(2));
        for (int64_t j = 0; j < vectors; ++j)
          q.push_back(k.load(queriesT, {pair, column(j)}));
        for (int64_t i = 0; i < tile; ++i) {
          Value loaded = vector::LoadOp::create(k.b, two, block.keys.memref,
                                                block.keys.at(rows[i], d));
          Value x = k.broadcast(asScalar(k, loaded));
          for (int64_t j = 0; j < vectors; ++j)
            result.push_back(
                BF16DotOp::create(k.b, accumulators[i * vectors + j], x, q[j]));
        }
        return result;
      });
  Value factor = k.broadcast(scoreFactor(k, op.getScale(), hasScore()));
  for (int64_t i = 0; i < tile; ++i)
    for (int64_t j = 0; j < vectors; ++j)
      sums[i * vectors + j] = k.fma(sums[i * vectors + j], factor, init[j]);
  return sums;
}

/// P and V of the block into pairs of keys.
void AttentionKernel::packBlock(int64_t vectors, const KeyBlock &block) {
  // The lower key of a pair, counted from the block's start, may be -1.
  Value lead = block.lead;
  auto pack = [&](Value pair, bool atEdge) {
    Value first = k.sub(k.mul(pair, k.index(2)), lead);
    packWeights(vectors, block, pair, first, atEdge);
    packValues(block, pair, first, atEdge);
  };
  Value whole =
      arith::DivUIOp::create(k.b, k.add(block.count, lead), k.index(2));
  k.when(k.less(zero, lead), [&] { pack(zero, /*atEdge=*/true); });
  k.loop(lead, whole, 1, {}, [&](Value pair, ValueRange) -> Values {
    pack(pair, /*atEdge=*/false);
    return {};
  });
  Value done = k.max(lead, whole);
  k.when(k.less(done, block.pairs), [&] { pack(done, /*atEdge=*/true); });
}

void AttentionKernel::packWeights(int64_t vectors, const KeyBlock &block,
                                  Value pair, Value first, bool atEdge) {
  auto half = [&](int64_t number, int64_t j) -> Value {
    Value row = k.add(first, number);
    if (!atEdge)
      return k.load(scoresT, {row, column(j)});
    Value in = k.max(k.min(row, k.sub(block.count, one)), zero);
    Value inside =
        arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, in, row);
    return k.select(inside, k.load(scoresT, {in, column(j)}), k.splat(-0.0));
  };
  for (int64_t j = 0; j < vectors; ++j)
    k.store(BF16PackOp::create(k.b, half(0, j), half(1, j)), weightPairs,
            {pair, column(j)});
}

void AttentionKernel::packValues(const KeyBlock &block, Value pair, Value first,
                                 bool atEdge) {
  auto half = [&](int64_t number, Value d, VectorType type) -> Value {
    Value row = k.add(first, number), in = row;
    if (atEdge)
      in = k.max(k.min(row, k.sub(block.count, one)), zero);
    Values at = value.at(k.add(block.start, in), d);
    Value x = type ? Value(vector::LoadOp::create(k.b, type, value.memref, at))
                   : Value(memref::LoadOp::create(k.b, value.memref, at));
    if (!atEdge)
      return x;
    Value inside =
        arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, in, row);
    Value none = arith::ConstantOp::create(k.b, k.b.getZeroAttr(x.getType()));
    return k.select(inside, x, none);
  };
  int64_t depth = *getConstantIntValue(valueSize);
  int64_t whole = value.contiguousRows() ? llvm::alignDown(depth, k.lanes) : 0;
  VectorType lanes = VectorType::get({k.lanes}, k.b.getBF16Type());
  SmallVector<int64_t> order;
  for (int64_t lane = 0; lane < k.lanes; ++lane)
    order.append({lane, k.lanes + lane});
  k.loop(zero, k.index(whole), k.lanes, {}, [&](Value d, ValueRange) -> Values {
    Value both = vector::ShuffleOp::create(k.b, half(0, d, lanes),
                                           half(1, d, lanes), order);
    k.store(vector::BitCastOp::create(k.b, k.vector, both), valuePairs,
            {pair, d});
    return {};
  });
  k.loop(k.index(whole), valueSize, 1, {}, [&](Value d, ValueRange) -> Values {
    k.storeScalar(makePair(k, half(0, d, {}), half(1, d, {})), valuePairs,
                  {pair, d});
    return {};
  });
}

/// carried + P V of one pair of keys, for some channels.
Values AttentionKernel::addPairs(int64_t vectors, Value pair, Value channel,
                                 int64_t channels, ValueRange carried) {
  Values p, result;
  for (int64_t j = 0; j < vectors; ++j)
    p.push_back(k.load(weightPairs, {pair, column(j)}));
  for (int64_t i = 0; i < channels; ++i) {
    Value x = k.broadcast(k.loadScalar(valuePairs, {pair, k.add(channel, i)}));
    for (int64_t j = 0; j < vectors; ++j)
      result.push_back(
          BF16DotOp::create(k.b, carried[i * vectors + j], x, p[j]));
  }
  return result;
}

/// The same of one channel, with 0 for the values of dropped keys.
Values AttentionKernel::addKeptPairs(int64_t vectors, Value pair, Value channel,
                                     ValueRange carried) {
  Value x = arith::BitcastOp::create(
      k.b, k.bits, k.broadcast(k.loadScalar(valuePairs, {pair, channel})));
  Values result;
  for (int64_t j = 0; j < vectors; ++j) {
    Value p = k.load(weightPairs, {pair, column(j)}), kept = x;
    Value bits = arith::BitcastOp::create(k.b, k.bits, p);
    for (int64_t half : {int64_t(0xFFFF), int64_t(0xFFFF) << 16}) {
      Value mine = k.splatBits(half);
      Value dropped = arith::CmpIOp::create(
          k.b, arith::CmpIPredicate::eq, arith::AndIOp::create(k.b, bits, mine),
          k.splatBits(half & 0x80008000));
      Value without =
          arith::AndIOp::create(k.b, kept, k.splatBits(half ^ 0xFFFFFFFF));
      kept = k.select(dropped, without, kept);
    }
    result.push_back(BF16DotOp::create(
        k.b, carried[j], arith::BitcastOp::create(k.b, k.vector, kept), p));
  }
  return result;
}
