//===- RepeatedHeads.h - Where repeated heads come from ---------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_OPTIMIZE_REPEATEDHEADS_H
#define ATTN_LIB_OPTIMIZE_REPEATEDHEADS_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace attn {

/// A tensor that has every head of another one once: head h of that is head
/// `h floordiv group` of this.
struct HeadSource {
  mlir::Value value;
  int64_t group = 1;
  /// For each dimension of `value` the logical one, 0 b, 1 h, 2 s, 3 d; none
  /// where the tensor has one head and no dimension for it.
  llvm::SmallVector<int64_t> dims;

  /// `value` with a dimension for its heads, and its layout.
  mlir::Value withHeads(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::AffineMap &layout) const;
};

/// True when `heads` is a tile of several heads: head h is head `h mod n` of
/// another tensor.
bool isTileOfHeads(mlir::Value heads, mlir::AffineMap layout);

/// The sources of `heads` of that layout, from near to far, by way of
/// transposes, broadcasts, generics that copy, concatenations of one tensor,
/// casts and reshapes. Without those that repeat nothing.
llvm::SmallVector<HeadSource> findHeadSources(mlir::Value heads,
                                              mlir::AffineMap layout);

} // namespace attn

#endif // ATTN_LIB_OPTIMIZE_REPEATEDHEADS_H
