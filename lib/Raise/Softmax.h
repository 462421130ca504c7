//===- Softmax.h - Parts of the match of softmax ----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What surrounds exp(s - max) / sum in graphs.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_RAISE_SOFTMAX_H
#define ATTN_LIB_RAISE_SOFTMAX_H

#include "Point.h"

namespace attn {

/// True when `condition` says that each score of a row, over n, is -inf; when
/// `negated`, that some is not.
bool isAllLowest(PointReader &reader, const Point *condition, bool negated,
                 const Point *scores, mlir::AffineExpr n);

} // namespace attn

#endif // ATTN_LIB_RAISE_SOFTMAX_H
