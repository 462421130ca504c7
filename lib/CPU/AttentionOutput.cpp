//===- AttentionOutput.cpp - The weighted sum of values, and its end ------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attn;

/// O^T += V^T p of the block.
void AttentionKernel::accumulate(int64_t vectors, const KeyBlock &block) {
  if (canDrop())
    k.when(block.partial, [&] { copyOutput(vectors, outputT, savedT); });
  if (pairs())
    packBlock(vectors, block);
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
  Value steps = pairs() ? block.pairs : block.count;
  Values sums =
      k.hotLoop(zero, steps, init, [&](Value r, ValueRange carried) -> Values {
        if (pairs())
          return addPairs(vectors, r, channel, channels, carried);
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
    Value steps = pairs() ? block.pairs : block.count;
    Values sums = k.loop(
        zero, steps, 1, init, [&](Value r, ValueRange carried) -> Values {
          if (pairs())
            return addKeptPairs(vectors, r, d, carried);
          Value x = k.broadcast(k.loadScalar(
              block.values.memref, block.values.at(k.add(block.base, r), d)));
          Values result;
          for (int64_t j = 0; j < vectors; ++j) {
            Value p = k.load(scoresT, {r, column(j)});
            result.push_back(
                unlessDropped(k, p, k.fma(x, p, carried[j]), carried[j]));
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
  Values roots;
  for (int64_t j = 0; j < vectors; ++j) {
    Value none = k.compare(arith::CmpFPredicate::OEQ, sums[j], k.splat(0.0));
    Value inverse;
    if (!finalize.getSinks().empty())
      std::tie(roots.emplace_back(), inverse) =
          sinkFactors(k, k.broadcast(finalize.getSinks().front()), maximum[j],
                      sums[j], hasScore());
    else
      inverse = k.divf(k.splat(1.0), sums[j]);
    k.store(k.select(none, k.splat(0.0), inverse), statistics,
            {zero, column(j)});
    if (finalize.getInits().size() != 2)
      continue;
    k.store(logSumExp(k, maximum[j], sums[j], hasScore()), statistics,
            {one, column(j)});
  }
  if (!roots.empty())
    scaleOutput(roots);
}

/// O of each query times its factor.
void AttentionKernel::scaleOutput(ValueRange factors) {
  k.loop(zero, valueSize, 1, {}, [&](Value d, ValueRange) -> Values {
    for (auto [j, factor] : llvm::enumerate(factors))
      k.store(k.mulf(k.load(outputT, {d, column(j)}), factor), outputT,
              {d, column(j)});
    return {};
  });
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
