//===- DecodeKernel.h - What a task of few queries emits --------*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CPU_DECODEKERNEL_H
#define ATTN_LIB_CPU_DECODEKERNEL_H

#include "AttentionParts.h"
#include "RegionVectorizer.h"

namespace attn {

/// The sizes of a task, all known.
struct DecodeSizes {
  int64_t heads, queries, depth, valueDepth;

  int64_t rows() const { return heads * queries; }
};

/// Keys [first, end) of the grid's step that begins at `start`; key n is row
/// n - keyBase of `keys`, and so on.
struct KeyStep {
  mlir::Value start, first, end;
  Rows keys, values;
  mlir::Value keyBase, valueBase;
};

class DecodeKernel {
public:
  DecodeKernel(mlir::ImplicitLocOpBuilder &b, OnlineSdpaOp op,
               FinalizeOp finalize, const DecodeSizes &sizes);

  void emit();

private:
  //===--- DecodeKernel.cpp -----------------------------------------------===//
  void packQueries();
  Values walkTwiceAtMost();
  Values walkKeys(mlir::Value careful);
  Values keyStep(mlir::Value start, mlir::ValueRange state,
                 mlir::Value careful);
  KeyStep makeStep(mlir::Value start);
  void storeResults(mlir::ValueRange state);
  void storeRow(mlir::Value head, mlir::Value m, mlir::Value row);

  //===--- DecodeOutput.cpp -----------------------------------------------===//
  void clearOutput();
  void scaleOutput(mlir::Value factors);
  mlir::Value anyNonFinite();
  void accumulate(const KeyStep &step, bool careful);
  void accumulateTile(const KeyStep &step, int64_t firstRow, int64_t rows,
                      mlir::Value channel, int64_t channels, bool careful);
  void prefetch(const Rows &rows, mlir::Value row, mlir::Value channel,
                int64_t channels);

  //===--- DecodeScores.cpp -----------------------------------------------===//
  void forEachScores(const KeyStep &step,
                     llvm::function_ref<void(mlir::Value, mlir::Value)> body);
  void storeScores(const KeyStep &step);
  mlir::Value scoreVector(const KeyStep &step, mlir::Value n);
  void applyRules(const KeyStep &step);
  void dropOutside(const KeyStep &step);
  LanePosition positions(const KeyStep &step, mlir::Value n);
  mlir::Value largest();
  mlir::Value weights(mlir::Value maximum);
  mlir::Value
  overKeys(mlir::Value x,
           llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);
  llvm::SmallVector<int64_t>
  perLane(llvm::function_ref<int64_t(int64_t key, int64_t row)> of);

  bool hasScore() { return !op.getScore().empty(); }
  bool hasMask() { return !op.getMask().empty(); }
  bool canDrop() { return hasScore() || hasMask(); }

  OnlineSdpaOp op;
  FinalizeOp finalize;
  KernelBuilder k;
  RegionVectorizer region;
  DecodeSizes sizes;
  /// Keys of a step; rows with padding, a power of two; keys in a vector of
  /// scores; accumulators in use at once.
  int64_t keyBlock, slots, keysPerVector, accumulators;
  Rows query, key, value, output;
  mlir::Value zero, one;
  /// Q times the scale [slots, D]; O, not normalised [rows, Dv]; the scores of
  /// a step [key_block * slots], key by key; two results of each row [2,
  /// lanes].
  mlir::Value queryRows, outputRows, scores, results;
  mlir::Value keyScratch, valueScratch;
};

} // namespace attn

#endif // ATTN_LIB_CPU_DECODEKERNEL_H
