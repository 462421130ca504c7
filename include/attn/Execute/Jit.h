//===- Jit.h - From the LLVM dialect to code in memory ----------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Translates a module of the LLVM dialect, optimizes it for a target and keeps
// its machine code.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_JIT_H
#define ATTN_EXECUTE_JIT_H

#include "attn/Support/TargetInfo.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>
#include <vector>

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
namespace orc {
class LLJIT;
} // namespace orc
} // namespace llvm

namespace attn {

/// The level of LLVM's code generation with which entries are compiled.
constexpr unsigned codegenLevel = 3;

/// The level for emulated kernels, which spend their time in the emulator.
constexpr unsigned emulationLevel = 1;

/// A machine description for code generation. `optLevel` is 0 to 3.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const TargetInfo &target, unsigned optLevel);

/// Translates a module that holds only the LLVM dialect.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(mlir::ModuleOp module, llvm::LLVMContext &context,
                llvm::TargetMachine &machine);

/// Runs the LLVM passes that compiled modules need.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);

/// Machine code that has not been linked.
struct ObjectCode {
  std::unique_ptr<llvm::MemoryBuffer> object;
  std::string triple, dataLayout;
  /// The functions that can be looked up when it is.
  std::vector<std::string> functions;
};

/// Compiles `module` (LLVM dialect). `packed` names the functions that will be
/// looked up; those that the module does not define are left out.
llvm::Expected<ObjectCode> compileToObject(mlir::ModuleOp module,
                                           const TargetInfo &target,
                                           unsigned optLevel,
                                           llvm::ArrayRef<std::string> packed);

/// Machine code in this process. Lives as long as the functions taken from it
/// are called.
class Jit {
public:
  /// A function behind one signature for all: each element of `arguments`
  /// points to the value of one argument, and one more element to the place of
  /// the result, if there is one.
  using Packed = void (*)(void **arguments);

  /// Links machine code that was made for this machine.
  static llvm::Expected<std::unique_ptr<Jit>> load(ObjectCode code);

  /// Compiles and links.
  static llvm::Expected<std::unique_ptr<Jit>>
  create(mlir::ModuleOp module, const TargetInfo &target, unsigned optLevel,
         llvm::ArrayRef<std::string> packed);
  ~Jit();

  /// The function, or null when the module did not define it.
  Packed lookup(llvm::StringRef name) const { return functions.lookup(name); }

private:
  Jit();
  std::unique_ptr<llvm::orc::LLJIT> jit;
  llvm::StringMap<Packed> functions;
};

} // namespace attn

#endif // ATTN_EXECUTE_JIT_H
