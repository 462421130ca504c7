//===- EmitKernels.cpp - attn-nvvm-kernels: tasks become kernels ----------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "attn/Dialect/Frag/IR/Frag.h"
#include "attn/NVVM/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace attn {
#define GEN_PASS_DEF_NVVMKERNELSPASS
#include "attn/NVVM/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;

/// One attention and the loop over its tasks.
static LogicalResult emitOne(FinalizeOp finalize, gpu::GPUModuleOp module,
                             StringRef name) {
  auto op = finalize.getPartial().getDefiningOp<OnlineSdpaOp>();
  if (!op || !op.getPartial().hasOneUse())
    return finalize.emitOpError(
        "expects a partial result made by one attn.online_sdpa for it alone");
  if (!op.getPlan() || op.getPlan()->getRoom() != Room::NVVM)
    return op.emitOpError("expects a plan of room nvvm: run attn-fuse-plan "
                          "with target nvvm:sm_90a first");
  for (Value operand : {op.getQuery(), op.getKey(), op.getValue()})
    if (!isa<MemRefType>(operand.getType()))
      return op.emitOpError()
             << "expects buffers, but got " << operand.getType();
  auto loop = dyn_cast<scf::ForallOp>(op->getParentOp());
  if (!loop || loop.getRank() != 3 || finalize->getParentOp() != loop ||
      llvm::any_of(loop.getMixedLowerBound(), [](OpFoldResult bound) {
        return getConstantIntValue(bound) != 0;
      }))
    return op.emitOpError("expects to stand in an scf.forall over (b, h, m)");
  return emitAttentionKernel(loop, op, finalize, module, name);
}

/// What the launch list cannot hold yet.
static LogicalResult checkRest(func::FuncOp function) {
  WalkResult result = function.walk([&](Operation *op) -> WalkResult {
    // What a destination that is already right leaves behind.
    if (auto copy = dyn_cast<memref::CopyOp>(op);
        copy && copy.getSource() == copy.getTarget())
      return WalkResult::advance();
    if (isa<linalg::LinalgOp, scf::ForallOp, scf::ParallelOp, scf::ForOp,
            memref::CopyOp>(op))
      return op->emitError("the nvvm room launches attention alone so far: "
                           "expects no '")
             << op->getName() << "' around it";
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct NVVMKernelsPass final
    : attn::impl::NVVMKernelsPassBase<NVVMKernelsPass> {
  using NVVMKernelsPassBase::NVVMKernelsPassBase;

  void runOnOperation() override {
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (failed(emitFunction(function)))
        return signalPassFailure();
  }

private:
  LogicalResult emitFunction(func::FuncOp function) {
    SmallVector<FinalizeOp> attentions;
    function.walk([&](FinalizeOp op) { attentions.push_back(op); });
    if (attentions.empty())
      return checkRest(function);
    ModuleOp root = getOperation();
    OpBuilder b(function);
    std::string name = (function.getName() + "_kernels").str();
    if (root.lookupSymbol(name))
      return function.emitError("the module has another '") << name << "'";
    auto target = NVVM::NVVMTargetAttr::get(
        &getContext(), /*optLevel=*/3, "nvptx64-nvidia-cuda", chip, features);
    auto module = gpu::GPUModuleOp::create(b, function.getLoc(), name,
                                           ArrayRef<Attribute>{target});
    root->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                  b.getUnitAttr());
    for (auto [i, finalize] : llvm::enumerate(attentions))
      if (failed(
              emitOne(finalize, module,
                      (function.getName() + "_attention_" + Twine(i)).str())))
        return failure();
    return checkRest(function);
  }
};
} // namespace
