//===- AheadOfTime.h - An entry for C programs ------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles an entry to plain C functions, for one or several CPU levels that
// are chosen when the code runs, and writes the header that declares them.
// docs/ahead-of-time.md has the functions.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_AHEADOFTIME_H
#define ATTN_EXECUTE_AHEADOFTIME_H

#include "attn/Execute/Compiler.h"

#include <memory>
#include <string>
#include <vector>

namespace attn {

struct CInterface;

/// Ranks that a C tensor can have.
constexpr int64_t maxCRank = 8;

/// The targets that one object is made for, least first: `cpu` and `linalg` are
/// this machine, `cpu:a+b` several. Each has only the features that the code
/// can ask a CPU for. Fails when they are not CPUs of one architecture.
llvm::Expected<std::vector<TargetInfo>> resolveLevels(llvm::StringRef text);

/// An entry compiled for C.
class CProgram {
public:
  /// Compiles one entry (see findEntry) for `levels`, which resolveLevels made.
  /// `name` is what C calls it; empty: as the source does. Of `options` only
  /// onStage is looked at. `module` is left as it is.
  static llvm::Expected<CProgram>
  compile(Compiler &compiler, mlir::ModuleOp module, llvm::StringRef entry,
          llvm::StringRef name, std::vector<TargetInfo> levels,
          const PipelineOptions &options = {});
  CProgram(CProgram &&);
  ~CProgram();

  const Signature &signature() const;

  /// LLVM IR as text, optimized.
  std::string llvmText() const;
  llvm::Expected<std::string> assembly() const;
  /// A relocatable ELF object. Made at the first call.
  llvm::Expected<std::string> object();
  /// The object linked alone, by a linker that is looked for in PATH.
  llvm::Expected<std::string> sharedObject();
  /// The header. It names the functions that the object needs from elsewhere.
  llvm::Expected<std::string> header();

private:
  CProgram();
  llvm::Expected<std::string> generate(bool asText) const;

  std::unique_ptr<llvm::LLVMContext> context; // outlives the module
  std::unique_ptr<llvm::Module> code;
  std::unique_ptr<CInterface> interface;
  std::string objectBytes; ///< empty until somebody asks
};

/// True for text that CProgram::header wrote, and which may so be written over.
bool isCHeader(llvm::StringRef text);

} // namespace attn

#endif // ATTN_EXECUTE_AHEADOFTIME_H
