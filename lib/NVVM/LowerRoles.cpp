//===- LowerRoles.cpp - Warpgroups with different work --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Named barriers: 0 the block, 2 + w the turn of consumer w, 5 + w its own.
//
//===----------------------------------------------------------------------===//

#include "FragmentLowering.h"
#include "InlineAsm.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;
using namespace attn::frag;

static constexpr int64_t kFirstTurnBarrier = 2;

/// Marks the scf.if that holds the producer.
static constexpr llvm::StringLiteral kProducerAttr = "attn.producer";

namespace {

struct LowerRoles : OpConversionPattern<RolesOp> {
  LowerRoles(const TypeConverter &types, MLIRContext *context,
             const SharedLayout &layout)
      : OpConversionPattern(types, context), layout(layout) {}

  LogicalResult
  matchAndRewrite(RolesOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    if (Value condition = op.getCondition()) {
      auto guard = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
      b.setInsertionPointToStart(guard.thenBlock());
    }
    initialise(b, op);
    Value warp = b.uniformWarp();
    Value group = b.div(warp, 4);
    auto branch = scf::IfOp::create(b, b.equal(group, 0),
                                    /*withElseRegion=*/true);
    b.setInsertionPointToStart(branch.thenBlock());
    NVVM::SetMaxRegisterOp::create(b, op.getProducerRegisters(),
                                   NVVM::SetMaxRegisterAction::decrease);
    // One thread copies; the rest of its warpgroup is done.
    Value copies = b.both(b.elected(), b.equal(warp, 0));
    auto copying = scf::IfOp::create(b, copies, /*withElseRegion=*/false);
    copying->setDiscardableAttr(kProducerAttr, b.getUnitAttr());
    moveBody(rewriter, op.getProducer(), copying.thenBlock(), {});

    b.setInsertionPointToStart(branch.elseBlock());
    NVVM::SetMaxRegisterOp::create(b, op.getConsumerRegisters(),
                                   NVVM::SetMaxRegisterAction::increase);
    Value number = b.sub(group, b.i32(1));
    if (op.getTurns()) // The last one passes the turn to the first.
      b.when(b.equal(number, op.getConsumers() - 1), [&] {
        NVVM::BarrierArriveOp::create(b, b.i32(kFirstTurnBarrier),
                                      b.i32(2 * kWarpgroup));
      });
    Value index = b.toIndex(number);
    moveBody(rewriter, op.getConsumer(), branch.elseBlock(), index);
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// Moves a region's ops in front of the terminator of `block`.
  static void moveBody(ConversionPatternRewriter &rewriter, Region &region,
                       Block *block, ValueRange arguments) {
    Block *body = &region.front();
    rewriter.eraseOp(body->getTerminator());
    rewriter.inlineBlockBefore(body, block->getTerminator(), arguments);
  }

  void initialise(ThreadBuilder &b, RolesOp op) const {
    b.when(b.equal(b.threadId(), 0), [&] {
      for (SharedLayout::Barrier barrier : layout.barriers)
        NVVM::MBarrierInitOp::create(b, b.sharedPointer(b.i32(barrier.offset)),
                                     b.i32(barrier.arrivals),
                                     /*predicate=*/Value());
      NVVM::FenceMbarrierInitOp::create(b);
      prefetchMaps(b, op);
    });
    NVVM::BarrierOp::create(b);
  }

  static void prefetchMaps(ThreadBuilder &b, RolesOp op) {
    auto kernel = op->getParentOfType<LLVM::LLVMFuncOp>();
    for (BlockArgument argument : kernel.getArguments())
      if (kernel.getArgAttr(argument.getArgNumber(), "nvvm.grid_constant"))
        NVVM::PrefetchOp::create(b, NVVM::PrefetchCacheLevelAttr(),
                                 NVVM::CacheEvictionPriorityAttr(), argument,
                                 /*predicate=*/Value(),
                                 /*tensormap=*/b.getUnitAttr());
  }

  const SharedLayout &layout;
};

struct LowerTakeTurn : OpConversionPattern<TakeTurnOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TakeTurnOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    NVVM::BarrierOp::create(
        b, Type(), b.add(b.narrow(adaptor.getWarpgroup()), kFirstTurnBarrier),
        b.i32(2 * kWarpgroup), NVVM::BarrierReductionAttr(), Value());
    rewriter.eraseOp(op);
    return success();
  }
};

/// The turn's barrier needs both: who waits, and who passes it on.
struct LowerPassTurn : OpConversionPattern<PassTurnOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PassTurnOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    Value next =
        b.rem(b.add(b.narrow(adaptor.getWarpgroup()), 1), op.getConsumers());
    NVVM::BarrierArriveOp::create(b, b.add(next, kFirstTurnBarrier),
                                  b.i32(2 * kWarpgroup));
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void attn::nvvm::separateRoles(LLVM::LLVMFuncOp kernel) {
  kernel.walk([](scf::IfOp role) {
    if (!role->removeDiscardableAttr(kProducerAttr))
      return;
    ThreadBuilder b(role.getLoc(), role);
    b.setInsertionPointToStart(role.thenBlock());
    Value address = sharedMemory(b, kSharedSymbol);
    role.getThenRegion().walk([&](LLVM::AddressOfOp op) {
      if (op.getGlobalName() == kSharedSymbol)
        op.replaceAllUsesWith(address);
    });
  });
}

void attn::nvvm::populateRolePatterns(RewritePatternSet &patterns,
                                      const TypeConverter &types,
                                      const SharedLayout &layout) {
  patterns.add<LowerRoles>(types, patterns.getContext(), layout);
  patterns.add<LowerTakeTurn, LowerPassTurn>(types, patterns.getContext());
}
