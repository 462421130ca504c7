//===- AttentionKernel.h - The fused kernel in fragments --------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_NVVM_ATTENTIONKERNEL_H
#define ATTN_LIB_NVVM_ATTENTIONKERNEL_H

#include "KernelOutline.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "attn/Dialect/Frag/IR/Frag.h"

namespace attn::nvvm {

/// What a consumer carries from one block of keys to the next.
struct SoftmaxState {
  mlir::Value output;  ///< acc 64 x Dv, not normalised
  mlir::Value maximum; ///< rows
  mlir::Value sum;     ///< rows, partial
  mlir::Value weights; ///< a 64 x BC: the newest block's, not yet multiplied
};

/// Where one operand's slice lies: a buffer and the first (b, h, s).
struct OperandSlice {
  mlir::Value buffer;
  mlir::AffineMap layout;
  mlir::Value batch, head, row; ///< index, in the kernel
  mlir::Value map;              ///< TMA descriptor
};

/// What a block of keys needs of the mask.
enum class Masking {
  None, ///< every key is kept
  Rule, ///< the mask rule says which
  Edge, ///< and the keys may end in this block
};

/// Blocks of keys, numbered downwards: iteration i takes block last - 1 - i.
struct KeyBlocks {
  mlir::Value last;   ///< index
  mlir::Value count;  ///< i32, at least 1
  mlir::Value lo, hi; ///< index: the keys that the mask may keep
  /// i32: iterations [1, right) and [full, count) need the mask,
  /// [right, full) do not. Iteration 0 always does.
  mlir::Value right, full;
  bool hasRight, hasLeft;
};

/// Emits the body of a kernel for one `attn.online_sdpa` and its
/// `attn.finalize`: FlashAttention-3's schedule. Source: Shah et al.,
/// FlashAttention-3 (2024), algorithms 1 and 2.
class AttentionKernel {
public:
  AttentionKernel(KernelOutline &outline, OnlineSdpaOp op, FinalizeOp finalize);

  mlir::LogicalResult emit();

private:
  bool sharesBlocks() { return plan.getBlocks() > 0; }
  mlir::LogicalResult readTypes();
  /// What the code of one task needs, at the builder's position.
  mlir::LogicalResult readTask();
  mlir::LogicalResult eachTask(llvm::function_ref<void()> body);
  mlir::LogicalResult readOperands();
  mlir::LogicalResult readSlice(OperandSlice &slice, mlir::Value view,
                                mlir::AffineMap layout, int64_t boxRows);
  mlir::LogicalResult readRules();
  mlir::LogicalResult readLse();
  mlir::LogicalResult makeKeyBlocks();
  void allocate();
  void produce();
  void loadKeys(mlir::Value iteration);
  void loadValues(mlir::Value iteration);
  void consume();
  /// Channels of O in registers: whole steps of 16, those past Dv are dropped.
  int64_t outputColumns() const { return llvm::alignTo(valueDim, 16); }
  mlir::Value startScores(mlir::Value iteration);
  SoftmaxState firstBlock();
  SoftmaxState nextBlock(mlir::Value iteration, const SoftmaxState &state,
                         Masking masking);
  SoftmaxState walkBlocks(mlir::Value lo, mlir::Value hi,
                          const SoftmaxState &state, Masking masking);
  void storeResults(const SoftmaxState &state);
  void passTurn();

  // Scores to weights.
  mlir::Value applyRules(mlir::Value scores, mlir::Value iteration,
                         Masking masking);
  mlir::Value applyRules(mlir::Value score, mlir::Value row, mlir::Value column,
                         Masking masking);
  mlir::Value inlineRule(mlir::Region &region, mlir::Value score,
                         mlir::Value row, mlir::Value column, Masking masking);
  mlir::Value capture(unsigned number, mlir::Value row, mlir::Value column,
                      Masking masking);
  mlir::Value maximumOf(mlir::Value scores, mlir::Value previous);
  mlir::Value finiteMaximum(mlir::Value maximum);
  mlir::Value exponentials(mlir::Type type, mlir::Value scores,
                           mlir::Value maximum);
  mlir::Value exponential(mlir::Value score, mlir::Value maximum);
  mlir::Value logSumExp(mlir::Value maximum, mlir::Value sum);
  mlir::Value sinkDistance(mlir::Value maximum);
  mlir::Value sinkRoot(mlir::Value maximum);
  mlir::Value inverseOf(mlir::Value sum, mlir::Value maximum);

  // What rows without keys are, where there is none at all.
  bool mayLackKeys();
  mlir::LogicalResult fillWithoutKeys(mlir::Value &hasKeys);
  mlir::LogicalResult fill(mlir::Value buffer, mlir::AffineMap layout,
                           double number);

  // What a dropped key's value spoilt.
  bool maySpoilRows();
  void mendRows(mlir::Value result, mlir::Value sum, mlir::Value maximum,
                mlir::Value factor);
  void writeRegion(
      mlir::Region &region, mlir::TypeRange types,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange)>
          body);
  mlir::Value elementAt(const OperandSlice &slice, mlir::Value row,
                        mlir::Value column);
  mlir::Value scoreAt(mlir::Value row, mlir::Value column);

  // frag.map with a body written by a function.
  mlir::Value map(mlir::Type type, mlir::ValueRange inputs,
                  llvm::function_ref<mlir::Value(mlir::ValueRange)> body,
                  mlir::ValueRange at = {});
  mlir::Value firstKey(mlir::Value iteration);
  /// The place of a task's iteration in the ring.
  mlir::Value inRing(mlir::Value iteration);
  mlir::Value i32(int64_t value);
  mlir::Value index(int64_t value);
  mlir::Value f32(double value);

  KernelOutline &outline;
  mlir::ImplicitLocOpBuilder &b;
  OnlineSdpaOp op;
  FinalizeOp finalize;
  PlanAttr plan;
  mlir::Type element;
  int64_t headDim = 0, valueDim = 0, keyBlock = 0;
  frag::AccType scoreType, outputType;
  frag::RowsType rowsType;
  frag::AType weightType;

  OperandSlice query, key, value, output;
  KeyBlocks blocks;
  mlir::Value scale, batch, head, row, numQueries, numKeys, sink, lseBase;
  llvm::SmallVector<mlir::Value> scalarCaptures;
  /// scale * log2(e), where scores may stay unscaled.
  mlir::Value foldedScale;
  bool failedRule = false;

  mlir::Value queryTile, keyTile, valueTile, outputTile;
  mlir::Value queryFull, queryEmpty, keyFull, keyEmpty, valueFull, valueEmpty;
  /// i32, where blocks have several tasks: iterations of the tasks before, and
  /// their number.
  mlir::Value ringStart, round;
  mlir::Value warpgroup;    ///< of the consumer being written
  mlir::Value warpgroupRow; ///< its first row in the tile of queries
};

} // namespace attn::nvvm

#endif // ATTN_LIB_NVVM_ATTENTIONKERNEL_H
