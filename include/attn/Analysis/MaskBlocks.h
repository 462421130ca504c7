//===- MaskBlocks.h - What a mask makes of a block of scores ----*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a mask is no interval of keys, a scalar test per block of keys says
// whether the block is empty, full or partial, by interval arithmetic over the
// mask region.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_MASKBLOCKS_H
#define ATTN_ANALYSIS_MASKBLOCKS_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/IR/Builders.h"

namespace attn {

/// Queries [m0, m1) against keys [n0, n1) of head h in batch b, none of them
/// without elements.
struct BlockPlace {
  mlir::Value b, h, m0, m1, n0, n1;
};

/// The smallest and the largest element of a capture in the block: one value
/// twice where it is the same everywhere, null where nothing is known. For i1
/// "and" and "or" of the elements.
struct CaptureBounds {
  mlir::Value least, most;
};

/// `some`: a query may keep a key. `all`: every query keeps every key.
struct BlockClass {
  mlir::Value some, all;
};

/// Emits the class of a block for a truth value of a mask region, mostly what
/// it yields: never `some` false where a key is kept, never `all` true where
/// one is dropped. Whatever is not understood, and arithmetic that could wrap,
/// makes `some` true and `all` false. `captures[i]` belongs to the region's
/// argument 4 + i.
BlockClass buildBlockClass(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Value kept, const BlockPlace &place,
                           llvm::ArrayRef<CaptureBounds> captures);

/// On which positions the element that a capture's map reads depends.
enum class CaptureReach { None, Queries, Keys, Both };
CaptureReach getCaptureReach(mlir::AffineMap map);

/// The parts of the mask, joined by "and", that bounds of keys do not follow:
/// blocks between the bounds of `buildKeyRange` may be dropped, or kept, as a
/// whole.
llvm::SmallVector<mlir::Value> getOpenParts(SdpaOp op);

} // namespace attn

#endif // ATTN_ANALYSIS_MASKBLOCKS_H
