//===- LowerProducts.cpp - Asynchronous products --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Descriptors of tiles in shared memory: PTX ISA, "Asynchronous warpgroup-level
// matrix shared memory layout", 128-byte swizzle. In both orders eight rows of
// 128 bytes make one atom of 1024 bytes.
//
//   K-major (Q, K)   a step of 16 columns: +32 bytes, the next 64 columns are
//                    the next panel; stride between atoms of rows 1024 bytes
//   MN-major (V)     a step of 16 keys: +2048 bytes; leading stride: the
//                    distance of panels of 64 channels
//
//===----------------------------------------------------------------------===//

#include "FragmentLowering.h"
#include "InlineAsm.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;
using namespace attn::frag;

static constexpr int64_t kAtomBytes = 1024;
static constexpr int64_t kStepColumns = 16;

/// A descriptor: address, leading and stride offsets in units of 16 bytes, and
/// the swizzle of 128 bytes.
static Value descriptor(ThreadBuilder &b, Value offset, int64_t leadingBytes) {
  Value address = arith::ShRUIOp::create(b, b.sharedAddress(offset), b.i32(4));
  address = arith::AndIOp::create(b, address, b.i32(0x3FFF));
  address = arith::ExtUIOp::create(b, b.getI64Type(), address);
  uint64_t fields = (uint64_t(1) << 62) | (uint64_t(kAtomBytes >> 4) << 32) |
                    (uint64_t(leadingBytes >> 4) << 16);
  return arith::OrIOp::create(b, address, b.i64(fields));
}

static Value advance(ThreadBuilder &b, Value descriptor, int64_t bytes) {
  if (bytes == 0)
    return descriptor;
  return arith::AddIOp::create(b, descriptor, b.i64(bytes >> 4));
}

/// The descriptor of one stage. The base does not depend on the iteration, so
/// that it is computed before the loop.
static Value stageDescriptor(ThreadBuilder &b, Value offset, Value iteration,
                             TileType tile, int64_t leadingBytes) {
  Value base = descriptor(b, offset, leadingBytes);
  Value stage = arith::ExtUIOp::create(b, b.getI64Type(),
                                       b.rem(iteration, tile.getStages()));
  Value bytes =
      arith::MulIOp::create(b, stage, b.i64(tile.getStageBytes() >> 4));
  return arith::AddIOp::create(b, base, bytes);
}

static NVVM::WGMMATypes productType(Type element) {
  return element.isBF16() ? NVVM::WGMMATypes::bf16 : NVVM::WGMMATypes::f16;
}

/// One step of S = A B^T.
static Value productSS(ThreadBuilder &b, Value sum, Value left, Value right,
                       int64_t columns, Type element, bool first) {
  MLIRContext *context = b.getContext();
  NVVM::WGMMATypes type = productType(element);
  return NVVM::WgmmaMmaAsyncOp::create(
      b, sum.getType(), sum, left, right,
      NVVM::MMAShapeAttr::get(context, kProductRows, columns, kStepColumns),
      NVVM::WGMMATypesAttr::get(context, type),
      NVVM::WGMMATypesAttr::get(context, type),
      NVVM::WGMMATypesAttr::get(context, NVVM::WGMMATypes::f32),
      NVVM::WGMMAScaleOutAttr::get(context, first ? NVVM::WGMMAScaleOut::zero
                                                  : NVVM::WGMMAScaleOut::one),
      NVVM::WGMMAScaleInAttr::get(context, NVVM::WGMMAScaleIn::one),
      NVVM::WGMMAScaleInAttr::get(context, NVVM::WGMMAScaleIn::one),
      NVVM::MMALayoutAttr::get(context, NVVM::MMALayout::row),
      NVVM::MMALayoutAttr::get(context, NVVM::MMALayout::col),
      NVVM::MMAIntOverflowAttr());
}

namespace {

struct LowerMmaSS : OpConversionPattern<MmaSSOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(MmaSSOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    TileType a = op.getA().getType(), k = op.getB().getType();
    int64_t columns = k.getRows();
    Value rowBytes = b.mul(b.narrow(adaptor.getRow()), 128);
    Value left = descriptor(b, b.add(rowBytes, adaptor.getA()), 16);
    Value right =
        stageDescriptor(b, adaptor.getB(), adaptor.getIteration(), k, 16);
    NVVM::WgmmaFenceAlignedOp::create(b);
    SmallVector<Type> fields(columns / 2, b.getF32Type());
    Value sum = LLVM::UndefOp::create(
        b, LLVM::LLVMStructType::getLiteral(b.getContext(), fields));
    for (int64_t step = 0; step < a.getColumns() / kStepColumns; ++step) {
      int64_t panel = step / 4, inPanel = 32 * (step % 4);
      sum = productSS(b, sum,
                      advance(b, left, panel * a.getPanelBytes() + inPanel),
                      advance(b, right, panel * k.getPanelBytes() + inPanel),
                      columns, a.getElement(), step == 0);
    }
    Values result = unpackStruct(b, sum);
    NVVM::WgmmaGroupSyncAlignedOp::create(b);
    rewriter.replaceOpWithMultiple(op, {result});
    return success();
  }
};

struct LowerMmaRS : OpConversionPattern<MmaRSOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(MmaRSOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    TileType v = op.getB().getType();
    Value right =
        stageDescriptor(b, adaptor.getB().front(),
                        adaptor.getIteration().front(), v, v.getPanelBytes());
    NVVM::WgmmaFenceAlignedOp::create(b);
    Values sum(adaptor.getC());
    for (int64_t step = 0; step < v.getRows() / kStepColumns; ++step)
      sum = wgmmaRS(b, v.getElement(), sum, adaptor.getA().slice(4 * step, 4),
                    advance(b, right, step * 2 * kAtomBytes));
    NVVM::WgmmaGroupSyncAlignedOp::create(b);
    rewriter.replaceOpWithMultiple(op, {sum});
    return success();
  }
};

struct LowerWait : OpConversionPattern<WaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(WaitOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOpWithMultiple(
        op, {wgmmaWait(b, op.getGroups(), adaptor.getPending())});
    return success();
  }
};

} // namespace

void attn::nvvm::populateProductPatterns(RewritePatternSet &patterns,
                                         const TypeConverter &types) {
  patterns.add<LowerMmaSS, LowerMmaRS, LowerWait>(types, patterns.getContext());
}
