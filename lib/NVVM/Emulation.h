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
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringMap.h"

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

/// `llvm.load at attention.mlir:12:3`, for reports.
std::string describeSite(llvm::StringRef name, mlir::Location loc);

/// Where the shared variables of a module lie.
struct SharedLayout {
  llvm::StringMap<uint32_t> offsets; ///< of the variables with a size
  uint32_t fixedBytes = 0;
  /// Where shared memory begins: `kSharedBase` of the emulator.
  static constexpr uint32_t base = 1024;
  /// The address of a variable; those without a size are the dynamic part.
  uint32_t addressOf(llvm::StringRef name) const;
};

/// The declarations and strings that the kernels of one module share.
class HostModule {
public:
  explicit HostModule(mlir::ModuleOp module) : module(module) {}

  mlir::ModuleOp op() { return module; }
  /// The function `attn_emu_<name>`, declared at its first use.
  mlir::LLVM::LLVMFuncOp declare(const mlir::Twine &name, mlir::Type result,
                                 mlir::TypeRange operands);
  /// A constant that holds `text` and a zero.
  mlir::LLVM::GlobalOp string(llvm::StringRef text);

private:
  mlir::ModuleOp module;
  llvm::StringMap<mlir::LLVM::GlobalOp> strings;
};

/// Writes the calls that take the place of one function's ops. Values keep
/// their address spaces until the whole function is done.
class Rewriter {
public:
  Rewriter(HostModule &host, const SharedLayout &layout,
           mlir::LLVM::LLVMFuncOp function)
      : host(host), layout(layout), function(function),
        b(function.getContext()), loc(function.getLoc()) {}

  /// Replaces all ops that need it. An op that the emulator does not know is an
  /// error.
  mlir::LogicalResult run();

private:
  mlir::LogicalResult rewrite(mlir::Operation *op);

  /// @{ By kind of op; EmulationOps.cpp, -Copies.cpp, -Matrix.cpp, -Asm.cpp and
  /// -Memory.cpp.
  mlir::LogicalResult rewriteNVVM(mlir::Operation *op);
  mlir::LogicalResult rewriteMBarrier(mlir::Operation *op);
  mlir::LogicalResult rewriteCopy(mlir::Operation *op);
  mlir::LogicalResult rewriteMatrix(mlir::Operation *op);
  mlir::LogicalResult rewriteMma(mlir::NVVM::MmaOp op);
  mlir::LogicalResult rewriteWgmma(mlir::NVVM::WgmmaMmaAsyncOp op);
  mlir::LogicalResult rewriteAsm(mlir::LLVM::InlineAsmOp op);
  mlir::LogicalResult rewriteAsmWgmma(mlir::LLVM::InlineAsmOp op);
  mlir::LogicalResult rewriteAsmWait(mlir::LLVM::InlineAsmOp op);
  void rewriteSharedAddress(mlir::Operation *op, llvm::StringRef symbol);
  mlir::LogicalResult rewriteIntrinsic(mlir::Operation *op,
                                       llvm::StringRef name);
  mlir::LogicalResult rewriteMemory(mlir::Operation *op);
  mlir::LogicalResult rewriteAddressCast(mlir::LLVM::AddrSpaceCastOp op);
  void rewriteTruncation(mlir::LLVM::FPTruncOp op);
  mlir::LogicalResult checkAccess(mlir::Operation *op, unsigned pointer,
                                  mlir::Type type, uint64_t align,
                                  int32_t access);
  /// @}

  /// Guards every use of an accumulator that may still be in flight.
  void checkAccumulatorUses();

  /// Calls `attn_emu_<name>(operands, site)`.
  mlir::Value call(const mlir::Twine &name, mlir::Type result,
                   mlir::ValueRange operands);
  void call(const mlir::Twine &name, mlir::ValueRange operands) {
    call(name, mlir::Type(), operands);
  }
  void replace(mlir::Operation *op, mlir::ValueRange values) {
    op->replaceAllUsesWith(values);
    op->erase();
  }
  mlir::LogicalResult erase(mlir::Operation *op) {
    op->erase();
    return mlir::success();
  }
  mlir::Value constant(int32_t value);
  mlir::Value constant64(int64_t value);
  mlir::Type i32() { return b.getI32Type(); }
  mlir::Type pointerType();
  /// What the current op is and where it comes from.
  mlir::Value site();
  /// A pointer to shared memory as its 32-bit offset.
  mlir::Value sharedAddress(mlir::Value pointer);
  /// Memory of the function for operands and results of calls, seen as slots of
  /// 32 bits.
  mlir::Value slot(unsigned index);
  void storeSlots(mlir::ValueRange values, unsigned first = 0);
  llvm::SmallVector<mlir::Value> loadSlots(mlir::Type type, unsigned count,
                                           unsigned first = 0);
  /// Puts slots from `first` on into a struct of 32-bit values.
  mlir::Value loadStruct(mlir::Type type, unsigned first);
  /// Calls `body` when `predicate` holds, or always when there is none.
  void predicated(mlir::Operation *op, mlir::Value predicate,
                  llvm::function_ref<void()> body);

  HostModule &host;
  const SharedLayout &layout;
  mlir::LLVM::LLVMFuncOp function;
  mlir::OpBuilder b;
  mlir::Location loc;
  std::string name; ///< of the current op, for the site
  mlir::Value slots;
};

/// The asm strings that the emulator knows.
enum class AsmForm { Unknown, Wgmma, WgmmaWait, Arithmetic, SharedAddress };
AsmForm classifyAsm(llvm::StringRef text);

} // namespace attn::emulation

#endif // ATTN_LIB_NVVM_EMULATION_H
