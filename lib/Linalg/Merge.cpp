//===- Merge.cpp - attn.merge as a softmax over the parts -----------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Partial results weigh as exp(LSE): their LSEs are scores over P keys, whose
// values are the outputs of the parts.
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "Lowerings.h"
#include "Softmax.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace attn;

/// [P, B, H, M] as [B, H, M, P], a tensor of its own.
static Value createScores(ImplicitLocOpBuilder &builder, Value lses,
                          ArrayRef<OpFoldResult> sizes) {
  Value empty = tensor::EmptyOp::create(builder, sizes,
                                        getElementTypeOrSelf(lses.getType()));
  return createGeneric(
      builder, lses, empty,
      {selectDims(builder, 4, {3, 0, 1, 2}), builder.getMultiDimIdentityMap(4)},
      {}, [](ImplicitLocOpBuilder &, ValueRange e) -> Value { return e[0]; });
}

/// Dimensions of (b, h, m, `channel`) in the memory order of `layout`.
static SmallVector<unsigned> inMemory(AffineMap layout, unsigned channel) {
  return llvm::map_to_vector(layout.getResults(), [&](AffineExpr expr) {
    unsigned dim = cast<AffineDimExpr>(expr).getPosition();
    return dim == 3 ? channel : dim;
  });
}

LogicalResult attn::lowerToLinalg(RewriterBase &rewriter, MergeOp op) {
  ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
  FloatType type =
      cast<FloatType>(getElementTypeOrSelf(op.getPartLses().getType()));
  SmallVector<OpFoldResult> lses =
      tensor::getMixedSizes(builder, op.getLoc(), op.getPartLses());
  SmallVector<OpFoldResult> rows(ArrayRef(lses).drop_front());
  OpFoldResult parts = lses.front();
  OpFoldResult channels =
      tensor::getMixedSize(builder, op.getLoc(), op.getParts(),
                           1 + getLayoutPosition(op.getPartLayout(), 3));
  SmallVector<OpFoldResult> scoreSizes(rows), outputSizes(rows);
  scoreSizes.push_back(parts);
  outputSizes.push_back(channels);

  Value scores = createScores(builder, op.getPartLses(), scoreSizes);
  Value max =
      createRowMax(builder, scores,
                   createFilled(builder, rows, type,
                                -std::numeric_limits<double>::infinity()));
  Value exponentials = createExponentials(builder, scores, max);
  Value sum = createRowSum(builder, exponentials,
                           createFilled(builder, rows, type, 0.0));
  // Over (b, h, m, p, d): channels innermost, a row of a part is read in order.
  SmallVector<unsigned> partDims = inMemory(op.getPartLayout(), 4);
  partDims.insert(partDims.begin(), 3);
  Value acc = createWeightedSum(builder, exponentials, op.getParts(),
                                createFilled(builder, outputSizes, type, 0.0),
                                {selectDims(builder, 5, {0, 1, 2, 3}),
                                 selectDims(builder, 5, partDims),
                                 selectDims(builder, 5, {0, 1, 2, 4})},
                                /*keys=*/3);
  Value denominator = createDenominator(builder, max, sum, op.getSinks(),
                                        selectDims(builder, 3, {1}));

  ReifiedRankedShapedTypeDims shapes;
  (void)op.reifyResultShapes(builder, shapes);
  SmallVector<Value> results;
  Value output = createEmpty(builder, op.getOutput().getType(), shapes[0]);
  results.push_back(createNormalized(
      builder, acc, denominator, output,
      {builder.getMultiDimIdentityMap(4), selectDims(builder, 4, {0, 1, 2}),
       selectDims(builder, 4, inMemory(op.getOutputLayout(), 3))}));
  if (op.getLse())
    results.push_back(
        createLse(builder, max, sum,
                  createEmpty(builder, op.getLse().getType(), shapes[1]),
                  builder.getMultiDimIdentityMap(3)));
  rewriter.replaceOp(op, results);
  return success();
}
