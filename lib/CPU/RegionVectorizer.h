//===- RegionVectorizer.h - Score and mask regions over lanes ---*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CPU_REGIONVECTORIZER_H
#define ATTN_LIB_CPU_REGIONVECTORIZER_H

#include "KernelBuilder.h"
#include "attn/Dialect/Attn/IR/Attn.h"

namespace attn {

/// Inlines the score and mask regions of an attn.online_sdpa whose lanes are
/// queries. What does not depend on the query stays scalar; index arithmetic
/// on lanes is done in i32 where no product can overflow it, else in i64.
class RegionVectorizer {
public:
  RegionVectorizer(KernelBuilder &kernel, OnlineSdpaOp op);

  /// Binds the position of the group: `rowsEnd` clamps padded lanes to the
  /// last query, so that they read nothing out of bounds.
  void setGroup(mlir::Value batch, mlir::Value head, mlir::Value lastRow);

  /// Positions row, row + 1, ... as a vector, padded lanes repeating the last.
  mlir::Value positions(mlir::Value row);
  /// The element type of `positions`.
  mlir::IntegerType getPositionType() const { return laneIndex; }

  /// score(s, b, h, m, n) for the queries at `positions`, the first at `row`.
  mlir::Value score(mlir::Value s, mlir::Value row, mlir::Value positions,
                    mlir::Value key);
  /// mask(b, h, m, n) as vector<lanes x i1>.
  mlir::Value mask(mlir::Value row, mlir::Value positions, mlir::Value key);

private:
  mlir::Value evaluate(mlir::Region &region, mlir::Value s, mlir::Value row,
                       mlir::Value positions, mlir::Value key);
  mlir::Value capture(unsigned number, mlir::Value row, mlir::Value key);
  /// A uniform value as a vector of `element` (index: narrowed).
  mlir::Value toLanes(mlir::Value value);
  mlir::Type laneType(mlir::Type scalar) const;
  mlir::Value inlineOp(mlir::Operation &op, mlir::IRMapping &map);

  KernelBuilder &kernel;
  OnlineSdpaOp op;
  mlir::IntegerType laneIndex;
  mlir::Value batch, head, lastRow;
};

} // namespace attn

#endif // ATTN_LIB_CPU_REGIONVECTORIZER_H
