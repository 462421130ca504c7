//===- Clauses.h - What the named variants of an op say ---------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The clauses of one attn.sdpa as constants and captures, before they are code.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_FUSE_CLAUSES_H
#define ATTN_LIB_FUSE_CLAUSES_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/IR/Builders.h"

#include <optional>

namespace attn {

/// An integer known now, or a capture.
struct Scalar {
  std::optional<int64_t> constant;
  unsigned capture = 0;

  bool is(int64_t value) const { return constant == value; }
};

/// The clauses of one op as constants and captures.
struct Clauses {
  std::optional<unsigned> softcap, alibi, additive, keep, kvLens;
  std::optional<llvm::APFloat> softcapConstant;
  std::optional<Causal> causal;
  /// The causal diagonal is n = m + offset, with kv_lens and bottom_right
  /// n = m + kv_lens[b] - queries.
  Scalar offset{0}, queries{0};
  bool offsetFromLens = false;
  /// -1: no bound.
  Scalar left{-1}, right{-1};
  /// 0: absent.
  int64_t chunk = 0, dilation = 0;
  std::optional<unsigned> prefix, documentOfQuery, documentOfKey, block, tree;
  /// Of ragged: query m sees keys [firstKey[m], endKey[m]) and stands at key
  /// place[m], which then is "m + offset".
  std::optional<unsigned> firstKey, endKey, place;
  /// One capture per bucket of relative_bias, by distance from the first to
  /// the last: bucket i holds distances n - (m + offset) >= bucketStarts[i -
  /// 1].
  llvm::SmallVector<unsigned> buckets;
  llvm::SmallVector<int64_t> bucketStarts;

  bool hasOffset() const { return offsetFromLens || !offset.is(0); }
};

/// Gives captures their numbers; the user's come first and keep theirs.
class CaptureList {
public:
  explicit CaptureList(SdpaOp op);

  unsigned add(mlir::Value value, llvm::ArrayRef<mlir::AffineExpr> indices);
  Scalar add(mlir::OpFoldResult value);
  /// A tensor broadcast to the space of `places`, aligned to the right.
  unsigned addBroadcast(mlir::Value tensor,
                        llvm::ArrayRef<mlir::AffineExpr> places);

  llvm::SmallVector<mlir::Type> elementTypes() const;
  /// Makes them the captures of the op.
  void store();

private:
  SdpaOp op;
  llvm::SmallVector<mlir::Value> values;
  llvm::SmallVector<mlir::AffineMap> maps;
};

/// The captures of `ragged`: O(M) numbers that say which keys a query sees.
void readRagged(mlir::OpBuilder &builder, SdpaOp op, CaptureList &captures,
                Clauses &clauses);

/// Reads the clauses; emits what has to be computed before the op.
Clauses readClauses(mlir::OpBuilder &builder, SdpaOp op, CaptureList &captures);

/// The bucket of `distance` = key - query: half of the buckets are one distance
/// each, the others grow geometrically up to `furthest`, the last holds the
/// rest; `bidirectional` gives keys behind the query half of all. Source:
/// Raffel et al., Exploring the Limits of Transfer Learning (2020), with the
/// logarithm in single precision, as the published models were trained.
int64_t bucketOfDistance(int64_t distance, int64_t buckets, int64_t furthest,
                         bool bidirectional);

/// The scale of the op: its operand, or 1 / sqrt(D).
mlir::Value readScale(mlir::OpBuilder &builder, SdpaOp op);

} // namespace attn

#endif // ATTN_LIB_FUSE_CLAUSES_H
