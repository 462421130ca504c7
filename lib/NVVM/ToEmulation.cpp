//===- ToEmulation.cpp - Kernels become host functions --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gives shared variables their offsets, has the ops of each function replaced,
// flattens address spaces and moves the functions out of their gpu.module.
//
//===----------------------------------------------------------------------===//

#include "attn/NVVM/Passes.h"
#include "lib/NVVM/EmulationHost.h"

#include "mlir/Interfaces/DataLayoutInterfaces.h"

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

/// What only a GPU understands in a function's attributes; kernels keep what a
/// launch must know.
void replaceDeviceAttributes(LLVM::LLVMFuncOp function, uint32_t sharedBytes) {
  MLIRContext *context = function.getContext();
  bool isKernel = function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName());
  SmallVector<StringAttr> names;
  for (NamedAttribute attribute : function->getDiscardableAttrs())
    names.push_back(attribute.getName());
  for (StringAttr name : names)
    function->removeDiscardableAttr(name);
  function.removeArgAttrsAttr();
  if (isKernel)
    function->setAttr(
        kEmulatedSharedAttr,
        IntegerAttr::get(IntegerType::get(context, 32), sharedBytes));
}

class NVVMToEmulationPass
    : public attn::impl::NVVMToEmulationPassBase<NVVMToEmulationPass> {
public:
  using NVVMToEmulationPassBase::NVVMToEmulationPassBase;

  void runOnOperation() override {
    emulation::HostModule host(getOperation());
    for (auto device :
         llvm::make_early_inc_range(getOperation().getOps<gpu::GPUModuleOp>()))
      if (failed(emulate(host, device)))
        return signalPassFailure();
    if (failed(emulation::rewriteHost(host)))
      return signalPassFailure();
    getOperation()->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
  }

private:
  LogicalResult emulate(emulation::HostModule &host, gpu::GPUModuleOp device);
  FailureOr<emulation::SharedLayout> layOutShared(gpu::GPUModuleOp device);
};

/// Variables with a size lie one after the other in front of the dynamic part.
FailureOr<emulation::SharedLayout>
NVVMToEmulationPass::layOutShared(gpu::GPUModuleOp device) {
  emulation::SharedLayout layout;
  DataLayout types = DataLayout::closest(device);
  for (auto global : device.getOps<LLVM::GlobalOp>()) {
    if (global.getAddrSpace() != emulation::kShared)
      continue;
    uint64_t bytes = types.getTypeSize(global.getGlobalType());
    if (bytes == 0)
      continue;
    uint64_t align = std::max<uint64_t>(
        16,
        std::max<uint64_t>(global.getAlignment().value_or(1),
                           types.getTypeABIAlignment(global.getGlobalType())));
    if (align > emulation::SharedLayout::base)
      return global.emitError("expects an alignment up to ")
             << emulation::SharedLayout::base << ", but got " << align;
    layout.fixedBytes = llvm::alignTo(layout.fixedBytes, align);
    layout.offsets[global.getSymName()] = layout.fixedBytes;
    layout.fixedBytes += bytes;
  }
  return layout;
}

LogicalResult NVVMToEmulationPass::emulate(emulation::HostModule &host,
                                           gpu::GPUModuleOp device) {
  FailureOr<emulation::SharedLayout> layout = layOutShared(device);
  if (failed(layout))
    return failure();
  for (auto function : device.getOps<LLVM::LLVMFuncOp>())
    if (failed(emulation::Rewriter(host, *layout, function).run()))
      return failure();
  for (Operation &op : llvm::make_early_inc_range(*device.getBody())) {
    if (auto global = dyn_cast<LLVM::GlobalOp>(op)) {
      if (global.getAddrSpace() == emulation::kShared)
        continue;
      global.setAddrSpace(0);
    } else if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op)) {
      replaceDeviceAttributes(function, layout->fixedBytes);
      flattenAddressSpaces(function);
    } else {
      return op.emitOpError("is in a gpu.module: expects llvm.func and "
                            "llvm.mlir.global alone there");
    }
    StringAttr name = SymbolTable::getSymbolName(&op);
    if (getOperation().lookupSymbol(name))
      return op.emitOpError("'") << name.getValue()
                                 << "' has the name of another symbol of the "
                                    "module";
    op.moveBefore(device);
  }
  device.erase();
  return success();
}

} // namespace
