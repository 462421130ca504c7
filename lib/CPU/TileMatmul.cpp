//===- TileMatmul.cpp - attn-cpu-tile-matmul: products to tasks ----------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_CPUTILEMATMULPASS
#include "attn/CPU/Passes.h.inc"

/// Sizes min(step, total - i * step) of tile i.
static OpFoldResult tileSize(ImplicitLocOpBuilder &b, Value i, int64_t step,
                             OpFoldResult total) {
  if (std::optional<int64_t> size = getConstantIntValue(total))
    if (*size % step == 0)
      return b.getIndexAttr(step);
  AffineExpr d0, s0;
  bindDims(b.getContext(), d0);
  bindSymbols(b.getContext(), s0);
  AffineExpr stepExpr = b.getAffineConstantExpr(step);
  AffineMap map =
      AffineMap::get(1, 1, {stepExpr, s0 - d0 * step}, b.getContext());
  return affine::makeComposedFoldedAffineMin(b, b.getLoc(), map, {i, total});
}

static void tileMatmul(PackedMatmulOp op, int64_t rowsPerTask) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto panels = cast<MemRefType>(op.getPacked().getType());
  int64_t width = panels.getDimSize(2);
  auto size = [&](Value memref, int64_t i) -> OpFoldResult {
    return memref::getMixedSize(b, b.getLoc(), memref, i);
  };
  OpFoldResult rows = size(op.getX(), 0), depth = size(op.getX(), 1);
  OpFoldResult columns = size(op.getInit(), 1);
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  AffineExpr s0 = b.getAffineSymbolExpr(0);
  OpFoldResult tasks = affine::makeComposedFoldedAffineApply(
      b, b.getLoc(), s0.ceilDiv(rowsPerTask), {rows});
  // All panels of a block of rows follow one another: its rows stay in L2, and
  // each panel is fetched while the one before it is used.
  auto forall = scf::ForallOp::create(
      b, SmallVector<OpFoldResult>{tasks, size(op.getPacked(), 0)},
      ValueRange{}, std::nullopt);
  b.setInsertionPointToStart(forall.getBody());
  Value task = forall.getInductionVar(0), panel = forall.getInductionVar(1);
  AffineExpr d0 = b.getAffineDimExpr(0);
  auto scaled = [&](Value i, int64_t step) {
    return affine::makeComposedFoldedAffineApply(b, b.getLoc(), d0 * step, {i});
  };
  OpFoldResult row = scaled(task, rowsPerTask), column = scaled(panel, width);
  OpFoldResult rowCount = tileSize(b, task, rowsPerTask, rows);
  OpFoldResult columnCount = tileSize(b, panel, width, columns);
  auto slice = [&](Value memref, ArrayRef<OpFoldResult> offsets,
                   ArrayRef<OpFoldResult> sizes) -> Value {
    SmallVector<OpFoldResult> strides(offsets.size(), one);
    return memref::SubViewOp::create(b, memref, offsets, sizes, strides);
  };
  Value bias = op.getBias();
  if (bias)
    bias = slice(bias, {column}, {columnCount});
  PackedMatmulOp::create(
      b, TypeRange{}, slice(op.getX(), {row, zero}, {rowCount, depth}),
      slice(op.getPacked(), {OpFoldResult(panel), zero, zero},
            {one, depth, b.getIndexAttr(width)}),
      bias, slice(op.getInit(), {row, column}, {rowCount, columnCount}));
  op.erase();
}

namespace {
struct CPUTileMatmulPass final
    : impl::CPUTileMatmulPassBase<CPUTileMatmulPass> {
  using CPUTileMatmulPassBase::CPUTileMatmulPassBase;

  void runOnOperation() override {
    SmallVector<PackedMatmulOp> products;
    getOperation()->walk([&](PackedMatmulOp op) {
      if (isa<MemRefType>(op.getPacked().getType()) &&
          !op->getParentOfType<scf::ForallOp>())
        products.push_back(op);
    });
    for (PackedMatmulOp op : products)
      tileMatmul(op, rowsPerTask);
  }
};
} // namespace
} // namespace attn
