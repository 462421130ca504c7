//===- EmulationOps.cpp - nvvm ops as calls of the emulator ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One case per op.
//
//===----------------------------------------------------------------------===//

#include "lib/NVVM/Emulation.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace attn::emulation;

std::optional<unsigned> attn::emulation::addressSpaceOf(Type type) {
  if (auto pointer = dyn_cast<LLVM::LLVMPointerType>(type))
    return pointer.getAddressSpace();
  return std::nullopt;
}

LLVM::CallOp Rewriter::call(const Twine &name, TypeRange results,
                            ValueRange operands) {
  std::string symbol = ("attn_emu_" + name).str();
  auto callee = host.lookupSymbol<LLVM::LLVMFuncOp>(symbol);
  if (!callee) {
    OpBuilder top = OpBuilder::atBlockBegin(host.getBody());
    Type result = results.empty() ? LLVM::LLVMVoidType::get(host.getContext())
                                  : results.front();
    callee = LLVM::LLVMFuncOp::create(
        top, loc, symbol,
        LLVM::LLVMFunctionType::get(result,
                                    llvm::to_vector(operands.getTypes())));
  }
  return LLVM::CallOp::create(b, loc, callee, operands);
}

LogicalResult Rewriter::rewriteNVVM(Operation *op) {
  StringRef name = op->getName().stripDialect();
  if (name.starts_with("read.ptx.sreg.")) {
    std::string function = name.str();
    llvm::replace(function, '.', '_');
    op->replaceAllUsesWith(call(function, op->getResultTypes(), {}));
    op->erase();
    return success();
  }
  return op->emitOpError("is not known to the emulator");
}

LogicalResult Rewriter::rewrite(Operation *op) {
  b.setInsertionPoint(op);
  loc = op->getLoc();
  if (isa_and_nonnull<NVVM::NVVMDialect>(op->getDialect()))
    return rewriteNVVM(op);
  if (!isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()))
    return op->emitOpError(
        "is in a kernel: expects only the dialects llvm and nvvm there");
  return success();
}
