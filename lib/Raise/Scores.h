//===- Scores.h - Scores taken apart ----------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scores.cpp finds the dot product, Masks.cpp what drops keys.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_RAISE_SCORES_H
#define ATTN_LIB_RAISE_SCORES_H

#include "Match.h"

namespace attn {

class Splitter {
public:
  Splitter(const Attention &attention)
      : attention(attention), reader(*attention.reader) {}

  std::optional<ScoreRule> split(std::optional<NearMiss> &miss);

private:
  const Point *expand(const Point *point);
  const Point *expandNew(const Point *point);
  const Point *expandRead(const Point *point);
  bool matchDot(const Point *point);
  std::optional<HeadView> peelFactors(const Point *point, Dot &dot,
                                      llvm::ArrayRef<mlir::AffineExpr> bhsd);
  bool takeFactor(const Point *factor, bool divides, Dot &dot);
  using Conditions = decltype(ScoreRule::keep);
  using IsFill = llvm::function_ref<bool(double fill, double product)>;
  using IsConstant = llvm::function_ref<bool(const Point *)>;
  struct Peeled {
    const Point *rest = nullptr;    ///< of keys that are kept
    const Point *dropped = nullptr; ///< of the others
    explicit operator bool() const { return rest; }
  };
  Peeled peelMask(const Point *point, IsFill isFill, double factor,
                  Conditions &keep);
  Peeled peelSelect(const Point *select, IsConstant isFilled, Conditions &keep);
  void peelMasks();
  void guardMasks();
  double largestExactDot(const ScoreRule &masked,
                         llvm::ArrayRef<const Point *> dropped);
  void foldScale();
  bool isReadable(const Point *point);
  bool hasDot(const Point *point);
  unsigned countDots(const Point *point);

  const Attention &attention;
  PointReader &reader;
  ScoreRule rule;
  std::optional<NearMiss> reason; ///< why a product is no dot product
  llvm::DenseMap<const Point *, const Point *> expanded;
};

} // namespace attn

#endif // ATTN_LIB_RAISE_SCORES_H
