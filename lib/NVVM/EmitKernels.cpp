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
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
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

/// The ops around attention that become launches of the general way; an error
/// for those that a list of launches cannot hold.
static FailureOr<SmallVector<Operation *>> findRest(func::FuncOp function) {
  SmallVector<Operation *> rest;
  WalkResult result = function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<linalg::LinalgOp, memref::CopyOp>(op)) {
      rest.push_back(op);
      return WalkResult::skip();
    }
    if (isa<LoopLikeOpInterface>(op)) {
      op->emitError("expects straight-line code around attention on a GPU, but "
                    "found '")
          << op->getName() << "'";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  return rest;
}

/// Any of them as linalg.generic; null for what has nothing to do.
static FailureOr<linalg::GenericOp> toGeneric(Operation *op) {
  IRRewriter rewriter(op);
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return generic;
  if (auto named = dyn_cast<linalg::LinalgOp>(op))
    return linalg::generalizeNamedOp(rewriter, named);
  auto copy = cast<memref::CopyOp>(op);
  linalg::GenericOp generic;
  // What a destination that is already right leaves behind.
  if (copy.getSource() != copy.getTarget())
    generic = linalg::makeMemRefCopyOp(rewriter, op->getLoc(), copy.getSource(),
                                       copy.getTarget());
  rewriter.eraseOp(op);
  return generic;
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
  LogicalResult emitFunction(func::FuncOp function);
  FailureOr<gpu::GPUModuleOp> moduleOf(func::FuncOp function);
};
} // namespace

/// An empty module for the kernels of a function.
FailureOr<gpu::GPUModuleOp> NVVMKernelsPass::moduleOf(func::FuncOp function) {
  ModuleOp root = getOperation();
  OpBuilder b(function);
  std::string name = (function.getName() + "_kernels").str();
  if (root.lookupSymbol(name)) {
    function.emitError("the module has another '") << name << "'";
    return failure();
  }
  auto target = NVVM::NVVMTargetAttr::get(
      &getContext(), /*optLevel=*/3, "nvptx64-nvidia-cuda", chip, features);
  root->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), b.getUnitAttr());
  return gpu::GPUModuleOp::create(b, function.getLoc(), name,
                                  ArrayRef<Attribute>{target});
}

LogicalResult NVVMKernelsPass::emitFunction(func::FuncOp function) {
  SmallVector<FinalizeOp> attentions;
  function.walk([&](FinalizeOp op) { attentions.push_back(op); });
  auto hasRest = [](Operation *op) {
    return isa<linalg::LinalgOp, memref::CopyOp>(op);
  };
  if (attentions.empty() && !function
                                 .walk([&](Operation *op) {
                                   return hasRest(op) ? WalkResult::interrupt()
                                                      : WalkResult::advance();
                                 })
                                 .wasInterrupted())
    return success(succeeded(findRest(function)));
  FailureOr<gpu::GPUModuleOp> module = moduleOf(function);
  if (failed(module))
    return failure();
  std::string name = function.getName().str();
  for (auto [i, finalize] : llvm::enumerate(attentions))
    if (failed(emitOne(finalize, *module,
                       name + "_attention_" + std::to_string(i))))
      return failure();
  FailureOr<SmallVector<Operation *>> rest = findRest(function);
  if (failed(rest))
    return failure();
  unsigned number = 0;
  for (Operation *op : *rest) {
    FailureOr<linalg::GenericOp> generic = toGeneric(op);
    if (failed(generic))
      return failure();
    if (*generic &&
        failed(emitGeneralKernel(
            *generic, *module, name + "_general_" + std::to_string(number++))))
      return failure();
  }
  return success();
}
