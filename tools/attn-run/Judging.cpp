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
#include "llvm/Support/Format.h"

#include <chrono>
#include <cmath>

using namespace llvm;

namespace attn {

/// Makes attn ops of an entry that has none: they are what can be judged.
/// Returns it as it was, or null.
Expected<Compiler::Module> Run::raiseGraph(mlir::ModuleOp module,
                                           mlir::func::FuncOp entry) {
  Progress progress("attn-run: raising");
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

/// Seconds of one call, the least of several.
static Expected<double> secondsOf(const Executable &executable,
                                  ArrayRef<TensorView> inputs,
                                  const CallOptions &options) {
  constexpr int kCalls = 3;
  double least = HUGE_VAL;
  for (int i = 0; i < kCalls; ++i) {
    auto start = std::chrono::steady_clock::now();
    Expected<std::vector<Tensor>> results = executable.call(inputs, options);
    if (!results)
      return results.takeError();
    std::chrono::duration<double> passed =
        std::chrono::steady_clock::now() - start;
    least = std::min(least, passed.count());
  }
  return least;
}

/// Runs the graph as it stands; false when the raised one gave something else.
/// Says what raising it did to its time as well.
Expected<bool> Run::judgeRaising(mlir::ModuleOp graph, const Executable &raised,
                                 ArrayRef<Tensor> inputs,
                                 ArrayRef<Tensor> outputs) {
  PipelineOptions options = pipeline();
  options.raise = false;
  Progress progress("attn-run: checking what was raised");
  Compiler::Module copy = graph.clone();
  Expected<std::unique_ptr<Executable>> executable =
      compiler.compile(*copy, raised.signature().entry, options);
  if (!executable)
    return executable.takeError();
  SmallVector<TensorView> views = viewsOf(inputs);
  Expected<std::vector<Tensor>> plain = (*executable)->call(views, call);
  if (!plain)
    return plain.takeError();
  Expected<double> before = secondsOf(**executable, views, call);
  if (!before)
    return before.takeError();
  Expected<double> after = secondsOf(raised, views, call);
  if (!after)
    return after.takeError();
  progress.finish();
  bool kept = compareResults(outs(), graph, outputs, *plain);
  outs() << format("check: raising, time of one call: %.3f ms as it stands, "
                   "%.3f ms raised\n",
                   *before * 1e3, *after * 1e3);
  return kept;
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
  std::string text;
  raw_string_ostream os(text);
  Progress progress("attn-run: looking at heads");
  Error error = reportHeads(os, *entry, inputs, outputs,
                            [this](mlir::ModuleOp module, StringRef name,
                                   ArrayRef<Tensor> arguments) {
                              return runTapped(module, name, arguments);
                            });
  progress.finish();
  outs() << text;
  return error;
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
