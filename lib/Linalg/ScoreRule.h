//===- ScoreRule.h - Scale, score and mask of one attention op --*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_LINALG_SCORERULE_H
#define ATTN_LIB_LINALG_SCORERULE_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <array>
#include <optional>

namespace attn {

/// One of the dimensions (b, h, m, n) of the whole problem, as a tensor of
/// scores holds it: elements [offset, offset + size) along `loop`, or offset
/// alone where the tensor has no such dimension.
struct ScoreAxis {
  mlir::OpFoldResult offset, size;
  std::optional<unsigned> loop;
};

/// What turns sum_d Q K into the scores that softmax sees.
struct ScoreRule {
  std::array<ScoreAxis, 4> axes; ///< b, h, m, n
  mlir::Value scale;
  mlir::Region *score = nullptr, *mask = nullptr; ///< may be empty
  mlir::SmallVector<mlir::Value> captures;
  mlir::SmallVector<mlir::AffineMap> captureMaps;
  /// Keys in [fullLo, fullHi) are kept without asking the mask; may be null.
  mlir::Value fullLo, fullHi;

  /// score(scale * s), and -inf where the mask drops the key; in place.
  mlir::Value apply(mlir::ImplicitLocOpBuilder &builder,
                    mlir::Value products) const;
};

} // namespace attn

#endif // ATTN_LIB_LINALG_SCORERULE_H
