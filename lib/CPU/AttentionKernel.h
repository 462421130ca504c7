//===- AttentionKernel.h - What one task of attention emits -----*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CPU_ATTENTIONKERNEL_H
#define ATTN_LIB_CPU_ATTENTIONKERNEL_H

#include "RegionVectorizer.h"

#include "llvm/Support/MathExtras.h"
#include <limits>

namespace attn {

inline constexpr double kLog2e = 1.4426950408889634;
inline constexpr double kLn2 = 0.6931471805599453;
// Keys that the first maximum is taken from.
inline constexpr int64_t kSampledKeys = 8;
// Keys of a tile in code that seldom runs.
inline constexpr int64_t kColdTile = 4;
// Weights of a block may add up to this before the maximum is raised: far from
// overflow, and f32 keeps its precision.
inline constexpr double kLargestSum = 16777216.0;
/// Rows of the state of a tile's queries, behind its scores.
enum StateRow : int64_t { kMaxima, kSums, kBlockSums, kStateRows };
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A [1,1,S,D] operand in its memory order, addressed by (s, d).
struct Rows {
  mlir::Value memref;
  mlir::AffineMap layout;
  mlir::Value zero;

  Values at(mlir::Value s, mlir::Value d) const {
    return applyLayout<mlir::Value>(layout, {zero, zero, s, d});
  }
  /// Channels [d, d + count) of row s, as one view: its elements are then a
  /// fixed distance from one pointer instead of `count` sums of indices, which
  /// would each hold a register.
  mlir::Value channels(mlir::ImplicitLocOpBuilder &b, mlir::Value s,
                       mlir::Value d, int64_t count) const {
    mlir::OpFoldResult first = b.getIndexAttr(0), one = b.getIndexAttr(1);
    llvm::SmallVector<mlir::OpFoldResult> offsets =
        applyLayout<mlir::OpFoldResult>(layout, {first, first, s, d});
    llvm::SmallVector<mlir::OpFoldResult> sizes =
        applyLayout<mlir::OpFoldResult>(layout,
                                        {one, one, one, b.getIndexAttr(count)});
    llvm::SmallVector<mlir::OpFoldResult> strides(4, one);
    mlir::MemRefType type = mlir::memref::SubViewOp::inferRankReducedResultType(
        {count}, llvm::cast<mlir::MemRefType>(memref.getType()), offsets, sizes,
        strides);
    return mlir::memref::SubViewOp::create(b, type, memref, offsets, sizes,
                                           strides);
  }
  bool contiguousRows() const {
    return getLayoutPosition(layout, 3) == 3 && isInnermostContiguous(memref);
  }
};

/// One block of keys: [start, start + count), rows addressed from `base`.
struct KeyBlock {
  mlir::Value start, count;
  mlir::Value partial; // i1, or null where no key can be dropped
  Rows keys, values;
  mlir::Value base;
};

class AttentionKernel {
public:
  AttentionKernel(mlir::ImplicitLocOpBuilder &b, OnlineSdpaOp op,
                  FinalizeOp finalize)
      : op(op), finalize(finalize), plan(*op.getPlan()),
        k(b, op.getAccumulatorType(), plan.getLanes()), region(k, op) {}

  void emit();

private:
  mlir::Value dim(const Rows &rows, unsigned d);
  void emitTile(mlir::Value firstRow, mlir::Value rows);
  void makeScores(int64_t width);
  void storePositions(int64_t vectors, mlir::Value firstRow);
  mlir::Value positions(int64_t vector);
  Values loadRow(StateRow row, int64_t vectors);
  void storeRow(StateRow row, mlir::ValueRange values);
  Values loadState(int64_t vectors);
  void storeState(int64_t vectors, mlir::ValueRange state);
  void walkKeys(int64_t vectors, mlir::Value globalFirst);
  void packQueries(mlir::Value width, mlir::Value firstRow, mlir::Value last);
  void packQueriesByBlocks(mlir::Value width, mlir::Value firstRow,
                           mlir::Value last, mlir::Value factor);
  KeyBlock makeBlock(mlir::Value blockStart, int64_t size);
  Rows widen(const Rows &source, mlir::Value scratch, mlir::Value start,
             mlir::Value count);
  Values scoreTile(int64_t vectors, int64_t tile, const KeyBlock &block,
                   mlir::Value first, mlir::ValueRange init);
  void storeScores(int64_t vectors, int64_t tile, const KeyBlock &block,
                   mlir::Value lo, mlir::Value hi, mlir::ValueRange init);
  Values kept(int64_t vectors, const KeyBlock &block, mlir::Value r,
              mlir::ValueRange s, mlir::Value firstRow);
  Values exactMaximum(int64_t vectors, const KeyBlock &block,
                      mlir::Value firstRow);
  Values weights(int64_t vectors, const KeyBlock &block, mlir::ValueRange init,
                 mlir::Value firstRow);
  std::pair<mlir::Value, mlir::Value> wholeTiles(const KeyBlock &block);
  void weightsByTile(int64_t vectors, const KeyBlock &block, mlir::Value lo,
                     mlir::Value hi, mlir::ValueRange init);
  void weightsByRow(int64_t vectors, const KeyBlock &block, mlir::Value lo,
                    mlir::Value hi, mlir::ValueRange init,
                    mlir::Value firstRow);
  Values weightRow(int64_t vectors, const KeyBlock &block, mlir::Value r,
                   mlir::ValueRange init, mlir::ValueRange sums,
                   mlir::Value firstRow);
  Values keyStep(int64_t vectors, const KeyBlock &block,
                 mlir::ValueRange carried, mlir::Value firstRow);
  Values raiseMaximum(int64_t vectors, const KeyBlock &block,
                      mlir::ValueRange maximum, mlir::ValueRange sums,
                      mlir::ValueRange blockSums, mlir::Value firstRow);
  void accumulate(int64_t vectors, const KeyBlock &block);
  void accumulateTile(int64_t vectors, int64_t channels, const KeyBlock &block,
                      mlir::Value channel);
  void copyOutput(int64_t vectors, mlir::Value from, mlir::Value to);
  mlir::Value anyNonFinite(int64_t vectors);
  void accumulateKept(int64_t vectors, const KeyBlock &block);
  void storeStatistics(int64_t vectors, mlir::ValueRange maximum,
                       mlir::ValueRange sums);
  void scaleOutput(mlir::ValueRange factors);
  std::pair<mlir::Value, mlir::Value> sinkFactors(mlir::Value maximum,
                                                  mlir::Value sum);
  void storeRows(mlir::Value width, mlir::Value firstRow, mlir::Value last,
                 mlir::Value rows);

  /// Rows that the tiles of a block may write.
  int64_t scoreRows() { return llvm::alignTo(plan.getKeyBlock(), kColdTile); }
  bool hasScore() { return !op.getScore().empty(); }
  bool hasMask() { return !op.getMask().empty(); }
  bool canDrop() { return hasScore() || hasMask(); }
  bool widens() {
    return mlir::getElementTypeOrSelf(op.getKey().getType()) != k.accumulator;
  }
  /// Exponent in base 2 of a difference of scores.
  mlir::Value exponential(mlir::Value difference) {
    return k.exp2(hasScore() ? k.mulf(difference, k.splat(kLog2e))
                             : difference);
  }
  mlir::Value column(int64_t vector) { return k.index(vector * k.lanes); }

  OnlineSdpaOp op;
  FinalizeOp finalize;
  PlanAttr plan;
  KernelBuilder k;
  RegionVectorizer region;
  Rows query, key, value, output;
  mlir::Value zero, one, headSize, valueSize;
  mlir::Value queriesT, outputT, savedT, scoresT, positionScratch, statistics,
      keyScratch, valueScratch;
};

} // namespace attn

#endif // ATTN_LIB_CPU_ATTENTIONKERNEL_H
