//===- Compiler.h - From text to something that runs ------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parses MLIR, runs the rooms and gives back an Executable. What goes wrong
// comes back as text with a location.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_COMPILER_H
#define ATTN_EXECUTE_COMPILER_H

#include "attn/Execute/CompiledEntry.h"
#include "attn/Execute/Executable.h"
#include "attn/Pipeline/Pipelines.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace attn {

/// An entry that has been lowered to the LLVM dialect, for its callers.
struct LoweredEntry {
  Signature signature;
  /// The types of the packed weights, in the order in which the entry takes
  /// them.
  std::vector<ValueInfo> packed;
};

/// A context that speaks all dialects of the rooms. Not for use by two threads
/// at once; the executables that come out of it are.
class Compiler {
public:
  using Module = mlir::OwningOpRef<mlir::ModuleOp>;

  Compiler();
  ~Compiler();

  mlir::MLIRContext &context() { return *mlirContext; }

  llvm::Expected<Module> parseFile(llvm::StringRef path);
  /// The buffer ends with a zero, and is not copied.
  llvm::Expected<Module> parseBuffer(std::unique_ptr<llvm::MemoryBuffer> text);
  llvm::Expected<Module> parseText(llvm::StringRef text,
                                   llvm::StringRef name = "<text>");

  /// Runs the rooms on `module`.
  llvm::Error lower(mlir::ModuleOp module, const PipelineOptions &options);

  /// Runs passes, written as for `attn-opt --pass-pipeline`; their names must
  /// have been registered.
  llvm::Error runPasses(mlir::ModuleOp module, llvm::StringRef pipeline);

  /// Runs the rooms on one entry (see findEntry) and what it reaches.
  llvm::Expected<LoweredEntry> lowerEntry(mlir::ModuleOp module,
                                          llvm::StringRef entry,
                                          const PipelineOptions &options);

  /// Compiles one entry to machine code for the target of `options`, in which
  /// stopAfter must not be set; `module` is used up.
  llvm::Expected<CompiledEntry> compileToObject(mlir::ModuleOp module,
                                                llvm::StringRef entry,
                                                const PipelineOptions &options);

  /// Compiles one entry for this machine; `module` is used up.
  /// Of `options` the target must be one that runs here, and stopAfter must not
  /// be set.
  llvm::Expected<std::unique_ptr<Executable>>
  compile(mlir::ModuleOp module, llvm::StringRef entry,
          const PipelineOptions &options);

  /// A copy as it leaves SplitHeads, with all calls inlined: what an entry
  /// computes, in one place.
  llvm::Expected<Module> inlined(mlir::ModuleOp module,
                                 const PipelineOptions &options);

  /// What the rooms and `warn` have warned of since the last call: each once,
  /// one line with its place in the source.
  std::vector<std::string> takeWarnings();
  void warn(mlir::Location location, const llvm::Twine &message);

private:
  llvm::Expected<std::vector<SizeRule>>
  sizeRules(mlir::ModuleOp module, llvm::StringRef entry,
            const PipelineOptions &options);

  std::unique_ptr<mlir::MLIRContext> mlirContext;
  std::vector<std::string> warnings;
};

/// Makes every function but `entry` private, so that what it does not reach is
/// dropped.
void isolateEntry(mlir::ModuleOp module, mlir::func::FuncOp entry);

} // namespace attn

#endif // ATTN_EXECUTE_COMPILER_H
