//===- Judging.cpp - What attn-run says of the numbers --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// --check, of graphs too, and --heads-report.
//
//===----------------------------------------------------------------------===//

#include "Check.h"
#include "HeadsReport.h"
#include "Raising.h"
#include "Run.h"

using namespace llvm;

namespace attn {

/// Makes attn ops of an entry that has none: they are what can be judged.
/// Returns it as it was, or null.
Expected<Compiler::Module> Run::raiseGraph(mlir::ModuleOp module,
                                           mlir::func::FuncOp entry) {
  isolateEntry(module, entry);
  PipelineOptions options = pipeline();
  options.stopAfter = Stage::Input; // what the entry does not call is gone
  if (Error error = compiler.lower(module, options))
    return std::move(error);
  if (hasAttnOps(module))
    return Compiler::Module();
  Compiler::Module graph = module.clone();
  options.stopAfter = Stage::Raise;
  if (Error error = compiler.lower(module, options))
    return std::move(error);
  if (hasAttnOps(module))
    return graph;
  return createStringError(
      "--check judges attn ops, but the file has none, and no attention was "
      "found in its graph: attn-opt --attn-raise says why");
}

/// Runs the graph as it stands; false when the raised one gave something else.
Expected<bool> Run::judgeRaising(mlir::ModuleOp graph, StringRef entry,
                                 ArrayRef<Tensor> inputs,
                                 ArrayRef<Tensor> outputs) {
  PipelineOptions options = pipeline();
  options.raise = false;
  Progress progress("attn-run: checking what was raised");
  Compiler::Module copy = graph.clone();
  Expected<std::unique_ptr<Executable>> executable =
      compiler.compile(*copy, entry, options);
  if (!executable)
    return executable.takeError();
  Expected<std::vector<Tensor>> plain =
      (*executable)->call(viewsOf(inputs), call);
  progress.finish();
  if (!plain)
    return plain.takeError();
  return compareResults(outs(), graph, outputs, *plain);
}

Expected<std::vector<Tensor>> Run::runTapped(mlir::ModuleOp module,
                                             StringRef entry,
                                             ArrayRef<Tensor> inputs) {
  Expected<std::unique_ptr<Executable>> executable =
      compiler.compile(module, entry, pipeline());
  if (!executable)
    return executable.takeError();
  return (*executable)->call(viewsOf(inputs), call);
}

/// --heads-report.
Error Run::showHeads(mlir::ModuleOp source, StringRef entryName,
                     ArrayRef<Tensor> inputs, ArrayRef<Tensor> outputs) {
  Expected<mlir::func::FuncOp> entry = findEntry(source, entryName);
  if (!entry)
    return entry.takeError();
  return reportHeads(outs(), *entry, inputs, outputs,
                     [this](mlir::ModuleOp module, StringRef name,
                            ArrayRef<Tensor> arguments) {
                       return runTapped(module, name, arguments);
                     });
}

/// --check: exit code 2 when a number is off.
Expected<int> Run::judge(mlir::ModuleOp source, StringRef entryName,
                         ArrayRef<Tensor> inputs, ArrayRef<Tensor> outputs) {
  Expected<mlir::func::FuncOp> entry = findEntry(source, entryName);
  if (!entry)
    return entry.takeError();
  auto run = [&](mlir::ModuleOp module, StringRef name,
                 ArrayRef<Tensor> arguments) {
    return runTapped(module, name, arguments);
  };
  Progress progress("attn-run: checking");
  Expected<CheckReport> report =
      checkEntry(*entry, inputs, outputs, run, narrowWeightsOf(target));
  progress.finish();
  if (!report)
    return report.takeError();
  report->print(outs());
  return report->passed() ? 0 : numbersOff;
}

} // namespace attn
