//===- attn-run.cpp - Compile a file and run it ---------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exit codes: 0, 1 for an error of the user's or ours, 2 when numbers are off.
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Check.h"
#include "Flops.h"
#include "HeadsReport.h"
#include "Inputs.h"
#include "Peak.h"
#include "Print.h"
#include "Raising.h"

#include "attn/Data/NpyWriter.h"
#include "attn/Execute/Compiler.h"
#include "attn/Execute/Host.h"
#include "attn/Execute/ObjectCache.h"
#include "attn/Pipeline/StageWatcher.h"
#include "attn/Runtime/Abi.h"
#include "tools/shared/Completion.h"
#include "tools/shared/Progress.h"
#include "tools/shared/Report.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

using namespace llvm;
using namespace attn;

namespace {

enum class CacheUse { Off, On };

/// The command line. Made by main, not before it: libLLVM has hundreds of
/// options of its own and has taken some of our words.
struct Options {
  cl::OptionCategory category{"attn-run options"};
  cl::opt<std::string> file{cl::Positional, cl::desc("FILE.mlir"),
                            cl::init("-"), cl::cat(category)};
  cl::opt<std::string> entry{"entry",
                             cl::desc("Function to run, if there are several"),
                             cl::value_desc("name"), cl::cat(category)};
  cl::list<std::string> inputs{
      "input",
      cl::desc(
          "Next argument: @file.npy, @file.npz:name, @file.safetensors:name,\n"
          "2x3x64xf32=random:7, 2x3xf32=1.0, 4xi64=3,0,7,5, 2x3xf32=iota"),
      cl::value_desc("spec"), cl::cat(category)};
  cl::opt<std::string> weights{
      "weights",
      cl::desc(
          "Arguments with an attn.name come from this .safetensors or .npz"),
      cl::value_desc("@file"), cl::cat(category)};
  cl::list<std::string> outputs{"output",
                                cl::desc("Write the next result there (.npy)"),
                                cl::value_desc("file"), cl::cat(category)};
  cl::opt<bool> print{"print", cl::desc("Print the results"),
                      cl::cat(category)};
  cl::opt<std::string> target{
      "target",
      cl::desc("cpu (this machine), cpu:<name or level>, linalg,\n"
               "nvvm-emulation:sm_90a (GPU kernels, run here)"),
      cl::value_desc("target"), cl::init("cpu"), cl::cat(category)};
  cl::opt<int> threads{"threads",
                       cl::desc("Threads (default: as many as there are CPUs)"),
                       cl::value_desc("n"), cl::init(0), cl::cat(category)};
  cl::opt<CacheUse> cache{
      "cache",
      cl::desc("Keep compiled code for the next run, where\n"
               "$ATTN_MLIR_CACHE_DIR, the XDG folder or ~/.cache says:"),
      cl::values(clEnumValN(CacheUse::On, "on",
                            "yes, unless asked to look at "
                            "modules (default)"),
                 clEnumValN(CacheUse::Off, "off", "no")),
      cl::init(CacheUse::On), cl::cat(category)};
  cl::opt<std::string> schedule{
      "schedule",
      cl::desc("Timing of emulated kernels: eager (default), late, random"),
      cl::value_desc("word"), cl::init("eager"), cl::cat(category)};
  cl::opt<uint64_t> seed{
      "seed", cl::desc("Of that timing, and of approximate instructions"),
      cl::value_desc("n"), cl::init(1), cl::cat(category)};
  cl::opt<bool> check{
      "check", cl::desc("Judge every attention op, and a graph that is raised"),
      cl::cat(category)};
  cl::opt<bool> headsReport{
      "heads-report",
      cl::desc("Say of every head of attn.mha what it does and is worth"),
      cl::cat(category)};
  cl::opt<bool> bench{
      "bench", cl::desc("Time it against the peak of the core, read beside it"),
      cl::cat(category)};
  cl::opt<bool> explain{"explain",
                        cl::desc("Say what each room did, and the plans"),
                        cl::cat(category)};
  cl::opt<std::string> stopAfter{
      "stop-after", cl::desc("Print the module as it leaves a room and stop"),
      cl::value_desc("room"), cl::cat(category)};
  cl::opt<std::string> dumpStages{
      "dump-stages", cl::desc("Write the module into a folder at every door"),
      cl::value_desc("folder"), cl::cat(category)};
  cl::opt<int> benchReadings{
      "bench-readings",    cl::Hidden,
      cl::init(15),        cl::desc("Readings that --bench keeps (15)"),
      cl::value_desc("n"), cl::cat(category)};
  cl::opt<double> benchSeconds{
      "bench-seconds",
      cl::Hidden,
      cl::init(20),
      cl::desc("Time after which --bench takes what it has (20)"),
      cl::value_desc("s"),
      cl::cat(category)};
  CompletionOption completion{"attn-run", category};

  /// Whoever wants to see modules needs them made.
  bool usesCache() const {
    return cache == CacheUse::On && !check && !headsReport && !bench &&
           !explain && stopAfter.empty() && dumpStages.empty();
  }
};

} // namespace

static constexpr int numbersOff = 2;

namespace {
/// What one invocation works with.
struct Run {
  Run(const Options &options, StringRef text)
      : flags(options), text(text), watcher(options.dumpStages) {}

  const Options &flags;
  StringRef text; ///< the file
  Compiler compiler;
  TargetInfo target;
  StageWatcher watcher;
  CallOptions call; ///< what the flags say of it

  PipelineOptions pipeline() const {
    PipelineOptions options;
    options.target = target;
    return options;
  }
  Error stop(mlir::ModuleOp module);
  Expected<std::unique_ptr<Executable>> compile(mlir::ModuleOp module,
                                                StringRef entry);
  Expected<Compiler::Module> raiseGraph(mlir::ModuleOp module,
                                        mlir::func::FuncOp entry);
  Expected<bool> judgeRaising(mlir::ModuleOp graph, StringRef entry,
                              ArrayRef<Tensor> inputs,
                              ArrayRef<Tensor> outputs);
  Expected<int> execute(mlir::ModuleOp module);
  Expected<int> judge(mlir::ModuleOp source, StringRef entry,
                      ArrayRef<Tensor> inputs, ArrayRef<Tensor> outputs);
  Error showHeads(mlir::ModuleOp source, StringRef entry,
                  ArrayRef<Tensor> inputs, ArrayRef<Tensor> outputs);
  /// Compiles and calls a tapped copy of the entry.
  Expected<std::vector<Tensor>>
  runTapped(mlir::ModuleOp module, StringRef entry, ArrayRef<Tensor> inputs);
  Error time(mlir::ModuleOp source, const Executable &executable,
             ArrayRef<Tensor> inputs);
  Expected<double> flopsOf(mlir::ModuleOp source, StringRef entry,
                           ArrayRef<Tensor> inputs);
  /// Watches the doors and says on the terminal which was passed last.
  PipelineOptions watched(Progress &progress);
};
} // namespace

PipelineOptions Run::watched(Progress &progress) {
  PipelineOptions options = pipeline();
  options.onStage = [&](Stage stage, mlir::ModuleOp at) {
    watcher.leave(stage, at);
    progress.say("attn-run: compiling, past " + stageName(stage));
  };
  return options;
}

static SmallVector<TensorView> viewsOf(ArrayRef<Tensor> tensors) {
  return to_vector(
      map_range(tensors, [](const Tensor &tensor) { return tensor.view(); }));
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

static Expected<std::vector<Tensor>> callEntry(const Executable &executable,
                                               ArrayRef<Tensor> inputs,
                                               const CallOptions &options) {
  Progress progress("attn-run: running");
  return executable.call(viewsOf(inputs), options);
}

static Expected<std::vector<Tensor>> inputsFor(const Options &flags,
                                               const Signature &signature) {
  Expected<std::vector<Tensor>> inputs =
      readInputs(signature, flags.weights, flags.inputs);
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
  if (flags.usesCache()) {
    ObjectCache &cache = ObjectCache::ofProcess();
    cache.keep(text, flags.entry, target, *compiled);
    if (std::string warning = cache.takeWarning(); !warning.empty())
      errs() << "attn-run: warning: " << warning << "\n";
  }
  return Executable::load(std::move(*compiled));
}

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
  if (flags.check) {
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
      callEntry(**executable, *inputs, call);
  if (!results)
    return results.takeError();
  if (Error error = writeResults(flags, *results))
    return std::move(error);
  if (flags.headsReport)
    if (Error error = showHeads(*source, signature->entry, *inputs, *results))
      return std::move(error);
  if (flags.bench)
    if (Error error = time(*source, **executable, *inputs))
      return std::move(error);
  if (!flags.check)
    return 0;
  Expected<int> code = judge(*source, signature->entry, *inputs, *results);
  if (!code || !graph)
    return code;
  Expected<bool> kept =
      judgeRaising(*graph, signature->entry, *inputs, *results);
  if (!kept)
    return kept.takeError();
  return *kept ? *code : numbersOff;
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

/// The work of a call, or 0 when it cannot be told.
Expected<double> Run::flopsOf(mlir::ModuleOp source, StringRef entryName,
                              ArrayRef<Tensor> inputs) {
  Expected<Compiler::Module> copy = compiler.inlined(source, pipeline());
  if (!copy)
    return copy.takeError();
  Expected<mlir::func::FuncOp> entry = findEntry(**copy, entryName);
  if (!entry)
    return entry.takeError();
  return countFlops(*entry, inputs).value_or(0);
}

/// --bench.
Error Run::time(mlir::ModuleOp source, const Executable &executable,
                ArrayRef<Tensor> inputs) {
  if (!canReadPeak(target.f32Lanes))
    return createStringError("--bench has no peak loop for target '" +
                             target.str() + "'");
  Expected<double> flops =
      flopsOf(source, executable.signature().entry, inputs);
  if (!flops)
    return flops.takeError();
  SmallVector<TensorView> views = viewsOf(inputs);
  Expected<PackedWeights> packed = executable.prepack(views);
  if (!packed)
    return packed.takeError();
  CallOptions call = this->call;
  call.weights = &*packed;
  Expected<std::vector<Tensor>> room = executable.call(views, call);
  if (!room)
    return room.takeError();
  SmallVector<TensorView> outputs = viewsOf(*room);

  BenchOptions options;
  options.f32Lanes = target.f32Lanes;
  options.threads = attn_rt_get_num_threads();
  options.flops = *flops;
  options.readings = flags.benchReadings;
  options.seconds = flags.benchSeconds;
  Expected<std::vector<Reading>> readings =
      bench([&] { return executable.run(views, outputs, call); }, options);
  if (!readings)
    return readings.takeError();
  printBench(outs(), *readings, options);
  return Error::success();
}

/// Runs what an earlier run compiled.
static Expected<int> runFound(const Options &flags,
                              const Executable &executable,
                              const CallOptions &call) {
  Expected<std::vector<Tensor>> inputs =
      inputsFor(flags, executable.signature());
  if (!inputs)
    return inputs.takeError();
  Expected<std::vector<Tensor>> results = callEntry(executable, *inputs, call);
  if (!results)
    return results.takeError();
  if (Error error = writeResults(flags, *results))
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
  Expected<Compiler::Module> module =
      run.compiler.parseText(text, (*file)->getBufferIdentifier());
  if (!module)
    return module.takeError();
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
