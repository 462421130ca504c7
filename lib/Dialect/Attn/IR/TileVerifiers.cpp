//===- TileVerifiers.cpp - Constraints of the tile-level ops
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Verify.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Tile level
//===----------------------------------------------------------------------===//

LogicalResult OnlineSdpaOp::verify() {
  // online_sdpa_c1
  for (auto [name, value] : {std::pair<StringRef, Value>{"query", getQuery()},
                             {"key", getKey()},
                             {"value", getValue()}})
    if (failed(expectRank(*this, name, value, 4)))
      return failure();
  if (failed(verifyLayouts(*this, getLayoutsAttr(), 3)))
    return failure();
  // online_sdpa_c4
  for (auto [name, value] : {std::pair<StringRef, Value>{"query", getQuery()},
                             {"key", getKey()},
                             {"value", getValue()}})
    if (failed(expectFloats(*this, name, value)))
      return failure();
  // online_sdpa_c2
  Type accumulator = getPartial().getType().getAccumulator();
  Type expected = getAccumulatorTypeFor(elementOf(getQuery()));
  if (accumulator != expected || getScale().getType() != expected)
    return emitOpError() << "expects scale and accumulator of type " << expected
                         << ", but got " << getScale().getType() << " and "
                         << accumulator;
  // online_sdpa_c3
  for (auto [name, value, operand] :
       {std::tuple<StringRef, Value, unsigned>{"query", getQuery(), 0},
        {"key", getKey(), 1},
        {"value", getValue(), 2}}) {
    auto type = cast<ShapedType>(value.getType());
    for (unsigned d : {0u, 1u}) {
      if (operand == 0 && d == 1)
        continue; // query heads may share a key head
      if (failed(expectDim(*this, (d ? "heads of " : "batch of ") + name.str(),
                           getLogicalDim(type, getLayout(operand), d), "one",
                           1)))
        return failure();
    }
  }
  // online_sdpa_c5
  auto dim = [&](Value value, unsigned operand, unsigned d) {
    return getLogicalDim(cast<ShapedType>(value.getType()), getLayout(operand),
                         d);
  };
  if (failed(expectDim(*this, "value length", dim(getValue(), 2, 2),
                       "key length", dim(getKey(), 1, 2))) ||
      failed(expectDim(*this, "key head size", dim(getKey(), 1, 3),
                       "query head size", dim(getQuery(), 0, 3))))
    return failure();
  SmallVector<Type> captures;
  if (failed(
          verifyCaptures(*this, getCaptures(), getCaptureMapsAttr(), captures)))
    return failure();
  if (failed(verifyScoreAndMask(*this, accumulator, captures, getScore(),
                                getMask())))
    return failure();
  // online_sdpa_c6
  if (!getBlocks().empty() && (getMask().empty() || !getPlan()))
    return emitOpError("expects a mask region and a plan beside a blocks "
                       "region");
  // online_sdpa_c7
  return verifyBlocks(*this, captures, getBlocks());
}

LogicalResult FinalizeOp::verify() {
  // finalize_c1
  size_t count = getInits().size();
  if (count < 1 || count > 2)
    return emitOpError() << "expects one or two destinations, but got "
                         << count;
  Value output = getInits()[0];
  if (failed(expectRank(*this, "output", output, 4)) ||
      failed(verifyLayout(*this, getLayout())))
    return failure();
  // finalize_c2
  Type accumulator = getPartial().getType().getAccumulator();
  if (count == 2 &&
      (failed(expectRank(*this, "lse", getInits()[1], 3)) ||
       failed(expectElement(*this, "lse", getInits()[1], accumulator))))
    return failure();
  for (Value sink : getSinks())
    if (sink.getType() != accumulator)
      return emitOpError() << "expects sink of type " << accumulator
                           << ", but got " << sink.getType();
  // finalize_c3
  if (failed(expectFloats(*this, "output", output)))
    return failure();
  if (getAccumulatorTypeFor(elementOf(output)) != accumulator)
    return emitOpError() << "expects an output that accumulates in "
                         << accumulator << ", but got " << output.getType();
  // finalize_c4
  auto type = cast<ShapedType>(output.getType());
  auto dim = [&](unsigned d) { return getLogicalDim(type, getLayout(), d); };
  if (failed(expectDim(*this, "batch of output", dim(0), "one", 1)))
    return failure();
  if (!getSinks().empty() && failed(expectDim(*this, "sinks", getSinks().size(),
                                              "heads of output", dim(1))))
    return failure();
  if (count == 1)
    return success();
  return expectShape(*this, "lse", getInits()[1], {dim(0), dim(1), dim(2)});
}

LogicalResult PackedMatmulOp::verify() {
  // packed_matmul_c1
  if (failed(expectRank(*this, "x", getX(), 2)) ||
      failed(expectRank(*this, "packed weight", getPacked(), 3)) ||
      failed(expectRank(*this, "destination", getInit(), 2)))
    return failure();
  auto x = cast<ShapedType>(getX().getType());
  auto w = cast<ShapedType>(getPacked().getType());
  auto y = cast<ShapedType>(getInit().getType());
  // packed_matmul_c2
  if (failed(expectDim(*this, "depth of the packed weight", w.getDimSize(1),
                       "columns of x", x.getDimSize(1))) ||
      failed(expectDim(*this, "rows of the destination", y.getDimSize(0),
                       "rows of x", x.getDimSize(0))))
    return failure();
  if (w.isDynamicDim(2) || w.getDimSize(2) < 1)
    return emitOpError() << "expects a static panel width >= 1, but got " << w;
  if (!w.isDynamicDim(0) && !y.isDynamicDim(1) &&
      uint64_t(w.getDimSize(0)) !=
          llvm::divideCeil(y.getDimSize(1), w.getDimSize(2)))
    return emitOpError() << "expects "
                         << llvm::divideCeil(y.getDimSize(1), w.getDimSize(2))
                         << " panels of " << w.getDimSize(2)
                         << " columns, but got " << w.getDimSize(0);
  // packed_matmul_c3
  if (getBias() &&
      failed(expectVector(*this, "bias", getBias(),
                          "columns of the destination", y.getDimSize(1))))
    return failure();
  // packed_matmul_c4
  for (auto [name, value] : {std::pair<StringRef, Value>{"x", getX()},
                             {"packed weight", getPacked()},
                             {"bias", getBias()},
                             {"destination", getInit()}})
    if (value && failed(expectFloats(*this, name, value)))
      return failure();
  return success();
}

LogicalResult ParallelCallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // parallel_call_c1
  auto callee = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(
      *this, getCalleeAttr());
  if (!callee)
    return emitOpError() << "expects a function, but found no "
                         << getCalleeAttr();
  SmallVector<Type> expected{IndexType::get(getContext())};
  llvm::append_range(expected, getArgs().getTypes());
  if (!llvm::equal(callee.getArgumentTypes(), expected) ||
      !callee.getResultTypes().empty())
    return emitOpError() << "expects " << getCalleeAttr()
                         << " to take an index and the arguments given, and "
                            "to return nothing";
  return success();
}
