//===- ResolveExpandShape.cpp - attn-cpu-resolve-expand-shape -------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A [B*S, E] buffer seen as [B, S, H, D] has two dynamic sizes in one group.
// Upstream's expand-strided-metadata expects one at most and crashes (MLIR
// 22.1.8); sizes are given, so the strides follow from them.
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_CPURESOLVEEXPANDSHAPEPASS
#include "attn/CPU/Passes.h.inc"

/// Strides of the expanded buffer: within a group, row-major on top of the
/// stride of the source's dimension.
static SmallVector<OpFoldResult>
expandedStrides(OpBuilder &b, memref::ExpandShapeOp op,
                ArrayRef<OpFoldResult> sourceStrides,
                ArrayRef<OpFoldResult> sizes) {
  AffineExpr s0, s1;
  bindSymbols(b.getContext(), s0, s1);
  SmallVector<OpFoldResult> strides(sizes.size());
  for (auto [group, stride] :
       llvm::zip(op.getReassociationIndices(), sourceStrides)) {
    OpFoldResult running = stride;
    for (int64_t dim : llvm::reverse(group)) {
      strides[dim] = running;
      running = affine::makeComposedFoldedAffineApply(b, op.getLoc(), s0 * s1,
                                                      {running, sizes[dim]});
    }
  }
  return strides;
}

static void resolve(memref::ExpandShapeOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  auto metadata = memref::ExtractStridedMetadataOp::create(b, loc, op.getSrc());
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  SmallVector<OpFoldResult> strides =
      expandedStrides(b, op, metadata.getConstifiedMixedStrides(), sizes);
  Value view = memref::ReinterpretCastOp::create(
      b, loc, op.getResultType(), metadata.getBaseBuffer(),
      metadata.getConstifiedMixedOffset(), sizes, strides);
  op.replaceAllUsesWith(view);
  op.erase();
}

namespace {
struct CPUResolveExpandShapePass final
    : impl::CPUResolveExpandShapePassBase<CPUResolveExpandShapePass> {
  void runOnOperation() override {
    SmallVector<memref::ExpandShapeOp> ops;
    getOperation()->walk([&](memref::ExpandShapeOp op) { ops.push_back(op); });
    llvm::for_each(ops, resolve);
  }
};
} // namespace
} // namespace attn
