//===- Run.cpp - One invocation of attn-run -------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the module to results on disk; what judges them is elsewhere.
//
//===----------------------------------------------------------------------===//

#include "Run.h"
#include "Inputs.h"
#include "Print.h"

#include "attn/Data/NpyWriter.h"
#include "attn/Execute/Host.h"
#include "attn/Execute/ObjectCache.h"
#include "tools/shared/Report.h"

using namespace llvm;

namespace attn {

SmallVector<TensorView> viewsOf(ArrayRef<Tensor> tensors) {
  return to_vector(
      map_range(tensors, [](const Tensor &tensor) { return tensor.view(); }));
}

PipelineOptions Run::watched(Progress &progress) {
  PipelineOptions options = pipeline();
  options.onStage = [&](Stage stage, mlir::ModuleOp at) {
    watcher.leave(stage, at);
    progress.say("attn-run: compiling, past " + stageName(stage));
  };
  return options;
}

/// --stop-after: prints the module.
Error Run::stop(mlir::ModuleOp module) {
  Progress progress("attn-run: compiling");
  PipelineOptions options = watched(progress);
  options.stopAfter = parseStage(flags.stopAfter);
  if (!options.stopAfter)
    return createStringError("--stop-after=" + flags.stopAfter +
                             ": expected one of " + stageNames());
  if (!flags.entry.empty()) {
    Expected<mlir::func::FuncOp> entry = findEntry(module, flags.entry);
    if (!entry)
      return entry.takeError();
    isolateEntry(module, *entry);
  }
  watcher.start();
  if (Error error = compiler.lower(module, options))
    return error;
  progress.finish();
  reportWarnings(compiler.takeWarnings());
  if (flags.explain)
    watcher.explain(outs(), target);
  else
    printModule(outs(), module);
  return watcher.takeError();
}

static Error writeResults(const Options &flags, ArrayRef<Tensor> results) {
  for (auto [path, result] : zip(flags.outputs, results))
    if (Error error = data::writeNpy(result, path))
      return error;
  for (auto [i, result] : enumerate(results)) {
    outs() << "result #" << i << ": ";
    printSummary(outs(), result);
    outs() << "\n";
    if (!flags.print)
      continue;
    printElements(outs(), result);
    outs() << "\n";
  }
  return Error::success();
}

Expected<std::vector<Tensor>> callAndWrite(const Options &flags,
                                           const Executable &executable,
                                           ArrayRef<Tensor> inputs,
                                           const CallOptions &options) {
  Progress progress("attn-run: running");
  Expected<std::vector<Tensor>> results =
      executable.call(viewsOf(inputs), options);
  progress.finish();
  if (!results)
    return results;
  if (Error error = writeResults(flags, *results))
    return std::move(error);
  return results;
}

Expected<std::vector<Tensor>> inputsFor(const Options &flags,
                                        const Signature &signature) {
  Progress progress("attn-run: reading inputs");
  Expected<std::vector<Tensor>> inputs =
      readInputs(signature, flags.weights, flags.inputs,
                 /*makesUp=*/flags.verifyRaising);
  if (!inputs)
    return inputs.takeError();
  if (flags.outputs.size() > signature.results.size())
    return createStringError("entry '" + signature.entry + "' gives " +
                             Twine(signature.results.size()) +
                             " results, but got --output " +
                             Twine(flags.outputs.size()) + " times");
  return inputs;
}

/// Compiles, and keeps the code for another run.
Expected<std::unique_ptr<Executable>> Run::compile(mlir::ModuleOp module,
                                                   StringRef entry) {
  if (Error error = checkRunsHere(target))
    return std::move(error);
  Progress progress("attn-run: compiling");
  watcher.start();
  Expected<CompiledEntry> compiled =
      compiler.compileToObject(module, entry, watched(progress));
  if (!compiled)
    return compiled.takeError();
  watcher.finish();
  progress.finish();
  reportWarnings(compiler.takeWarnings());
  if (flags.usesCache()) {
    ObjectCache &cache = ObjectCache::ofProcess();
    cache.keep(text, flags.entry, target, *compiled);
    if (std::string warning = cache.takeWarning(); !warning.empty())
      errs() << "attn-run: warning: " << warning << "\n";
  }
  return Executable::load(std::move(*compiled));
}

Expected<int> Run::execute(mlir::ModuleOp module) {
  Expected<mlir::func::FuncOp> entry = findEntry(module, flags.entry);
  if (!entry)
    return entry.takeError();
  Expected<Signature> signature = Signature::read(*entry);
  if (!signature)
    return signature.takeError();
  Expected<std::vector<Tensor>> inputs = inputsFor(flags, *signature);
  if (!inputs)
    return inputs.takeError();

  Compiler::Module graph;
  if (flags.checks()) {
    Expected<Compiler::Module> found = raiseGraph(module, *entry);
    if (!found)
      return found.takeError();
    graph = std::move(*found);
  }
  Compiler::Module source = module.clone();
  Expected<std::unique_ptr<Executable>> executable =
      compile(module, signature->entry);
  if (!executable)
    return executable.takeError();
  if (Error error = watcher.takeError())
    return std::move(error);
  if (flags.explain)
    watcher.explain(outs(), target);

  Expected<std::vector<Tensor>> results =
      callAndWrite(flags, **executable, *inputs, call);
  if (!results)
    return results.takeError();
  if (flags.headsReport)
    if (Error error = showHeads(*source, signature->entry, *inputs, *results))
      return std::move(error);
  if (flags.bench)
    if (Error error = time(*source, **executable, *inputs))
      return std::move(error);
  if (!flags.checks())
    return 0;
  Expected<int> code = judge(*source, signature->entry, *inputs, *results);
  if (!code || !graph)
    return code;
  Expected<bool> kept = judgeRaising(*graph, **executable, *inputs, *results);
  if (!kept)
    return kept.takeError();
  return *kept ? *code : numbersOff;
}

} // namespace attn
