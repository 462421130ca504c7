//===- MaskRange.h - Which keys a group of queries can see ------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Interval analysis of mask regions: keys that every query of a group drops
// need no visit, and those that every query keeps need no mask.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_MASKRANGE_H
#define ATTN_ANALYSIS_MASKRANGE_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/IR/Builders.h"

namespace attn {

/// Index values with 0 <= lo <= fullLo <= fullHi <= hi <= N.
struct KeyRange {
  /// Every key outside of [lo, hi) is dropped by every query of the group.
  mlir::Value lo, hi;
  /// Every key in [fullLo, fullHi) is kept by every query of the group.
  mlir::Value fullLo, fullHi;
};

/// Emits the key range of queries [m0, m1) of head `h` in batch `b`, positions
/// in the whole problem, against `n` keys; a null `h` stands for any head.
/// Understands and, or, not and select of comparisons that are affine in m and
/// n, whose other terms are b, h, captured scalars, or captured tensors indexed
/// by b and h; whatever else a mask says makes the range wider and the full
/// range smaller, never wrong. The score region has no part in it: a score of
/// -inf is the kernel's to see.
KeyRange buildKeyRange(mlir::OpBuilder &builder, mlir::Location loc, SdpaOp op,
                       mlir::Value b, mlir::Value h, mlir::Value m0,
                       mlir::Value m1, mlir::Value n);

/// What `buildKeyRange` makes of an op's mask, for people.
struct KeyRangeReading {
  enum Kind {
    NoMask,   ///< every query sees every key
    Solved,   ///< the range follows the whole mask
    Partly,   ///< a part of the mask narrows the range, another does not
    Unsolved, ///< the mask is evaluated for every key
  };
  Kind kind = NoMask;
  /// The first value of the mask that is not understood, if there is one.
  mlir::Value obstacle;
};
KeyRangeReading readKeyRange(SdpaOp op);

} // namespace attn

#endif // ATTN_ANALYSIS_MASKRANGE_H
