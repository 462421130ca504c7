//===- DecodeOutput.cpp - The weighted sum of values of few queries -------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "DecodeKernel.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attn;

/// Calls `body` with (row, channel) of each vector of O.
static void forEachVector(KernelBuilder &k, Value outputRows,
                          function_ref<void(Value, Value)> body) {
  auto type = cast<MemRefType>(outputRows.getType());
  Value zero = k.index(0);
  k.loop(zero, k.index(type.getDimSize(0)), 1, {}, [&](Value row, ValueRange) {
    k.loop(zero, k.index(type.getDimSize(1)), k.lanes, {},
           [&](Value d, ValueRange) {
             body(row, d);
             return Values();
           });
    return Values();
  });
}

void DecodeKernel::clearOutput() {
  forEachVector(k, outputRows, [&](Value row, Value d) {
    k.store(k.splat(0.0), outputRows, {row, d});
  });
}

/// O of each row times its factor.
void DecodeKernel::scaleOutput(Value factors) {
  k.store(factors, results, {zero, zero});
  forEachVector(k, outputRows, [&](Value row, Value d) {
    Value factor = k.broadcast(k.loadScalar(results, {zero, row}));
    k.store(k.mulf(k.load(outputRows, {row, d}), factor), outputRows, {row, d});
  });
}

Value DecodeKernel::anyNonFinite() {
  // x * 0 is 0 for a finite x, else NaN.
  Value probe = k.splat(0.0), zeros = probe;
  k.store(probe, results, {zero, zero});
  forEachVector(k, outputRows, [&](Value row, Value d) {
    Value sum = k.load(results, {zero, zero});
    k.store(k.fma(k.load(outputRows, {row, d}), zeros, sum), results,
            {zero, zero});
  });
  probe = k.load(results, {zero, zero});
  Value isNan = k.compare(arith::CmpFPredicate::UNO, probe, probe);
  return vector::ReductionOp::create(k.b, vector::CombiningKind::OR, isNan);
}

/// The cache lines of channels [channel, channel + channels) of a row, into L2:
/// two steps of keys and values at once are more than L1 holds (0.6 of the rate
/// at which memory can be read instead of 0.99).
void DecodeKernel::prefetch(const Rows &rows, Value row, Value channel,
                            int64_t channels) {
  for (int64_t d = 0; d < channels; d += k.lineElements(rows.memref))
    k.prefetch(rows.memref, rows.at(row, k.add(channel, d)));
}

/// O += p V of the step, some rows and channels at a time.
void DecodeKernel::accumulate(const KeyStep &step, bool careful) {
  // Half of the accumulators' number in rows at most, so that a value that was
  // loaded is used at once in all of them.
  int64_t tiles = llvm::divideCeil(sizes.rows(), accumulators / 2);
  int64_t height = llvm::divideCeil(sizes.rows(), tiles);
  int64_t width = std::max<int64_t>(1, accumulators / height) * k.lanes;
  int64_t wide = llvm::alignDown(sizes.valueDepth, width);
  for (int64_t row = 0; row < sizes.rows(); row += height) {
    int64_t rows = std::min(height, sizes.rows() - row);
    k.loop(zero, k.index(wide), width, {}, [&](Value d, ValueRange) -> Values {
      accumulateTile(step, row, rows, d, width, careful);
      return {};
    });
    if (wide < sizes.valueDepth)
      accumulateTile(step, row, rows, k.index(wide), sizes.valueDepth - wide,
                     careful);
  }
}

void DecodeKernel::accumulateTile(const KeyStep &step, int64_t firstRow,
                                  int64_t rows, Value channel, int64_t channels,
                                  bool careful) {
  int64_t vectors = llvm::divideCeil(channels, k.lanes);
  auto forEach = [&](function_ref<void(Value, Value)> body) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < vectors; ++j)
        body(k.index(firstRow + r), k.add(channel, j * k.lanes));
  };
  Values init;
  forEach([&](Value row, Value d) {
    init.push_back(k.load(outputRows, {row, d}));
  });
  Value lastKey = k.sub(op.getHi(), one);
  auto body = [&](Value i, ValueRange carried) -> Values {
    Value n = k.add(step.start, i), row = k.sub(n, step.valueBase);
    if (firstRow == 0)
      prefetch(key, k.min(k.add(n, keyBlock), lastKey), channel, channels);
    Values v, sums;
    for (int64_t j = 0; j < vectors; ++j)
      v.push_back(k.loadFirst(step.values.memref,
                              step.values.at(row, k.add(channel, j * k.lanes)),
                              channels - j * k.lanes));
    for (int64_t r = 0; r < rows; ++r) {
      Value at = k.add(k.mul(i, k.index(slots)), firstRow + r);
      Value p = k.broadcast(k.loadScalar(scores, {at}));
      for (int64_t j = 0; j < vectors; ++j) {
        Value before = carried[r * vectors + j];
        Value sum = k.fma(p, v[j], before);
        sums.push_back(careful ? unlessDropped(k, p, sum, before) : sum);
      }
    }
    return sums;
  };
  Values sums = k.hotLoop(k.sub(step.first, step.start),
                          k.sub(step.end, step.start), init, body);
  unsigned next = 0;
  forEach(
      [&](Value row, Value d) { k.store(sums[next++], outputRows, {row, d}); });
}
