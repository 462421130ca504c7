//===- RegionVectorizer.cpp - Score and mask regions over lanes ----------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "RegionVectorizer.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace attn;

/// Sums and comparisons of positions stay far inside i32 (captured indices are
/// clamped on entry); products and shifts may not.
static bool fitsNarrowLanes(Region &region) {
  return llvm::none_of(region.getOps(), [](Operation &op) {
    return isa<arith::MulIOp, arith::ShLIOp, arith::MulSIExtendedOp,
               arith::MulUIExtendedOp>(op);
  });
}

RegionVectorizer::RegionVectorizer(KernelBuilder &kernel, OnlineSdpaOp op)
    : kernel(kernel), op(op) {
  bool narrow = fitsNarrowLanes(op.getScore()) && fitsNarrowLanes(op.getMask());
  laneIndex = kernel.b.getIntegerType(narrow ? 32 : 64);
}

Type RegionVectorizer::laneType(Type scalar) const {
  return VectorType::get({kernel.lanes},
                         scalar.isIndex() ? Type(laneIndex) : scalar);
}

Value RegionVectorizer::toLaneIndex(Value value) {
  if (!value.getType().isIndex())
    return value;
  if (laneIndex.getWidth() == 32) {
    // A bound such as "no limit" may exceed i32: saturate far outside every
    // position, with room for one sum.
    value = kernel.min(kernel.max(value, kernel.index(-(1 << 30))),
                       kernel.index(1 << 30));
  }
  return arith::IndexCastOp::create(kernel.b, laneIndex, value);
}

Value RegionVectorizer::toLanes(Value value) {
  if (isa<VectorType>(value.getType()))
    return value;
  return kernel.broadcast(toLaneIndex(value));
}

Value RegionVectorizer::capture(unsigned number, const LanePosition &position) {
  ImplicitLocOpBuilder &b = kernel.b;
  Value value = op.getCaptures()[number];
  if (!isa<MemRefType>(value.getType()))
    return value;
  AffineMap map = op.getCaptureMapValues()[number];
  auto element = [&](int64_t lane) -> Value {
    SmallVector<Value> place, indices;
    for (const LaneCoordinate &coordinate : position)
      place.push_back(coordinate.inLane(lane));
    for (AffineExpr expr : map.getResults())
      indices.push_back(
          affine::AffineApplyOp::create(b, AffineMap::get(4, 0, expr), place));
    return memref::LoadOp::create(b, value, indices);
  };
  bool uniform = true;
  for (auto [dim, coordinate] : llvm::enumerate(position))
    uniform &= !coordinate.at || !map.isFunctionOfDim(dim);
  if (uniform)
    return element(0);
  SmallVector<Value> lanes;
  for (int64_t lane = 0; lane < kernel.lanes; ++lane)
    lanes.push_back(toLaneIndex(element(lane)));
  return vector::FromElementsOp::create(
      b, VectorType::get({kernel.lanes}, lanes.front().getType()), lanes);
}

/// Conversions between index and iN change meaning when index is narrowed.
static Value inlineIndexCast(KernelBuilder &kernel, Operation &op, Value lanes,
                             Type to) {
  auto from = cast<VectorType>(lanes.getType());
  unsigned fromWidth = from.getElementType().getIntOrFloatBitWidth();
  unsigned toWidth = getElementTypeOrSelf(to).getIntOrFloatBitWidth();
  if (fromWidth == toWidth)
    return lanes;
  if (fromWidth > toWidth)
    return arith::TruncIOp::create(kernel.b, to, lanes);
  if (isa<arith::IndexCastUIOp>(op))
    return arith::ExtUIOp::create(kernel.b, to, lanes);
  return arith::ExtSIOp::create(kernel.b, to, lanes);
}

SmallVector<Value, 2> RegionVectorizer::inlineOp(Operation &inner,
                                                 IRMapping &map) {
  ImplicitLocOpBuilder &b = kernel.b;
  bool uniform = llvm::all_of(inner.getOperands(), [&](Value operand) {
    return !isa<VectorType>(map.lookup(operand).getType());
  });
  if (uniform)
    return llvm::to_vector<2>(ValueRange(b.clone(inner, map)->getResults()));
  SmallVector<Value> operands;
  for (Value operand : inner.getOperands())
    operands.push_back(toLanes(map.lookup(operand)));
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(inner))
    return {inlineIndexCast(kernel, inner, operands.front(),
                            laneType(inner.getResult(0).getType()))};
  OperationState state(inner.getLoc(), inner.getName());
  state.addOperands(operands);
  for (Type type : inner.getResultTypes())
    state.addTypes(laneType(type));
  state.propertiesAttr = inner.getPropertiesAsAttribute();
  return llvm::to_vector<2>(ValueRange(b.create(state)->getResults()));
}

Value RegionVectorizer::lanes(Value first, ArrayRef<int64_t> offsets, Value lo,
                              Value hi) {
  ImplicitLocOpBuilder &b = kernel.b;
  VectorType type = VectorType::get({kernel.lanes}, laneIndex);
  SmallVector<APInt> steps;
  for (int64_t offset : offsets)
    steps.push_back(APInt(laneIndex.getWidth(), offset));
  Value constant =
      arith::ConstantOp::create(b, DenseElementsAttr::get(type, steps));
  Value result = arith::AddIOp::create(b, toLanes(first), constant);
  if (lo)
    result = arith::MaxSIOp::create(b, result, toLanes(lo));
  if (hi)
    result = arith::MinSIOp::create(b, result, toLanes(hi));
  return result;
}

Value RegionVectorizer::evaluate(Region &region, Value s,
                                 const LanePosition &position) {
  IRMapping map;
  Block &block = region.front();
  unsigned next = 0;
  if (s)
    map.map(block.getArgument(next++), s);
  for (const LaneCoordinate &coordinate : position)
    map.map(block.getArgument(next++), coordinate.value);
  for (unsigned i = 0; i < op.getCaptures().size(); ++i) {
    BlockArgument argument = block.getArgument(next++);
    if (!argument.use_empty())
      map.map(argument, capture(i, position));
  }
  for (Operation &inner : block.without_terminator())
    map.map(inner.getResults(), ValueRange(inlineOp(inner, map)));
  return toLanes(map.lookup(cast<YieldOp>(block.getTerminator()).getValue()));
}

Value RegionVectorizer::score(Value s, const LanePosition &position) {
  return evaluate(op.getScore(), s, position);
}

Value RegionVectorizer::mask(const LanePosition &position) {
  return evaluate(op.getMask(), Value(), position);
}
