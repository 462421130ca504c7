//===- Tile.cpp - One parallel task per batch, head and query group -------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream cuts attn.sdpa over (B, H, M); what is left of it in a task becomes
// attn.online_sdpa with the keys that the mask leaves to the task. Everything
// stays on tensors: a task writes the slice of the shared result that it
// extracted, so that bufferization finds nothing to copy.
//
//===----------------------------------------------------------------------===//

#include "attn/Tile/Passes.h"

#include "BlockTest.h"
#include "Remarks.h"

#include "attn/Analysis/MaskRange.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/PassManager.h"

namespace attn {
#define GEN_PASS_DEF_TILEPASS
#include "attn/Tile/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// What earlier rooms owe an op that is to be tiled.
static LogicalResult checkPromises(SdpaOp op) {
  if (!op.getPlan())
    return op.emitOpError("expects a plan: run attn-fuse-plan first");
  if (op.getPlan()->getRoom() == Room::Linalg)
    return success();
  if (op.getWeights())
    return op.emitOpError("expects a plan of room linalg where the weights are "
                          "a result");
  // The verifier of tensor.extract_slice refuses to begin at offset 0 of 0.
  for (Value operand : {op.getQuery(), op.getKey(), op.getValue()})
    if (llvm::is_contained(cast<ShapedType>(operand.getType()).getShape(), 0))
      return op.emitOpError("expects a plan of room linalg where a dimension "
                            "is 0, but got ")
             << operand.getType();
  // Asked here because upstream adds errors of its own to the interface's.
  if (op.hasNamedVariants())
    return op.emitOpError("expects named variants to be expanded before "
                          "tiling: run attn-fuse-variants first");
  if (!op.getScale())
    return op.emitOpError("expects an explicit scale: run attn-fuse-variants "
                          "first");
  return success();
}

/// The heads' sink logits in the accumulator's type.
static SmallVector<Value> sinksOf(OpBuilder &builder, SdpaOp tile,
                                  int64_t heads) {
  SmallVector<Value> sinks;
  if (!tile.getSinks())
    return sinks;
  Location loc = tile.getLoc();
  FloatType accumulator = tile.getAccumulatorType();
  for (int64_t h = 0; h < heads; ++h) {
    Value at = arith::ConstantIndexOp::create(builder, loc, h);
    Value sink = tensor::ExtractOp::create(builder, loc, tile.getSinks(), at);
    unsigned width = sink.getType().getIntOrFloatBitWidth();
    if (width < accumulator.getWidth())
      sink = arith::ExtFOp::create(builder, loc, accumulator, sink);
    else if (width > accumulator.getWidth())
      sink = arith::TruncFOp::create(builder, loc, accumulator, sink);
    sinks.push_back(sink);
  }
  return sinks;
}

/// Query heads of one task. In the form `decode` those that share a key head
/// share its lines in the cache, as many as the lanes hold with their queries:
/// the largest divisor of the group. A row's bits do not depend on it.
static int64_t headsOfTask(SdpaOp op) {
  PlanAttr plan = *op.getPlan();
  auto heads = [](Value value, AffineMap layout) {
    return getLogicalDim(cast<ShapedType>(value.getType()), layout, 1);
  };
  int64_t all = heads(op.getQuery(), op.getQueryLayout());
  int64_t keyHeads = heads(op.getKey(), op.getKeyLayout());
  if (plan.getForm() != Form::Decode || ShapedType::isDynamic(all) ||
      ShapedType::isDynamic(keyHeads))
    return 1;
  int64_t group = all / keyHeads;
  int64_t count =
      std::clamp<int64_t>(plan.getLanes() / plan.getQueryGroup(), 1, group);
  while (group % count != 0)
    --count;
  return count;
}

namespace {
/// The whole problem, as it is known before the loop: its sizes, and whether it
/// was a tile itself.
struct Problem {
  Value queries, keys;
  OpFoldResult batch, heads;
  bool isTile;
};
} // namespace

/// The lengths of the op to be tiled; where it is a tile itself, its rows end
/// what is known of M.
static Problem problemOf(OpBuilder &builder, SdpaOp op) {
  Location loc = op.getLoc();
  auto sizeOf = [&](Value value, AffineMap layout, unsigned dim) {
    return tensor::getMixedSize(builder, loc, value,
                                getLayoutPosition(layout, dim));
  };
  auto lengthOf = [&](Value value, AffineMap layout) {
    return getValueOrCreateConstantIndexOp(builder, loc,
                                           sizeOf(value, layout, 2));
  };
  Value m = lengthOf(op.getQuery(), op.getQueryLayout());
  bool isTile = !op.getOffsets().empty();
  if (isTile)
    m = builder.createOrFold<arith::AddIOp>(loc, op.getOffsets()[2], m);
  return {m, lengthOf(op.getKey(), op.getKeyLayout()),
          sizeOf(op.getQuery(), op.getQueryLayout(), 0),
          sizeOf(op.getQuery(), op.getQueryLayout(), 1), isTile};
}

/// Moves a region of `tile` to `to`; captures that were added reach it as well.
static void moveRegion(Region &from, Region &to, ValueRange added) {
  if (from.empty())
    return;
  to.takeBody(from);
  for (Value capture : added)
    to.addArgument(getElementTypeOrSelf(capture.getType()), capture.getLoc());
}

/// Replaces the op of one task by its parts.
static LogicalResult splitTile(RewriterBase &rewriter, SdpaOp tile,
                               int64_t heads, const Problem &whole) {
  Location loc = tile.getLoc();
  auto loop = cast<scf::ForallOp>(tile->getParentOp());
  // The places of the results are computed after the tile: build behind them.
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(loop.getTerminator());
  Value b = tile.getOffsets()[0], h = tile.getOffsets()[1],
        m0 = tile.getOffsets()[2];
  Value rows = getValueOrCreateConstantIndexOp(
      rewriter, loc,
      tensor::getMixedSize(rewriter, loc, tile.getQuery(),
                           getLayoutPosition(tile.getQueryLayout(), 2)));
  Value m1 = rewriter.createOrFold<arith::AddIOp>(loc, m0, rows);
  KeyRange keys = buildKeyRange(rewriter, loc, tile, b,
                                heads == 1 ? h : Value(), m0, m1, whole.keys);

  // Only one kernel of the CPU asks block by block, for one head. The bounds of
  // what a mask captures are made for whole problems.
  BlockTest test;
  PlanAttr plan = *tile.getPlan();
  if (plan.getRoom() == Room::CPU && plan.getForm() == Form::Flash &&
      heads == 1 && !whole.isTile)
    buildBlockTest(
        rewriter, tile,
        {loop, m0, m1, whole.batch, whole.heads, whole.queries, whole.keys},
        test);
  remarkKeyRange(tile, !test.region.empty());
  SmallVector<Value> captures(tile.getCaptures());
  SmallVector<AffineMap> maps = tile.getCaptureMapValues();
  llvm::append_range(captures, test.values);
  llvm::append_range(maps, test.maps);

  ArrayAttr layouts;
  if (ArrayAttr all = tile.getLayoutsAttr())
    layouts = rewriter.getArrayAttr(all.getValue().take_front(3));
  auto partial = OnlineSdpaOp::create(
      rewriter, loc,
      PartialType::get(tile.getContext(), tile.getAccumulatorType()),
      tile.getQuery(), tile.getKey(), tile.getValue(), tile.getScale(), keys.lo,
      keys.hi, keys.fullLo, keys.fullHi, b, h, m0, whole.queries, whole.keys,
      captures,
      maps.empty() ? ArrayAttr() : rewriter.getAffineMapArrayAttr(maps),
      layouts, tile.getPlanAttr());
  moveRegion(tile.getScore(), partial.getScore(), test.values);
  moveRegion(tile.getMask(), partial.getMask(), test.values);
  partial.getBlocks().takeBody(test.region);

  // The destinations are the slices that the loop will insert.
  SmallVector<Value> inits;
  for (Value result : tile->getResults()) {
    if (!result.hasOneUse())
      return tile.emitOpError("expects each result of a task to be inserted "
                              "once");
    auto insert = cast<tensor::ParallelInsertSliceOp>(*result.user_begin());
    inits.push_back(tensor::ExtractSliceOp::create(
        rewriter, loc, cast<RankedTensorType>(result.getType()),
        insert.getDest(), insert.getMixedOffsets(), insert.getMixedSizes(),
        insert.getMixedStrides()));
  }
  auto finalize = FinalizeOp::create(
      rewriter, loc, ValueRange(inits).getTypes(), partial.getPartial(),
      sinksOf(rewriter, tile, heads), inits, tile.getOutputLayout());
  rewriter.replaceOp(tile, finalize.getResults());
  return success();
}

static LogicalResult tileOp(RewriterBase &rewriter, SdpaOp op) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  Problem whole = problemOf(rewriter, op);
  int64_t heads = headsOfTask(op);
  scf::SCFTilingOptions options;
  options.setLoopType(scf::SCFTilingOptions::LoopType::ForallOp);
  options.setTileSizes({rewriter.getIndexAttr(1), rewriter.getIndexAttr(heads),
                        rewriter.getIndexAttr(op.getPlan()->getQueryGroup())});
  FailureOr<scf::SCFTilingResult> tiled = scf::tileUsingSCF(
      rewriter, cast<TilingInterface>(op.getOperation()), options);
  if (failed(tiled))
    return failure();
  // The loop knows sizes from the operands that the op's result type leaves
  // open.
  rewriter.setInsertionPointAfterValue(tiled->replacements.front());
  SmallVector<Value> replacements;
  for (auto [value, type] :
       llvm::zip_equal(tiled->replacements, op->getResultTypes()))
    replacements.push_back(
        value.getType() == type
            ? value
            : tensor::CastOp::create(rewriter, op.getLoc(), type, value));
  rewriter.replaceOp(op, replacements);
  return splitTile(rewriter, cast<SdpaOp>(tiled->tiledOps.back()), heads,
                   whole);
}

void attn::buildTilePipeline(OpPassManager &pm) {
  pm.nest<func::FuncOp>().addPass(createTilePass());
}

namespace {
struct TilePass final : attn::impl::TilePassBase<TilePass> {
  void runOnOperation() override {
    SmallVector<SdpaOp> ops;
    getOperation().walk([&](SdpaOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (SdpaOp op : ops) {
      if (failed(checkPromises(op)))
        return signalPassFailure();
      if (op.getPlan()->getRoom() != Room::Linalg &&
          failed(tileOp(rewriter, op)))
        return signalPassFailure();
    }
  }
};
} // namespace
