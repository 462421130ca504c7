//===- BlockHeads.cpp - A block with other heads --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockHeads.h"
#include "WeightMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace attn;

std::optional<BlockShape> BlockShape::of(MhaOp op) {
  for (Value value : llvm::concat<Value>(op.getWeights(), op.getBiases())) {
    auto type = cast<RankedTensorType>(value.getType());
    if (!type.hasStaticShape() || type.getNumElements() == 0)
      return std::nullopt;
  }
  auto sizeOf = [&](unsigned weight, unsigned dim) {
    return cast<RankedTensorType>(op.getWeights()[weight].getType())
        .getDimSize(dim);
  };
  BlockShape shape = {};
  shape.heads = op.getHeads();
  shape.keyHeads = op.getNumKvHeads();
  shape.packed = op.getPacked();
  shape.biased = !op.getBiases().empty();
  shape.channels = shape.sourceChannels = sizeOf(0, 1);
  if (shape.packed) {
    shape.size = sizeOf(0, 0) / (shape.heads + 2 * shape.keyHeads);
    shape.valueSize = shape.size;
  } else {
    shape.size = sizeOf(0, 0) / shape.heads;
    shape.valueSize = sizeOf(2, 0) / shape.keyHeads;
    shape.sourceChannels = sizeOf(1, 1);
  }
  shape.outputs = sizeOf(op.getWeights().size() - 1, 0);
  shape.elementBytes =
      getElementTypeOrSelf(op.getX().getType()).getIntOrFloatBitWidth() / 8;
  return shape;
}

Stripe BlockShape::rowsOf(unsigned part, int64_t h) const {
  if (!packed)
    return part == 2 ? Stripe{h * valueSize, valueSize}
                     : Stripe{h * size, size};
  // Rows of q, then k, then v.
  const int64_t first[] = {0, heads, heads + keyHeads};
  return {(first[part] + h) * size, size};
}

//===----------------------------------------------------------------------===//
// What a person pays
//===----------------------------------------------------------------------===//

BlockCost BlockCost::of(const BlockShape &shape) {
  int64_t q = shape.heads * shape.size, k = shape.keyHeads * shape.size;
  int64_t v = shape.keyHeads * shape.valueSize;
  int64_t o = shape.heads * shape.valueSize;
  BlockCost cost;
  cost.weightBytes =
      q * shape.channels + (k + v) * shape.sourceChannels + shape.outputs * o;
  if (shape.biased)
    cost.weightBytes += q + k + v + shape.outputs;
  cost.weightBytes *= shape.elementBytes;
  cost.flopPerQuery = 2 * (q * shape.channels + shape.outputs * o);
  cost.flopPerKey = 2 * (k + v) * shape.sourceChannels;
  cost.flopPerPair = 2 * (q + o);
  return cost;
}

std::string BlockCost::lessThan(const BlockCost &before) const {
  return (Twine(before.weightBytes - weightBytes) + " bytes of weights, " +
          Twine(before.flopPerQuery - flopPerQuery) + " FLOP a query, " +
          Twine(before.flopPerKey - flopPerKey) + " a key and " +
          Twine(before.flopPerPair - flopPerPair) + " a pair of them less")
      .str();
}

//===----------------------------------------------------------------------===//
// What stands in the way
//===----------------------------------------------------------------------===//

/// The head's number is an argument of regions, after the score.
static bool readsHead(Region &region, unsigned argument) {
  return !region.empty() && !region.getArgument(argument).use_empty();
}

static bool staysInOrder(ArrayRef<int64_t> query, int64_t heads) {
  return llvm::equal(query, llvm::seq<int64_t>(heads));
}

std::string attn::whyFixed(MhaOp op, const HeadChoice &choice) {
  if (!BlockShape::of(op))
    return "its weights are of dynamic size or empty";
  if (staysInOrder(choice.query, op.getHeads()))
    return "";
  if (op.getReturnsWeights())
    return "it returns its weights, which would be of other heads";
  if (readsHead(op.getScore(), 2) || readsHead(op.getMask(), 1))
    return "a region reads the head's number";
  if (ArrayAttr maps = op.getCaptureMapsAttr())
    for (AffineMap map : maps.getAsValueRange<AffineMapAttr>())
      if (map.isFunctionOfDim(1))
        return "a capture is read at the head's number";
  return "";
}

//===----------------------------------------------------------------------===//
// The rewrite
//===----------------------------------------------------------------------===//

namespace {
/// Operands of a block, made anew for a choice of heads.
struct HeadGatherer {
  ImplicitLocOpBuilder b;
  MhaOp op;
  BlockShape shape;
  const HeadChoice &choice;

  SmallVector<Stripe> rows(unsigned part) const {
    SmallVector<Stripe> ranges;
    for (int64_t h : part == 0 ? choice.query : choice.key)
      ranges.push_back(shape.rowsOf(part, h));
    return ranges;
  }
  void weights();
  void outputWithTwins();
  void perHead(MutableOperandRange operand, unsigned dimFromRight);
};
} // namespace

void HeadGatherer::weights() {
  auto set = [&](MutableOperandRange operands, unsigned i, unsigned dim,
                 ArrayRef<Stripe> ranges) {
    OpOperand &operand = operands[i];
    operand.set(gatherStripes(b, operand.get(), dim, ranges));
  };
  SmallVector<SmallVector<Stripe>> inputs;
  if (shape.packed) {
    inputs.emplace_back();
    for (unsigned part = 0; part < 3; ++part)
      llvm::append_range(inputs[0], rows(part));
  } else {
    for (unsigned part = 0; part < 3; ++part)
      inputs.push_back(rows(part));
  }
  for (auto [i, ranges] : llvm::enumerate(inputs)) {
    set(op.getWeightsMutable(), i, 0, ranges);
    if (shape.biased)
      set(op.getBiasesMutable(), i, 0, ranges);
  }
  if (!choice.twins.empty())
    return outputWithTwins();
  SmallVector<Stripe> columns;
  for (int64_t h : choice.query)
    columns.push_back(shape.outputColumnsOf(h));
  set(op.getWeightsMutable(), inputs.size(), 1, columns);
}

void HeadGatherer::outputWithTwins() {
  SmallVector<SmallVector<Stripe>> sums;
  for (auto [h, twins] : llvm::zip_equal(choice.query, choice.twins)) {
    sums.push_back({shape.outputColumnsOf(h)});
    for (int64_t twin : twins)
      sums.back().push_back(shape.outputColumnsOf(twin));
  }
  OpOperand &operand = op.getWeightsMutable()[op.getWeights().size() - 1];
  ElementsAttr added = WeightBytes::of(operand.get())->gatherSums(1, sums);
  operand.set(arith::ConstantOp::create(b, added));
}

/// What has a size per query head, aligned to the right; 1 broadcasts.
void HeadGatherer::perHead(MutableOperandRange operand, unsigned dimFromRight) {
  if (operand.empty())
    return;
  Value value = operand[0].get();
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() < dimFromRight ||
      type.getDimSize(type.getRank() - dimFromRight) == 1)
    return;
  SmallVector<Stripe> ranges;
  for (int64_t h : choice.query)
    ranges.push_back({h, 1});
  operand[0].set(
      gatherStripes(b, value, type.getRank() - dimFromRight, ranges));
}

std::string attn::chooseHeads(RewriterBase &rewriter, MhaOp op,
                              const HeadChoice &choice) {
  BlockCost before = BlockCost::of(*BlockShape::of(op));
  llvm::SetVector<Operation *> makers;
  for (Value operand : op->getOperands())
    if (Operation *maker = operand.getDefiningOp())
      makers.insert(maker);
  rewriter.setInsertionPoint(op);
  rewriter.modifyOpInPlace(op, [&] {
    HeadGatherer gatherer{ImplicitLocOpBuilder(op.getLoc(), rewriter), op,
                          *BlockShape::of(op), choice};
    gatherer.weights();
    gatherer.perHead(op.getAlibiMutable(), 1);
    gatherer.perHead(op.getSinksMutable(), 1);
    gatherer.perHead(op.getAdditiveMutable(), 3);
    gatherer.perHead(op.getKeepMutable(), 3);
    gatherer.perHead(op.getBlockSparseMutable(), 3);
    gatherer.perHead(op.getRelativeBiasMutable(), 2);
    op.setHeads(choice.query.size());
    if (choice.key.size() == choice.query.size())
      op.removeKvHeadsAttr();
    else
      op.setKvHeads(choice.key.size());
  });
  // Constants of which a part was taken are large.
  for (Operation *maker : makers)
    if (isOpTriviallyDead(maker))
      rewriter.eraseOp(maker);
  return BlockCost::of(*BlockShape::of(op)).lessThan(before);
}
