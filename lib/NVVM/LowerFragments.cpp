//===- LowerFragments.cpp - attn-nvvm-lower-fragments ---------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where layouts end: below, each value is a number of one thread.
//
//===----------------------------------------------------------------------===//

#include "FragmentLowering.h"

#include "attn/NVVM/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace attn {
#define GEN_PASS_DEF_NVVMLOWERFRAGMENTSPASS
#include "attn/NVVM/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;
using namespace attn::frag;

int64_t attn::nvvm::registerCount(Type type) {
  if (auto acc = dyn_cast<AccType>(type))
    return acc.getRows() * acc.getColumns() / kWarpgroup;
  if (auto pending = dyn_cast<PendingType>(type))
    return pending.getRows() * pending.getColumns() / kWarpgroup;
  if (auto a = dyn_cast<AType>(type))
    return a.getRows() * a.getColumns() / (2 * kWarpgroup);
  return 2 * cast<RowsType>(type).getRows() / kProductRows;
}

ElementPosition attn::nvvm::elementPosition(AccType type, int64_t element) {
  // Per 16-row tile and group of eight columns: two rows of two columns.
  int64_t perTile = type.getColumns() / 2;
  int64_t tile = element / perTile, inTile = element % perTile;
  return {2 * tile + (inTile / 2) % 2, 8 * (inTile / 4) + inTile % 2};
}

int64_t attn::nvvm::rowOffset(int64_t row) {
  return 16 * (row / 2) + 8 * (row % 2);
}

Value attn::nvvm::firstRow(ThreadBuilder &b, int64_t rows) {
  return b.add(b.mul(b.warpOfGroup(), rows / 4), b.div(b.lane(), 4));
}

Value attn::nvvm::firstColumn(ThreadBuilder &b) {
  return b.mul(b.rem(b.lane(), 4), 2);
}

FragmentTypeConverter::FragmentTypeConverter() {
  addConversion([](Type type) { return type; });
  addConversion(
      [](Type type,
         SmallVectorImpl<Type> &results) -> std::optional<LogicalResult> {
        if (!isa<AccType, PendingType, RowsType, AType>(type))
          return std::nullopt;
        Builder b(type.getContext());
        results.append(registerCount(type), isa<AType>(type)
                                                ? Type(b.getI32Type())
                                                : Type(b.getF32Type()));
        return success();
      });
  addConversion([](Type type) -> std::optional<Type> {
    if (!isa<TileType, BarriersType>(type))
      return std::nullopt;
    return IntegerType::get(type.getContext(), 32);
  });
}

SharedLayout::SharedLayout(Operation *kernel) {
  int64_t end = 0;
  kernel->walk([&](AllocOp alloc) {
    end = llvm::alignTo(end, kTileAlignment);
    offsets[alloc] = end;
    end += alloc.getTile().getType().getBytes();
  });
  kernel->walk([&](AllocBarriersOp alloc) {
    offsets[alloc] = end;
    for (int64_t s = 0; s < alloc.getBarriers().getType().getStages(); ++s) {
      barriers.push_back({end, int64_t(alloc.getArrivals())});
      end += 8;
    }
  });
}

/// The kernels' dynamic shared memory. 128-byte swizzle needs 1024-byte
/// alignment, which gpu.dynamic_shared_memory cannot say.
static void declareSharedMemory(gpu::GPUModuleOp module) {
  if (module.lookupSymbol(kSharedSymbol))
    return;
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  LLVM::GlobalOp::create(
      b, module.getLoc(), LLVM::LLVMArrayType::get(b.getI8Type(), 0),
      /*isConstant=*/false, LLVM::Linkage::External, kSharedSymbol, Attribute(),
      /*alignment=*/kTileAlignment, /*addrSpace=*/3);
}

static LogicalResult lowerKernel(LLVM::LLVMFuncOp kernel) {
  SharedLayout layout(kernel);
  FragmentTypeConverter types;
  RewritePatternSet patterns(kernel.getContext());
  populateMemoryPatterns(patterns, types, layout);
  populateProductPatterns(patterns, types);
  populateElementPatterns(patterns, types);
  populateMendPatterns(patterns, types);
  populateRolePatterns(patterns, types, layout);
  ConversionTarget target(*kernel.getContext());
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  scf::populateSCFStructuralTypeConversionsAndLegality(types, patterns, target);
  target.addIllegalDialect<FragDialect>();
  if (failed(applyPartialConversion(kernel, target, std::move(patterns))))
    return failure();
  separateRoles(kernel);
  outlineColdPaths(kernel);
  return success();
}

namespace {
struct NVVMLowerFragmentsPass final
    : attn::impl::NVVMLowerFragmentsPassBase<NVVMLowerFragmentsPass> {
  void runOnOperation() override {
    for (auto module : getOperation().getOps<gpu::GPUModuleOp>()) {
      declareSharedMemory(module);
      for (auto kernel :
           llvm::make_early_inc_range(module.getOps<LLVM::LLVMFuncOp>()))
        if (failed(lowerKernel(kernel)))
          return signalPassFailure();
    }
  }
};
} // namespace
