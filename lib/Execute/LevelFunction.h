//===- LevelFunction.h - One function of a level ----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a function that C calls reads its arguments. What it calls, which the CPU
// room left, takes row-major descriptors and trusts them.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTE_LEVELFUNCTION_H
#define ATTN_LIB_EXECUTE_LEVELFUNCTION_H

#include "lib/Execute/CInterface.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace attn {

/// A function that is being made, with those of its arguments that have been
/// read so far.
class LevelFunction {
public:
  LevelFunction(llvm::Module &module, const CInterface &interface, size_t level)
      : module(module), interface(interface), level(level),
        b(module.getContext()) {}

protected:
  /// What the CPU room left under this name, or null.
  llvm::Function *inner(llvm::StringRef suffix) {
    return module.getFunction(levelName(
        ("in._mlir_ciface_" + interface.signature.entry + suffix).str(),
        level));
  }
  /// Begins the next function.
  void begin(llvm::StringRef suffix, llvm::Type *result,
             llvm::ArrayRef<llvm::Type *> parameters);
  /// The type by which C passes an argument.
  llvm::Type *parameterType(const ValueInfo &info);
  llvm::Value *number(int64_t value) { return b.getInt64(value); }
  /// Memory for `count` words that lives as long as the call.
  llvm::Value *slots(int64_t count);
  /// Returns `status` unless `condition` holds.
  void leaveUnless(llvm::Value *condition, int64_t status);

  /// The descriptor of a tensor that has to be row-major; leaves with `status`
  /// when it cannot be read.
  llvm::Value *rowMajor(const ValueInfo &info, llvm::Value *argument,
                        int64_t status);
  /// The descriptor of a row of `count` elements.
  llvm::Value *vectorOf(llvm::Value *data, llvm::Value *count);
  /// Checks the inputs and makes them arguments of `callee`.
  void readInputs(llvm::Function *callee);
  /// The same for a function that takes only weights; the other arguments of
  /// `callee`, of which it uses the types alone, become empty.
  void readWeights(llvm::Function *callee);

  /// Bytes of scratch that the entry itself wants, in whole lines.
  llvm::Value *ownWorkspace();
  /// Those, and the copies of inputs.
  llvm::Value *wholeWorkspace(llvm::Value *own);
  /// Replaces inputs that are not row-major by copies behind the entry's own
  /// scratch.
  void straighten(llvm::Value *workspace, llvm::Value *own);

  llvm::Module &module;
  const CInterface &interface;
  size_t level;
  llvm::IRBuilder<> b;
  llvm::Function *function = nullptr;
  llvm::SmallVector<llvm::Value *> arguments; ///< of the inner function
  llvm::SmallVector<llvm::Value *> copyBytes; ///< of each input

private:
  struct Descriptor {
    llvm::Value *words;     ///< its address
    llvm::Value *copyBytes; ///< of a row-major copy; 0 when it is row-major
  };
  Descriptor tensor(const ValueInfo &info, llvm::Value *argument,
                    int64_t status);
  llvm::Value *scalar(const ValueInfo &info, llvm::Value *argument,
                      llvm::Type *wanted);
  void checkRules();
  llvm::Value *sizeOf(const SizeTerm &term);
};

} // namespace attn

#endif // ATTN_LIB_EXECUTE_LEVELFUNCTION_H
