//===- ToEmulation.cpp - Kernels become host functions --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Moves the functions of each gpu.module out, has their ops replaced, and
// flattens address spaces.
//
//===----------------------------------------------------------------------===//

#include "attn/NVVM/Passes.h"
#include "lib/NVVM/Emulation.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace attn {
#define GEN_PASS_DEF_NVVMTOEMULATIONPASS
#include "attn/NVVM/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// The same type with every pointer in address space 0.
Type flatten(Type type) {
  AttrTypeReplacer replacer;
  replacer.addReplacement([](LLVM::LLVMPointerType pointer) -> Type {
    return LLVM::LLVMPointerType::get(pointer.getContext());
  });
  return replacer.replace(type);
}

void flattenAddressSpaces(LLVM::LLVMFuncOp function) {
  function.setFunctionType(
      cast<LLVM::LLVMFunctionType>(flatten(function.getFunctionType())));
  function.walk([](Operation *op) {
    for (Value result : op->getResults())
      result.setType(flatten(result.getType()));
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (BlockArgument argument : block.getArguments())
          argument.setType(flatten(argument.getType()));
  });
}

/// What only a GPU understands in a function's attributes.
void dropDeviceAttributes(LLVM::LLVMFuncOp function) {
  SmallVector<StringAttr> names;
  for (NamedAttribute attribute : function->getDiscardableAttrs())
    names.push_back(attribute.getName());
  for (StringAttr name : names)
    function->removeDiscardableAttr(name);
  function.removeArgAttrsAttr();
}

class NVVMToEmulationPass
    : public attn::impl::NVVMToEmulationPassBase<NVVMToEmulationPass> {
public:
  using NVVMToEmulationPassBase::NVVMToEmulationPassBase;

  void runOnOperation() override {
    for (auto device :
         llvm::make_early_inc_range(getOperation().getOps<gpu::GPUModuleOp>()))
      if (failed(emulate(device)))
        return signalPassFailure();
  }

private:
  LogicalResult emulate(gpu::GPUModuleOp device) {
    for (auto function : device.getOps<LLVM::LLVMFuncOp>()) {
      emulation::Rewriter rewriter(getOperation(), function);
      SmallVector<Operation *> ops;
      function.getBody().walk([&](Operation *op) { ops.push_back(op); });
      for (Operation *op : ops)
        if (failed(rewriter.rewrite(op)))
          return failure();
    }
    for (Operation &op : llvm::make_early_inc_range(*device.getBody())) {
      auto function = dyn_cast<LLVM::LLVMFuncOp>(op);
      if (!function)
        continue;
      dropDeviceAttributes(function);
      flattenAddressSpaces(function);
      if (getOperation().lookupSymbol(function.getName()))
        return function.emitError("the module has another '")
               << function.getName() << "'";
      function->moveBefore(device);
    }
    device.erase();
    return success();
  }
};

} // namespace
