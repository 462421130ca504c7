//===- LowerMemory.cpp - Shared memory, barriers, copies ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FragmentLowering.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;
using namespace attn::frag;

// How long one try of a barrier may sleep; it is tried again.
static constexpr int64_t kWaitTicks = 10000000;

/// The address of the barrier of an iteration.
static Value barrierPointer(ThreadBuilder &b, Value barriers, Value iteration,
                            int64_t stages) {
  return b.sharedPointer(b.add(b.mul(b.rem(iteration, stages), 8), barriers));
}

/// The parity of an iteration's phase.
static Value parity(ThreadBuilder &b, Value iteration, int64_t stages) {
  Value round = b.div(iteration, stages);
  return arith::AndIOp::create(b, round, b.i32(1));
}

static void waitFor(ThreadBuilder &b, Value pointer, Value phase) {
  NVVM::MBarrierTryWaitParityOp::create(b, pointer, phase, b.i32(kWaitTicks));
}

/// Where row `row` of a tile begins in its first panel.
static Value rowAddress(ThreadBuilder &b, Value tile, Value row) {
  return b.add(b.mul(b.narrow(row), 128), tile);
}

namespace {

/// An allocation is its offset.
template <typename OpTy>
struct LowerAlloc : OpConversionPattern<OpTy> {
  LowerAlloc(const TypeConverter &types, MLIRContext *context,
             const SharedLayout &layout)
      : OpConversionPattern<OpTy>(types, context), layout(layout) {}

  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, b.i32(layout.offsets.lookup(op)));
    return success();
  }

  const SharedLayout &layout;
};

struct LowerAwait : OpConversionPattern<AwaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(AwaitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    int64_t stages = op.getBarriers().getType().getStages();
    Value it = adaptor.getIteration();
    waitFor(b, barrierPointer(b, adaptor.getBarriers(), it, stages),
            parity(b, it, stages));
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerAcquire : OpConversionPattern<AcquireOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(AcquireOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    int64_t stages = op.getBarriers().getType().getStages();
    Value it = adaptor.getIteration();
    // The phase before the one that this iteration's release completes.
    Value before = arith::XOrIOp::create(b, parity(b, it, stages), b.i32(1));
    waitFor(b, barrierPointer(b, adaptor.getBarriers(), it, stages), before);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerRelease : OpConversionPattern<ReleaseOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ReleaseOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    int64_t stages = op.getBarriers().getType().getStages();
    Value pointer = barrierPointer(b, adaptor.getBarriers(),
                                   adaptor.getIteration(), stages);
    b.when(b.equal(b.lane(), 0), [&] {
      NVVM::MBarrierArriveOp::create(b, b.getI64Type(), pointer, Value());
    });
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerLoad : OpConversionPattern<LoadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    TileType tile = op.getTile().getType();
    Value it = adaptor.getIteration();
    Value barrier =
        barrierPointer(b, adaptor.getBarriers(), it, tile.getStages());
    NVVM::MBarrierArriveExpectTxOp::create(
        b, Type(), barrier, b.i32(tile.getStageBytes()),
        NVVM::MemScopeKind::CTA, /*relaxed=*/false, /*predicate=*/Value());
    Value stage =
        b.add(b.mul(b.rem(it, tile.getStages()), tile.getStageBytes()),
              adaptor.getTile());
    Value row = b.narrow(adaptor.getRow());
    Value head = b.narrow(adaptor.getHead());
    Value batch = b.narrow(adaptor.getBatch());
    int64_t boxRows = op.getBoxRows();
    for (int64_t panel = 0; panel < tile.getPanels(); ++panel)
      for (int64_t first = 0; first < tile.getRows(); first += boxRows)
        copyBox(b, adaptor.getMap(), barrier,
                b.add(stage, panel * tile.getPanelBytes() + first * 128),
                {b.i32(panel * kPanelColumns), b.add(row, first), head, batch});
    rewriter.eraseOp(op);
    return success();
  }

  static void copyBox(ThreadBuilder &b, Value map, Value barrier, Value offset,
                      ValueRange coordinates) {
    // The instruction takes addresses of the cluster's shared memory; a
    // block's own are among them.
    Value destination = LLVM::AddrSpaceCastOp::create(
        b, LLVM::LLVMPointerType::get(b.getContext(), 7),
        b.sharedPointer(offset));
    NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
        b, destination, map, coordinates, barrier, /*im2colOffsets=*/{},
        /*multicastMask=*/Value(), /*l2CacheHint=*/Value(),
        NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false,
        /*group=*/NVVM::CTAGroupKindAttr(), /*predicate=*/Value());
  }
};

/// Registers to this warpgroup's rows of the tile.
struct LowerPut : OpConversionPattern<PutOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PutOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    toShared(
        b, adaptor.getSource(), op.getSource().getType(),
        op.getTile().getType(),
        rowAddress(b, adaptor.getTile().front(), adaptor.getTileRow().front()));
    rewriter.eraseOp(op);
    return success();
  }

  /// stmatrix of 16 rows and two groups of eight columns at a time. The
  /// 16-byte chunk c of row r stands at chunk c xor (r mod 8).
  static void toShared(ThreadBuilder &b, ValueRange source, AccType type,
                       TileType tile, Value base) {
    Value lane = b.lane();
    Value half = b.div(lane, 16), row7 = b.rem(lane, 8);
    Value row = b.add(b.mul(b.warpOfGroup(), 16), b.rem(lane, 16));
    Value rowBase = b.add(b.mul(row, 128), base);
    auto pair = [&](int64_t group, int64_t r) {
      return b.pack(tile.getElement(), source[4 * group + 2 * r],
                    source[4 * group + 2 * r + 1]);
    };
    int64_t groups = type.getColumns() / 8;
    for (int64_t n = 0; n < groups; n += 2) {
      Value chunk = arith::XOrIOp::create(b, b.add(half, n % 8), row7);
      Value pointer = b.sharedPointer(b.add(b.add(rowBase, b.mul(chunk, 16)),
                                            n / 8 * tile.getPanelBytes()));
      Values registers{pair(n, 0), pair(n, 1), pair(n + 1, 0), pair(n + 1, 1)};
      NVVM::StMatrixOp::create(
          b, pointer, registers, NVVM::MMALayout::row,
          NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8),
          NVVM::LdStMatrixEltType::B16);
    }
  }
};

/// One TMA store of a warpgroup's rows, once all four warps have written them.
struct LowerStore : OpConversionPattern<StoreOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(StoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    NVVM::FenceProxyOp::create(
        b,
        NVVM::ProxyKindAttr::get(b.getContext(), NVVM::ProxyKind::async_shared),
        NVVM::SharedSpaceAttr::get(b.getContext(),
                                   NVVM::SharedSpace::shared_cta));
    // Named barriers 5 to 7 are the warpgroups'.
    Value group = b.narrow(adaptor.getWarpgroup());
    NVVM::BarrierOp::create(b, Type(), b.add(group, 5), b.i32(kWarpgroup),
                            NVVM::BarrierReductionAttr(), Value());
    Value first = b.both(b.equal(b.warpOfGroup(), 0), b.elected());
    b.when(first, [&] {
      toGlobal(b, op, adaptor);
      NVVM::CpAsyncBulkCommitGroupOp::create(b);
      NVVM::CpAsyncBulkWaitGroupOp::create(b, 0, b.getUnitAttr());
    });
    rewriter.eraseOp(op);
    return success();
  }

  static void toGlobal(ThreadBuilder &b, StoreOp op, OpAdaptor adaptor) {
    Value base = rowAddress(b, adaptor.getTile(), adaptor.getTileRow());
    int64_t panelBytes = op.getTile().getType().getPanelBytes();
    Value row = b.narrow(adaptor.getRow());
    Value head = b.narrow(adaptor.getHead());
    Value batch = b.narrow(adaptor.getBatch());
    int64_t panels = llvm::divideCeil(op.getColumns(), kPanelColumns);
    for (int64_t panel = 0; panel < panels; ++panel)
      NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(
          b, adaptor.getMap(), b.sharedPointer(b.add(base, panel * panelBytes)),
          ValueRange{b.i32(panel * kPanelColumns), row, head, batch},
          /*l2CacheHint=*/Value(), NVVM::TMAStoreMode::TILE,
          /*predicate=*/Value());
  }
};

struct LowerStoreRows : OpConversionPattern<StoreRowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(StoreRowsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    Value base = adaptor.getBase().front();
    Value first = b.add(b.narrow(adaptor.getRow().front()),
                        firstRow(b, op.getSource().getType().getRows()));
    Value bound = b.narrow(adaptor.getBound().front());
    Value owner = b.equal(b.rem(b.lane(), 4), 0);
    for (auto [i, value] : llvm::enumerate(adaptor.getSource())) {
      Value row = b.add(first, rowOffset(i));
      Value inside =
          arith::CmpIOp::create(b, arith::CmpIPredicate::slt, row, bound);
      b.when(b.both(owner, inside), [&, value = value] {
        Value pointer = LLVM::GEPOp::create(b, base.getType(), b.getF32Type(),
                                            base, ArrayRef<LLVM::GEPArg>{row});
        LLVM::StoreOp::create(b, value, pointer);
      });
    }
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void attn::nvvm::populateMemoryPatterns(RewritePatternSet &patterns,
                                        const TypeConverter &types,
                                        const SharedLayout &layout) {
  patterns.add<LowerAlloc<AllocOp>, LowerAlloc<AllocBarriersOp>>(
      types, patterns.getContext(), layout);
  patterns.add<LowerAwait, LowerAcquire, LowerRelease, LowerLoad, LowerPut,
               LowerStore, LowerStoreRows>(types, patterns.getContext());
}
