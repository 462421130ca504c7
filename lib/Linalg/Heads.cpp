//===- Heads.cpp - attn.split_heads and attn.merge_heads as transposes ----===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// SplitHeads folds these into layout maps where it can; what is left here has a
// user that wants the other order in memory.
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "Lowerings.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;

/// Exchanges dimensions 1 and 2: [B, S, H, D] to [B, H, S, D] and back.
static Value swapRowsAndHeads(ImplicitLocOpBuilder &builder, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, builder.getLoc(), tensor);
  std::swap(shape[1], shape[2]);
  std::swap(sizes[1], sizes[2]);
  Value destination = createEmpty(builder, type.clone(shape), sizes);
  return linalg::TransposeOp::create(builder, tensor, destination,
                                     ArrayRef<int64_t>{0, 2, 1, 3})
      ->getResult(0);
}

static const SmallVector<ReassociationIndices> rowsOfHeads{{0}, {1}, {2, 3}};

LogicalResult attn::lowerToLinalg(RewriterBase &rewriter, SplitHeadsOp op) {
  ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
  ReifiedRankedShapedTypeDims shapes;
  (void)op.reifyResultShapes(builder, shapes);
  auto type = cast<RankedTensorType>(op.getResult().getType());
  auto rows = cast<RankedTensorType>(op.getX().getType());
  int64_t d = type.getDimSize(3), heads = op.getHeads();
  // Rows of known width give heads of known width, and the other way round.
  int64_t width = rows.getDimSize(2);
  if (ShapedType::isDynamic(d) && !ShapedType::isDynamic(width))
    d = width / heads;
  if (ShapedType::isDynamic(width) && !ShapedType::isDynamic(d))
    width = heads * d;
  Value x = castTo(builder, op.getX(),
                   rows.clone({rows.getDimSize(0), rows.getDimSize(1), width}));
  OpFoldResult channels = shapes[0][3];
  if (!ShapedType::isDynamic(d))
    channels = builder.getIndexAttr(d);
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, op.getLoc(), x);
  sizes.back() = builder.getIndexAttr(heads);
  sizes.push_back(channels);
  Value split = tensor::ExpandShapeOp::create(
      builder, rows.clone({rows.getDimSize(0), rows.getDimSize(1), heads, d}),
      x, rowsOfHeads, sizes);
  rewriter.replaceOp(op,
                     castTo(builder, swapRowsAndHeads(builder, split), type));
  return success();
}

LogicalResult attn::lowerToLinalg(RewriterBase &rewriter, MergeHeadsOp op) {
  ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
  Value rows = swapRowsAndHeads(builder, op.getX());
  Value merged = tensor::CollapseShapeOp::create(builder, rows, rowsOfHeads);
  rewriter.replaceOp(op, castTo(builder, merged, op.getResult().getType()));
  return success();
}
