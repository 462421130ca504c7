//===- RegionVectorizer.h - Score and mask regions over lanes ---*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CPU_REGIONVECTORIZER_H
#define ATTN_LIB_CPU_REGIONVECTORIZER_H

#include "KernelBuilder.h"
#include "attn/Dialect/Attn/IR/Attn.h"

#include <array>
#include <functional>

namespace attn {

/// One coordinate of the scores in a vector's lanes.
struct LaneCoordinate {
  /// An index, the same in all lanes, or a vector from `lanes`.
  mlir::Value value;
  /// The index of one lane, where `value` is a vector. In bounds for every
  /// lane, padded ones too: captures are read there.
  std::function<mlir::Value(int64_t lane)> at;

  mlir::Value inLane(int64_t lane) const { return at ? at(lane) : value; }
};
/// b, h, m and n of the scores in a vector's lanes.
using LanePosition = std::array<LaneCoordinate, 4>;

/// Inlines the score and mask regions of an attn.online_sdpa over lanes. What
/// is the same in all lanes stays scalar; index arithmetic on lanes is done in
/// i32 where no product can overflow it, else in i64.
class RegionVectorizer {
public:
  RegionVectorizer(KernelBuilder &kernel, OnlineSdpaOp op);

  /// first + offsets[lane], brought into [lo, hi]; a null bound is none.
  mlir::Value lanes(mlir::Value first, llvm::ArrayRef<int64_t> offsets,
                    mlir::Value lo, mlir::Value hi);
  /// The element type of `lanes`.
  mlir::IntegerType getPositionType() const { return laneIndex; }

  /// score(s, b, h, m, n) for the scores at `position`.
  mlir::Value score(mlir::Value s, const LanePosition &position);
  /// mask(b, h, m, n) as vector<lanes x i1>.
  mlir::Value mask(const LanePosition &position);

  /// The element of a capture; a vector where it depends on the lane.
  mlir::Value capture(unsigned number, const LanePosition &position);

private:
  mlir::Value evaluate(mlir::Region &region, mlir::Value s,
                       const LanePosition &position);
  /// An index as narrow as lanes have it; other scalars stay.
  mlir::Value toLaneIndex(mlir::Value value);
  /// A uniform value as a vector of `element` (index: narrowed).
  mlir::Value toLanes(mlir::Value value);
  mlir::Type laneType(mlir::Type scalar) const;
  llvm::SmallVector<mlir::Value, 2> inlineOp(mlir::Operation &op,
                                             mlir::IRMapping &map);

  KernelBuilder &kernel;
  OnlineSdpaOp op;
  mlir::IntegerType laneIndex;
};

} // namespace attn

#endif // ATTN_LIB_CPU_REGIONVECTORIZER_H
