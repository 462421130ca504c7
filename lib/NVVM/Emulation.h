//===- Emulation.h - From kernels to calls of the emulator ------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the parts of attn-nvvm-to-emulation share.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_NVVM_EMULATION_H
#define ATTN_LIB_NVVM_EMULATION_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn::emulation {

/// Address spaces of NVPTX.
enum AddressSpace : unsigned {
  kGeneric = 0,
  kGlobal = 1,
  kShared = 3,
  kConstant = 4,
  kLocal = 5,
  kSharedCluster = 7,
};

/// The address space of a pointer; nothing for other types.
std::optional<unsigned> addressSpaceOf(mlir::Type type);

/// Writes the calls that take the place of one kernel's ops. Values keep their
/// address spaces until the whole kernel is done.
class Rewriter {
public:
  Rewriter(mlir::ModuleOp host, mlir::LLVM::LLVMFuncOp kernel)
      : host(host), kernel(kernel), b(host.getContext()) {}

  /// Replaces `op` when it needs it; an op that nobody knows is an error.
  mlir::LogicalResult rewrite(mlir::Operation *op);

private:
  mlir::LogicalResult rewriteNVVM(mlir::Operation *op);
  /// Calls `attn_emu_<name>(operands)`.
  mlir::LLVM::CallOp call(const mlir::Twine &name, mlir::TypeRange results,
                          mlir::ValueRange operands);

  mlir::ModuleOp host;
  mlir::LLVM::LLVMFuncOp kernel;
  mlir::OpBuilder b;
  mlir::Location loc = kernel.getLoc();
};

} // namespace attn::emulation

#endif // ATTN_LIB_NVVM_EMULATION_H
