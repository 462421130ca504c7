//===- PartVerifiers.cpp - Constraints of merge and gather_pages
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Verify.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attn;

LogicalResult MergeOp::verify() {
  Operation *op = *this;
  Value parts = getParts(), lses = getPartLses(), output = getOutput();
  // merge_c1
  if (failed(expectRank(op, "parts", parts, 5)) ||
      failed(expectRank(op, "lses of the parts", lses, 4)) ||
      failed(expectRank(op, "output", output, 4)))
    return failure();
  // merge_c2
  if (failed(expectFloats(op, "parts", parts)) ||
      failed(expectFloats(op, "output", output)))
    return failure();
  Type accumulator = getAccumulatorTypeFor(elementOf(parts));
  if (getAccumulatorTypeFor(elementOf(output)) != accumulator)
    return emitOpError() << "expects an output that accumulates in "
                         << accumulator << " as the parts do, but got "
                         << output.getType();
  if (failed(expectElement(op, "lses of the parts", lses, accumulator)))
    return failure();
  if (failed(verifyLayouts(op, getLayoutsAttr(), 2)))
    return failure();
  // merge_c3
  auto type = cast<RankedTensorType>(parts.getType());
  auto partDim = [&](unsigned dim) {
    return type.getDimSize(1 + getLayoutPosition(getPartLayout(), dim));
  };
  SmallVector<int64_t> rows{partDim(0), partDim(1), partDim(2)};
  SmallVector<int64_t> shape(rows);
  shape.insert(shape.begin(), type.getDimSize(0));
  if (failed(expectShape(op, "lses of the parts", lses, shape)))
    return failure();
  // merge_c4
  SmallVector<int64_t> logical(rows);
  logical.push_back(partDim(3));
  if (failed(expectShape(op, "output", output,
                         applyLayout<int64_t>(getOutputLayout(), logical))))
    return failure();
  if (Value lse = getLse())
    if (failed(expectRank(op, "lse", lse, 3)) ||
        failed(expectElement(op, "lse", lse, accumulator)) ||
        failed(expectShape(op, "lse", lse, rows)))
      return failure();
  // merge_c5
  if (Value sinks = getSinks())
    if (failed(expectVector(op, "sinks", sinks, "H", rows[1])) ||
        failed(expectFloats(op, "sinks", sinks)))
      return failure();
  return success();
}

LogicalResult GatherPagesOp::verify() {
  Operation *op = *this;
  Value pool = getPool(), table = getTable(), lens = getLens();
  // gather_pages_c1
  if (failed(expectRank(op, "pool", pool, 4)) ||
      failed(expectRank(op, "table", table, 2)) ||
      failed(expectRank(op, "lens", lens, 1)) ||
      failed(expectRank(op, "result", getResult(), 4)))
    return failure();
  // gather_pages_c2
  if (failed(expectFloats(op, "pool", pool)) ||
      failed(expectElement(op, "result", getResult(), elementOf(pool))))
    return failure();
  // gather_pages_c3
  if (failed(expectIntegers(op, "table", table)) ||
      failed(expectIntegers(op, "lens", lens)))
    return failure();
  if (failed(verifyLayouts(op, getLayoutsAttr(), 2)))
    return failure();
  // gather_pages_c4
  auto dim = [&](unsigned d) {
    return getLogicalDim(cast<ShapedType>(pool.getType()), getPoolLayout(), d);
  };
  auto type = cast<RankedTensorType>(table.getType());
  int64_t b = type.getDimSize(0), pages = type.getDimSize(1), n = pages;
  if (!ShapedType::isDynamic(pages))
    n = ShapedType::isDynamic(dim(2)) ? dim(2) : pages * dim(2);
  if (failed(expectVector(op, "lens", lens, "B", b)))
    return failure();
  return expectShape(
      op, "result", getResult(),
      applyLayout<int64_t>(getResultLayout(), {b, dim(1), n, dim(3)}));
}
