//===- Contract.cpp - What each room promises -----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function per room and one check per promise, so that a module that a room
// cannot take is reported at the door of the room that made it. The labels are
// those of docs/pipeline.md.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/Attn.h"
#include "attn/Pipeline/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_VERIFYSTAGEPASS
#include "attn/Pipeline/Passes.h.inc"

namespace {

InFlightDiagnostic stageError(Operation *op, Stage stage, StringRef label) {
  return op->emitError() << "after " << stageName(stage) << " (" << label
                         << "): ";
}

bool isAllowedType(Type type) {
  return !isa<UnrankedTensorType, BaseMemRefType>(type);
}

LogicalResult verifyInput(Operation *op) {
  // input_p1
  for (Type type : op->getResultTypes())
    if (!isAllowedType(type))
      return stageError(op, Stage::Input, "input_p1")
             << "expects ranked tensors and numbers, but found " << type;
  return success();
}

LogicalResult verifyRaise(Operation *op) {
  // raise_p1
  for (Type type : op->getResultTypes())
    if (!isAllowedType(type))
      return stageError(op, Stage::Raise, "raise_p1")
             << "expects ranked tensors and numbers, but found " << type;
  return success();
}

LogicalResult verifyOptimize(Operation *op) {
  // optimize_p1
  for (Type type : op->getResultTypes())
    if (!isAllowedType(type))
      return stageError(op, Stage::Optimize, "optimize_p1")
             << "expects ranked tensors and numbers, but found " << type;
  return success();
}

LogicalResult verifySplitHeads(Operation *op) {
  // split_heads_p1
  if (isa<MhaOp, SplitHeadsOp, MergeHeadsOp>(op))
    return stageError(op, Stage::SplitHeads, "split_heads_p1")
           << "expects no op on packed heads, but found '" << op->getName()
           << "'";
  return success();
}

LogicalResult verifyFuse(Operation *op) {
  auto sdpa = dyn_cast<SdpaOp>(op);
  if (!sdpa)
    return success();
  // fuse_p1
  if (sdpa.hasNamedVariants())
    return stageError(op, Stage::Fuse, "fuse_p1")
           << "expects every named variant to be a region, but found a clause";
  // fuse_p2
  if (!sdpa.getPlan())
    return stageError(op, Stage::Fuse, "fuse_p2")
           << "expects a plan, but found none";
  return success();
}

LogicalResult verifyTile(Operation *op) {
  // tile_p1
  if (auto sdpa = dyn_cast<SdpaOp>(op))
    if (!sdpa.getPlan() || sdpa.getPlan()->getRoom() != Room::Linalg)
      return stageError(op, Stage::Tile, "tile_p1")
             << "expects an attn.sdpa planned for a kernel to be tiled";
  // tile_p2
  if (isa<OnlineSdpaOp>(op) && !op->getParentOfType<scf::ForallOp>())
    return stageError(op, Stage::Tile, "tile_p2")
           << "expects attn.online_sdpa inside the parallel loop, an "
              "scf.forall";
  return success();
}

LogicalResult verifyLinalg(Operation *op) {
  if (op->getName().getDialectNamespace() != AttnDialect::getDialectNamespace())
    return success();
  // linalg_p1
  if (auto online = dyn_cast<OnlineSdpaOp>(op)) {
    if (online.getPlan() && online.getPlan()->getRoom() == Room::Linalg)
      return stageError(op, Stage::Linalg, "linalg_p1")
             << "expects no attn op planned for the linalg room";
    return success();
  }
  // linalg_p2
  if (!isa<FinalizeOp, YieldOp>(op))
    return stageError(op, Stage::Linalg, "linalg_p2")
           << "expects attn.online_sdpa and attn.finalize alone of the attn "
              "ops, but found '"
           << op->getName() << "'";
  return success();
}

LogicalResult verifyCPU(Operation *op) {
  // cpu_p1
  if (!isa<ModuleOp>(op) &&
      !isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()))
    return stageError(op, Stage::CPU, "cpu_p1")
           << "expects only the LLVM dialect, but found '" << op->getName()
           << "'";
  return success();
}

LogicalResult verifyNVVM(Operation *op) {
  // nvvm_p1
  if (isa_and_nonnull<AttnDialect>(op->getDialect()))
    return stageError(op, Stage::NVVM, "nvvm_p1")
           << "expects no attn op, but found '" << op->getName() << "'";
  // nvvm_p2
  if (op->getParentOfType<LLVM::LLVMFuncOp>() &&
      op->getParentOfType<gpu::GPUModuleOp>() &&
      !isa_and_nonnull<LLVM::LLVMDialect, NVVM::NVVMDialect>(op->getDialect()))
    return stageError(op, Stage::NVVM, "nvvm_p2")
           << "expects kernels in the llvm and nvvm dialects, but found '"
           << op->getName() << "'";
  return success();
}

LogicalResult verifyOp(Operation *op, Stage after) {
  switch (after) {
  case Stage::Input:
    return verifyInput(op);
  case Stage::Raise:
    return verifyRaise(op);
  case Stage::Optimize:
    return verifyOptimize(op);
  case Stage::SplitHeads:
    return verifySplitHeads(op);
  case Stage::Fuse:
    return verifyFuse(op);
  case Stage::Tile:
    return verifyTile(op);
  case Stage::Linalg:
    return verifyLinalg(op);
  case Stage::CPU:
    return verifyCPU(op);
  case Stage::NVVM:
    return verifyNVVM(op);
  }
  llvm_unreachable("all stages are listed");
}

class VerifyStagePass : public impl::VerifyStagePassBase<VerifyStagePass> {
public:
  using VerifyStagePassBase::VerifyStagePassBase;

  void runOnOperation() override {
    std::optional<Stage> stage = parseStage(after);
    if (!stage) {
      getOperation().emitError() << "unknown stage '" << after
                                 << "': expected one of " << stageNames();
      return signalPassFailure();
    }
    if (failed(verifyStage(getOperation(), *stage)))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace

LogicalResult verifyStage(ModuleOp module, Stage after) {
  WalkResult result = module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    return failed(verifyOp(op, after)) ? WalkResult::interrupt()
                                       : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

} // namespace attn
