//===- attn-run.cpp - Compile a file and run it ---------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exit codes: 0, 1 for an error of the user's or ours, 2 when numbers are off.
//
//===----------------------------------------------------------------------===//

#include "Run.h"

#include "attn/Execute/Host.h"
#include "attn/Execute/ObjectCache.h"
#include "attn/Runtime/Abi.h"
#include "tools/shared/Pages.h"
#include "tools/shared/Report.h"
#include "llvm/Support/InitLLVM.h"

using namespace llvm;
using namespace attn;

/// Runs what an earlier run compiled.
static Expected<int> runFound(const Options &flags,
                              const Executable &executable,
                              const CallOptions &call) {
  Expected<std::vector<Tensor>> inputs =
      inputsFor(flags, executable.signature());
  if (!inputs)
    return inputs.takeError();
  if (Error error = callAndWrite(flags, executable, *inputs, call).takeError())
    return std::move(error);
  return 0;
}

/// What the flags say of a call.
static Expected<CallOptions> readCallOptions(const Options &flags) {
  std::optional<emulator::Schedule> schedule =
      emulator::parseSchedule(std::string(flags.schedule));
  if (!schedule)
    return createStringError("--schedule=" + flags.schedule +
                             ": expected eager, late or random");
  CallOptions call;
  call.emulation.schedule = *schedule;
  call.emulation.seed = flags.seed;
  return call;
}

static Expected<int> runTool(const Options &options) {
  if (options.threads < 0)
    return createStringError("--threads=" + Twine(options.threads) +
                             ": expected 0 or more");
  attn_rt_set_num_threads(options.threads);
  Expected<TargetInfo> target = resolveTarget(options.target);
  if (!target)
    return target.takeError();
  Expected<CallOptions> call = readCallOptions(options);
  if (!call)
    return call.takeError();
  ErrorOr<std::unique_ptr<MemoryBuffer>> file =
      MemoryBuffer::getFileOrSTDIN(options.file);
  if (!file)
    return createStringError(options.file + ": " + file.getError().message());
  StringRef text = (*file)->getBuffer();
  if (options.usesCache())
    if (std::unique_ptr<Executable> found =
            ObjectCache::ofProcess().find(text, options.entry, *target))
      return runFound(options, *found, *call);
  Run run(options, text);
  run.target = *target;
  run.call = *call;
  if (Error error = run.watcher.prepare())
    return std::move(error);
  if (options.explain)
    run.watcher.collectRemarks(run.compiler.context());
  Progress progress("attn-run: reading");
  Expected<Compiler::Module> module =
      run.compiler.parseBuffer(MemoryBuffer::getMemBuffer(**file));
  if (!module)
    return module.takeError();
  releasePages(**file);
  progress.finish();
  if (options.stopAfter.empty())
    return run.execute(**module);
  if (Error error = run.stop(**module))
    return std::move(error);
  return 0;
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::ResetCommandLineParser();
  Options options;
  cl::ParseCommandLineOptions(argc, argv,
                              "attn-run: compile attention and run it\n");
  Expected<int> code = runTool(options);
  return code ? *code : reportError(code.takeError());
}
