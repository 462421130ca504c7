//===- GatherPages.cpp - attn.gather_pages as copies of pages -------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One task per batch entry and page: the rows that are there, of all heads.
// What is behind the last row stays as it was filled.
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "Lowerings.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;

/// An integer of a tensor as an index.
static Value integerAt(ImplicitLocOpBuilder &b, Value tensor, ValueRange at) {
  Value value = tensor::ExtractOp::create(b, tensor, at);
  if (value.getType().isIndex())
    return value;
  return arith::IndexCastOp::create(b, b.getIndexType(), value);
}

namespace {
/// The copy of one page.
struct PageCopy {
  GatherPagesOp op;
  OpFoldResult heads, rows, channels;

  /// Rows [t S, t S + count) of batch entry `batch` in `result`.
  void create(ImplicitLocOpBuilder &b, Value batch, Value t, Value result);
};
} // namespace

void PageCopy::create(ImplicitLocOpBuilder &b, Value batch, Value t,
                      Value result) {
  Location loc = b.getLoc();
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value size = getValueOrCreateConstantIndexOp(b, loc, rows);
  Value first = arith::MulIOp::create(b, t, size);
  Value length = integerAt(b, op.getLens(), batch);
  Value left =
      arith::MaxSIOp::create(b, arith::SubIOp::create(b, length, first), zero);
  Value count = arith::MinSIOp::create(b, left, size);
  // Where no row is left, the table may hold anything.
  Value isThere =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, left, zero);
  Value page = arith::SelectOp::create(
      b, isThere, integerAt(b, op.getTable(), {batch, t}), zero);

  OpFoldResult none = b.getIndexAttr(0), one = b.getIndexAttr(1);
  SmallVector<OpFoldResult> sizes{one, heads, count, channels};
  SmallVector<OpFoldResult> strides(4, one);
  auto slice = [&](Value tensor, AffineMap layout,
                   ArrayRef<OpFoldResult> offsets) -> tensor::ExtractSliceOp {
    return tensor::ExtractSliceOp::create(
        b, tensor, applyLayout<OpFoldResult>(layout, offsets),
        applyLayout<OpFoldResult>(layout, sizes), strides);
  };
  AffineMap from = op.getPoolLayout(), to = op.getResultLayout();
  Value source = slice(op.getPool(), from, {page, none, none, none});
  tensor::ExtractSliceOp place = slice(result, to, {batch, none, first, none});
  Value copied = createGeneric(
      b, source, place, {from, to}, {},
      [](ImplicitLocOpBuilder &, ValueRange e) -> Value { return e[0]; });
  scf::InParallelOp end = scf::InParallelOp::create(b);
  b.setInsertionPointToStart(end.getBody());
  tensor::ParallelInsertSliceOp::create(b, copied, result,
                                        place.getMixedOffsets(),
                                        place.getMixedSizes(), strides);
}

LogicalResult attn::lowerToLinalg(RewriterBase &rewriter, GatherPagesOp op) {
  ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
  Location loc = op.getLoc();
  ReifiedRankedShapedTypeDims shapes;
  (void)op.reifyResultShapes(builder, shapes);
  auto pool = [&](unsigned dim) {
    return tensor::getMixedSize(builder, loc, op.getPool(),
                                getLayoutPosition(op.getPoolLayout(), dim));
  };
  PageCopy copy{op, pool(1), pool(2), pool(3)};
  Type element = getElementTypeOrSelf(op.getPool().getType());
  Value empty = createEmpty(builder, op.getResult().getType(), shapes[0]);
  Value filled =
      linalg::FillOp::create(builder, createFloat(builder, element, 0.0), empty)
          .getResult(0);
  SmallVector<OpFoldResult> tasks =
      tensor::getMixedSizes(builder, loc, op.getTable());
  auto loop = scf::ForallOp::create(
      builder, tasks, filled, /*mapping=*/std::nullopt,
      [&](OpBuilder &nested, Location, ValueRange arguments) {
        ImplicitLocOpBuilder inner(loc, nested);
        copy.create(inner, arguments[0], arguments[1], arguments[2]);
      });
  // For the check of the entry: where the pool has its pages and their rows.
  loop->setAttr(
      "attn.gather_pages",
      builder.getDenseI64ArrayAttr({getLayoutPosition(op.getPoolLayout(), 0),
                                    getLayoutPosition(op.getPoolLayout(), 2)}));
  rewriter.replaceOp(op, loop.getResults());
  return success();
}
