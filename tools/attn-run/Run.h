//===- Run.h - One invocation of attn-run -----------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parses, compiles, runs, and judges what came out.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_RUN_H
#define ATTN_TOOLS_ATTN_RUN_RUN_H

#include "Options.h"

#include "attn/Execute/Compiler.h"
#include "attn/Pipeline/StageWatcher.h"
#include "tools/shared/Progress.h"

namespace attn {

/// The exit code when a number is off.
constexpr int numbersOff = 2;

llvm::SmallVector<TensorView> viewsOf(llvm::ArrayRef<Tensor> tensors);

/// What one invocation works with.
struct Run {
  Run(const Options &options, llvm::StringRef text)
      : flags(options), text(text), watcher(options.dumpStages) {}

  const Options &flags;
  llvm::StringRef text; ///< the file
  Compiler compiler;
  TargetInfo target;
  StageWatcher watcher;
  CallOptions call; ///< what the flags say of it

  PipelineOptions pipeline() const {
    PipelineOptions options;
    options.target = target;
    // Who looks for a fault is told the pass that made it.
    options.verifyEach = flags.wantsModules();
    return options;
  }
  llvm::Error stop(mlir::ModuleOp module);
  llvm::Expected<std::unique_ptr<Executable>> compile(mlir::ModuleOp module,
                                                      llvm::StringRef entry);
  llvm::Expected<Compiler::Module> raiseGraph(mlir::ModuleOp module,
                                              mlir::func::FuncOp entry);
  llvm::Expected<bool> judgeRaising(mlir::ModuleOp graph,
                                    const Executable &raised,
                                    llvm::ArrayRef<Tensor> inputs,
                                    llvm::ArrayRef<Tensor> outputs);
  llvm::Expected<int> execute(mlir::ModuleOp module);
  llvm::Expected<int> judge(mlir::ModuleOp source, llvm::StringRef entry,
                            llvm::ArrayRef<Tensor> inputs,
                            llvm::ArrayRef<Tensor> outputs);
  llvm::Error showHeads(mlir::ModuleOp source, llvm::StringRef entry,
                        llvm::ArrayRef<Tensor> inputs,
                        llvm::ArrayRef<Tensor> outputs);
  /// Compiles and calls a tapped copy of the entry.
  llvm::Expected<std::vector<Tensor>> runTapped(mlir::ModuleOp module,
                                                llvm::StringRef entry,
                                                llvm::ArrayRef<Tensor> inputs);
  llvm::Error time(mlir::ModuleOp source, const Executable &executable,
                   llvm::ArrayRef<Tensor> inputs);
  llvm::Expected<double> flopsOf(mlir::ModuleOp source, llvm::StringRef entry,
                                 llvm::ArrayRef<Tensor> inputs);
  /// Watches the doors and says on the terminal which was passed last.
  PipelineOptions watched(Progress &progress);
};

/// The arguments of a call, read as the flags say.
llvm::Expected<std::vector<Tensor>> inputsFor(const Options &flags,
                                              const Signature &signature);

/// Calls an entry, writes its results where the flags say, and prints them.
llvm::Expected<std::vector<Tensor>> callAndWrite(const Options &flags,
                                                 const Executable &executable,
                                                 llvm::ArrayRef<Tensor> inputs,
                                                 const CallOptions &options);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_RUN_H
