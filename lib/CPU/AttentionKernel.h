//===- AttentionKernel.h - What one task of attention emits -----*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CPU_ATTENTIONKERNEL_H
#define ATTN_LIB_CPU_ATTENTIONKERNEL_H

#include "AttentionParts.h"
#include "RegionVectorizer.h"

#include "llvm/Support/MathExtras.h"

namespace attn {

// Keys that the first maximum is taken from.
inline constexpr int64_t kSampledKeys = 8;
// Keys of a tile in code that seldom runs.
inline constexpr int64_t kColdTile = 4;
// Scores from here on are not computed from -m: each sum of products would
// round otherwise than that of m did, by more than an exponent holds.
inline constexpr double kLargeScore = 262144.0;
// Weights of a block may add up to this before the maximum is raised: far from
// overflow, and f32 keeps its precision.
inline constexpr double kLargestSum = 16777216.0;
/// Rows of the state of a tile's queries, behind its scores.
enum StateRow : int64_t { kMaxima, kSums, kBlockSums, kShifts, kStateRows };

/// One block of keys: [start, start + count), rows addressed from `base`.
struct KeyBlock {
  mlir::Value start, count;
  mlir::Value lead;    // 1 where the first pair's lower key is before `start`
  mlir::Value pairs;   // of keys; with bf16_products
  mlir::Value partial; // i1, or null where no key can be dropped
  mlir::Value whole;   // i1: nothing is masked; null where only bounds tell
  Rows keys, values;
  mlir::Value base;
  // Of keys that stand for the block, up to the last; null: each does.
  mlir::Value stride, last;
};

/// What the next task reads, and this one writes: see AttentionAhead.cpp.
struct Ahead {
  mlir::Value nextBlock;  // i1: of this head, while one is computed; or null
  mlir::Value wanted;     // i1; null: never
  mlir::Value newHead;    // i1: the next task is of the next head
  mlir::Value head;       // 1 then, else 0
  mlir::Value firstQuery; // row of the next task's queries in that head
  mlir::Value firstRow;   // of this tile's output
};

/// What the op's region `blocks` says of one block, both i1.
struct BlockAnswer {
  mlir::Value some, all;
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
  LanePosition positions(int64_t vector, mlir::Value firstRow, mlir::Value n);
  Values loadRow(StateRow row, int64_t vectors);
  void storeRow(StateRow row, mlir::ValueRange values);
  Values loadState(int64_t vectors);
  void storeState(int64_t vectors, mlir::ValueRange state);
  void walkKeys(int64_t vectors, mlir::Value globalFirst);
  void packQueries(mlir::Value width, mlir::Value firstRow, mlir::Value last);
  void packQueriesByBlocks(mlir::Value width, mlir::Value firstRow,
                           mlir::Value last, mlir::Value factor);
  BlockAnswer askBlock(mlir::Value blockStart, mlir::Value globalFirst);
  KeyBlock makeBlock(mlir::Value blockStart, mlir::Value whole);
  mlir::Value keyAt(const KeyBlock &block, mlir::Value r);
  void visitBlock(int64_t vectors, const KeyBlock &block,
                  mlir::Value globalFirst);
  void sampleMaxima(int64_t vectors, const KeyBlock &block,
                    mlir::Value globalFirst);
  Values scoreTile(int64_t vectors, int64_t tile, const KeyBlock &block,
                   mlir::Value first, mlir::ValueRange init);
  void storeScores(int64_t vectors, int64_t tile, const KeyBlock &block,
                   mlir::Value lo, mlir::Value hi, mlir::ValueRange init);
  Values kept(int64_t vectors, const KeyBlock &block, mlir::Value r,
              mlir::ValueRange s, mlir::Value firstRow, bool masked);
  Values exactMaximum(int64_t vectors, const KeyBlock &block,
                      mlir::Value firstRow);
  Values startOfWeights(mlir::ValueRange maximum, mlir::Value repeated);
  mlir::Value shiftLargeScores(mlir::ValueRange maximum, Values &start);
  Values weights(int64_t vectors, const KeyBlock &block, mlir::ValueRange init,
                 mlir::Value anyLarge, mlir::Value firstRow);
  std::pair<mlir::Value, mlir::Value> wholeTiles(const KeyBlock &block);
  void weightsByTile(int64_t vectors, const KeyBlock &block, mlir::Value lo,
                     mlir::Value hi, mlir::ValueRange init);
  void weightsByRow(int64_t vectors, const KeyBlock &block, mlir::Value lo,
                    mlir::Value hi, mlir::ValueRange init, mlir::Value firstRow,
                    bool masked);
  Values weightRow(int64_t vectors, const KeyBlock &block, mlir::Value r,
                   mlir::ValueRange init, mlir::ValueRange sums,
                   mlir::Value firstRow, bool masked);
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

  //===--- AttentionPairs.cpp ---------------------------------------------===//
  void makePairs(int64_t width);
  void packQueryPairs(mlir::Value width, mlir::Value firstRow,
                      mlir::Value last);
  Values scorePairs(int64_t vectors, int64_t tile, const KeyBlock &block,
                    mlir::ValueRange rows, mlir::ValueRange init);
  void packBlock(int64_t vectors, const KeyBlock &block);
  void packWeights(int64_t vectors, const KeyBlock &block, mlir::Value pair,
                   mlir::Value first, bool atEdge);
  void packValues(const KeyBlock &block, mlir::Value pair, mlir::Value first,
                  bool atEdge);
  Values addPairs(int64_t vectors, mlir::Value pair, mlir::Value channel,
                  int64_t channels, mlir::ValueRange carried);
  Values addKeptPairs(int64_t vectors, mlir::Value pair, mlir::Value channel,
                      mlir::ValueRange carried);

  //===--- AttentionAhead.cpp ---------------------------------------------===//
  bool spreadsRows();
  mlir::Value wantsNextBlock();
  void lookAhead(mlir::Value firstRow);
  void fetchAhead(const KeyBlock &block, mlir::Value first);
  void fetchRows(const Rows &rows, mlir::Value head, mlir::Value first,
                 mlir::Value channels, bool write);

  void storeStatistics(int64_t vectors, mlir::ValueRange maximum,
                       mlir::ValueRange sums);
  void scaleOutput(mlir::ValueRange factors);
  void storeRows(mlir::Value width, mlir::Value firstRow, mlir::Value last,
                 mlir::Value rows);

  /// Rows that the tiles of a block may write.
  int64_t scoreRows() { return llvm::alignTo(plan.getKeyBlock(), kColdTile); }
  bool hasScore() { return !op.getScore().empty(); }
  bool hasMask() { return !op.getMask().empty(); }
  bool hasBlocks() { return !op.getBlocks().empty(); }
  bool canDrop() { return hasScore() || hasMask(); }
  /// Products take bf16 in pairs.
  bool pairs() { return plan.getBf16Products(); }
  bool widens() {
    return !pairs() &&
           mlir::getElementTypeOrSelf(op.getKey().getType()) != k.accumulator;
  }
  mlir::Value exponential(mlir::Value difference) {
    return attn::exponential(k, difference, hasScore());
  }
  mlir::Value column(int64_t vector) { return k.index(vector * k.lanes); }

  OnlineSdpaOp op;
  FinalizeOp finalize;
  PlanAttr plan;
  KernelBuilder k;
  RegionVectorizer region;
  Rows query, key, value, output;
  Ahead ahead;
  mlir::Value zero, one, headSize, valueSize, lastQuery;
  mlir::Value queriesT, outputT, savedT, scoresT, positionScratch, statistics,
      keyScratch, valueScratch;
  /// Of a block: weights [pairs of keys, queries], values [pairs of keys, Dv],
  /// the bits of two bf16 in an f32.
  mlir::Value weightPairs, valuePairs;
};

} // namespace attn

#endif // ATTN_LIB_CPU_ATTENTIONKERNEL_H
