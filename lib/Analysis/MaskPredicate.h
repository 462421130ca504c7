//===- MaskPredicate.h - A mask region as comparisons -----------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a mask region into a formula over affine comparisons.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_ANALYSIS_MASKPREDICATE_H
#define ATTN_LIB_ANALYSIS_MASKPREDICATE_H

#include "attn/Dialect/Attn/IR/Attn.h"

#include <memory>
#include <optional>

namespace attn {

/// m * M + n * N + constant + sum of coefficient * argument, the arguments
/// being those of the mask region whose value does not depend on m and n.
struct AffineForm {
  int64_t m = 0, n = 0, constant = 0;
  llvm::SmallVector<std::pair<unsigned, int64_t>> uniform;
  /// Sum of the coefficients' magnitudes over everything that was added up on
  /// the way, and the largest magnitude of a constant met: together with a
  /// bound of the arguments they bound every intermediate value.
  int64_t weight = 0, largest = 0;
  /// Bits of the narrowest type that some intermediate value had.
  unsigned width = 64;

  AffineForm plus(const AffineForm &other) const;
  AffineForm times(int64_t factor) const;
};

/// Largest magnitude that an argument may have at run time so that the
/// arithmetic of a form does not wrap, for 64 and for 32 bits. The first need
/// not be asked of m, n, b and h, which count elements in memory.
constexpr int64_t kWideLimit = int64_t(1) << 40;
constexpr int64_t kNarrowLimit = int64_t(1) << 24;

struct MaskPredicate {
  enum class Kind {
    Unknown,
    Constant,    ///< `value`
    Nonpositive, ///< `form` <= 0
    Argument,    ///< argument `argument` of type i1, equal to `value`
    And,
    Or,
  };
  Kind kind = Kind::Unknown;
  bool value = false;
  unsigned argument = 0;
  AffineForm form;
  std::unique_ptr<MaskPredicate> left, right;
  mlir::Value obstacle; ///< of Unknown: where understanding ended
};

/// Reads a truth value of a mask region, mostly what it yields. `isUniform[i]`
/// says that the region's argument #i depends on neither m nor n.
MaskPredicate readMaskPredicate(mlir::Value kept,
                                llvm::ArrayRef<bool> isUniform);

} // namespace attn

#endif // ATTN_LIB_ANALYSIS_MASKPREDICATE_H
