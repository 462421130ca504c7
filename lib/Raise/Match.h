//===- Match.h - Attention as it was found ----------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// softmax over the keys, then the second product.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_RAISE_MATCH_H
#define ATTN_LIB_RAISE_MATCH_H

#include "Guard.h"
#include "Point.h"
#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <memory>

namespace attn {

/// Why something that looks like attention is not raised.
struct NearMiss {
  mlir::Operation *op;
  std::string reason;
};

/// Dot products of a graph are taken to be no larger than this.
constexpr double kLargestScore = 1e15;
/// What rules make of them is moderate up to this.
constexpr double kLargestRule = 1e18;

/// Of what is summed in f16 or bf16.
constexpr llvm::StringLiteral
    kNarrowSum("a product summed in f16 or bf16: each partial sum is rounded, "
               "where attn.sdpa sums in f32");

/// root = softmax over n of `factor` * `scores`, times `values`.
struct Attention {
  std::unique_ptr<PointReader> reader;
  /// What is replaced, and the dimension of each of its dimensions; 0 for size
  /// 1. It comes out of the second product, or of a division after it.
  mlir::Value root;
  llvm::SmallVector<mlir::AffineExpr> rootCoords;
  /// Not 0: the root's first dimension is batch and this many heads in one.
  int64_t heads = 0;
  /// Null where the problem has no such dimension, or it is 1.
  mlir::AffineExpr b, h, m;
  mlir::AffineExpr n, dv;
  const Point *scores = nullptr, *values = nullptr;
  double factor = 1.0;
  /// The maximum starts from a number that is not the lowest of its type.
  bool startsFinite = false;
  /// The weights are divided before the second product.
  bool dividedBefore = false;
  /// The graph makes rows whose scores are all -inf 0 itself; before a factor
  /// above 1, if `isTestedBefore`.
  bool emptyRowsAreZero = false, isTestedBefore = false;
};

/// What a contraction was found to be: an attention, a near miss, or neither.
struct Finding {
  std::optional<Attention> attention;
  std::optional<NearMiss> miss;
};

/// Looks for softmax in front of `product`, whose first dimension is batch and
/// `heads` heads in one, unless it is 0.
Finding matchAttention(mlir::linalg::LinalgOp product, int64_t heads);

/// The same attention with the transposes and the rounding to f16 or bf16 that
/// come after it, if any do: then nothing is moved or widened twice.
std::optional<Attention> goFarther(const Attention &attention);

/// How many heads a reshape in front of `product` has put into its first
/// dimension, or 0.
int64_t findCollapsedHeads(mlir::linalg::LinalgOp product);

/// A tensor as [B, H, S, D] in some order, or a unit dimension.
struct HeadView {
  mlir::Value value;
  /// For each dimension 0 b, 1 h, 2 s, 3 d, or -1 for one of size 1.
  llvm::SmallVector<int> dims;
  int64_t group = 1; ///< query heads that share a head
  /// This dimension of `value` and the next are the heads; one of `dims`.
  std::optional<unsigned> joined;
  bool has(int dim) const { return llvm::is_contained(dims, dim); }
};

/// Q and K of one dot product over `k`: sum q k, times `scale` and `scalars`.
struct Dot {
  HeadView query, key;
  double scale = 1.0;
  llvm::SmallVector<mlir::Value> scalars; ///< further factors, known later
};

/// None: each row surely has a key. A row of one large negative number is the
/// mean of all values.
enum class EmptyRows { None, NaN, MeanOfValues };

/// The scores as the two regions of attn.sdpa.
struct ScoreRule {
  Dot dot;
  const Point *dotPoint = nullptr; ///< the score that `tree` starts from
  const Point *tree = nullptr;     ///< `dotPoint` itself: no score region
  /// Kept are keys for which each is true, or false where the flag is set.
  llvm::SmallVector<std::pair<const Point *, bool>> keep;
  /// As `keep`, while each score that `tree` starts from is at most
  /// `largestDot`; `tree` itself gives such keys the weight 0 then.
  llvm::SmallVector<std::pair<const Point *, bool>> guarded;
  double largestDot = 0.0;
  double factor = 1.0; ///< of what `tree` makes
  /// What the graph makes of rows that may have no kept key, or scores of -inf
  /// alone.
  EmptyRows emptyRows = EmptyRows::None;
};

/// True when each score is no larger than dot products are; so is each finite
/// one, where `others` that overflow in f16 or bf16 are allowed.
bool areScoresModerate(const Attention &attention, const ScoreRule &rule,
                       bool others = false);

/// False when each row surely has a key that is kept, with a finite score if
/// the dot products are finite and not beyond 1e15.
bool mayHaveEmptyRows(const Attention &attention, const ScoreRule &rule);

/// Splits the scores into dot product, score rule and mask.
std::optional<ScoreRule> splitScores(const Attention &attention,
                                     std::optional<NearMiss> &miss);

/// Reads `point` as [b, h, s, d], null dimensions being 1; nothing when some
/// position is something else.
std::optional<HeadView> viewHeads(const PointReader &reader, const Point *point,
                                  llvm::ArrayRef<mlir::AffineExpr> bhsd);

/// Like it, through as many transposes, broadcasts and widenings as can be read
/// away, where `group` query heads share one: of type `element` or a narrower
/// one.
std::optional<HeadView> viewDeepest(PointReader &reader, const Point *point,
                                    llvm::ArrayRef<mlir::AffineExpr> bhsd,
                                    mlir::Type element, int64_t group);

/// True when each number of one type is one of the other.
bool canWiden(mlir::Type from, mlir::Type to);

/// What an attention became.
struct Attended {
  SdpaOp op;
  Guard guard; ///< without a value where the mask needs none
};

/// Emits attn.sdpa before the root's op and replaces the root by it; says why
/// not, with nothing changed, where operands do not have its form.
mlir::FailureOr<Attended> attend(const Attention &attention,
                                 const ScoreRule &rule,
                                 std::optional<NearMiss> &miss);

/// The output of `op`, which returns its LSE, with what the graph makes of rows
/// whose LSE is -inf.
mlir::Value restoreEmptyRows(mlir::ImplicitLocOpBuilder &b, SdpaOp op,
                             EmptyRows how);

/// Emits `view` as a tensor of rank 4; `order` gets its dimensions in memory
/// order.
mlir::Value toRank4(mlir::OpBuilder &b, mlir::Location loc,
                    const HeadView &view, llvm::SmallVectorImpl<int> &order);
/// The dimensions that `toRank4` would give to a tensor like `view`.
llvm::SmallVector<int> rank4Order(const HeadView &view);
/// The other way: a rank-4 tensor in that order as one like `view`, of `type`.
mlir::Value fromRank4(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value,
                      const HeadView &view, mlir::Type type);

} // namespace attn

#endif // ATTN_LIB_RAISE_MATCH_H
