//===- attn-compile.cpp - Compile a file ahead of time --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exit codes: 0, or 1 for an error; then no file is there that was not before.
//
//===----------------------------------------------------------------------===//

#include "Emit.h"
#include "Output.h"
#include "StagePage.h"

#include "attn/Pipeline/StageWatcher.h"
#include "tools/shared/Completion.h"
#include "tools/shared/Progress.h"
#include "tools/shared/Report.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace attn;

namespace {

constexpr EmitKind kinds[] = {
    {"mlir", ".mlir", emitMlir},
    {"llvm", ".ll", emitLlvm},
    {"asm", ".s", emitAsm},
    {"obj", ".o", emitObj},
    {"header", ".h", emitHeader},
    {"so", ".so", emitSo},
    {"ptx", ".ptx", emitPtxText},
    {"cubin", ".cubin", emitCubin},
    {"bundle", ".bundle", emitBundle},
};

std::string kindNames(StringRef separator) {
  return join(map_range(kinds, [](const EmitKind &kind) { return kind.name; }),
              separator);
}

/// The command line; made by main, as LLVM's own options are cleared first.
struct Options {
  cl::OptionCategory category{"attn-compile options"};
  cl::opt<std::string> file{cl::Positional, cl::desc("FILE.mlir"),
                            cl::init("-"), cl::cat(category)};
  cl::opt<std::string> output{
      "o",
      cl::desc("Where to write (- is stdout); the suffix can say what:\n"
               ".mlir .ll .s .o .h .so .ptx .cubin .bundle;\n"
               "beside .o and .so goes the header"),
      cl::value_desc("file"), cl::init("-"), cl::cat(category)};
  cl::opt<std::string> emit{
      "emit",
      cl::desc("What to write: mlir, llvm, asm, obj, header, so, and for GPUs\n"
               "ptx, cubin, bundle"),
      cl::value_desc("kind"), cl::cat(category)};
  cl::opt<std::string> entry{
      "entry", cl::desc("Function to compile, if there are several"),
      cl::value_desc("name"), cl::cat(category)};
  cl::opt<std::string> name{
      "name", cl::desc("What C calls it (default: as the source does)"),
      cl::value_desc("name"), cl::cat(category)};
  cl::opt<std::string> target{
      "target",
      cl::desc("cpu (this machine), cpu:<name or level>, linalg; several\n"
               "with + (cpu:x86-64-v3+x86-64-v4): chosen when the code runs;\n"
               "nvvm:<chip>"),
      cl::value_desc("target"), cl::init("cpu"), cl::cat(category)};
  cl::opt<std::string> stopAfter{
      "stop-after", cl::desc("Write the module as it leaves a room (mlir)"),
      cl::value_desc("room"), cl::cat(category)};
  cl::opt<std::string> dumpStages{
      "dump-stages", cl::desc("Write the module into a folder at every door"),
      cl::value_desc("folder"), cl::cat(category)};
  cl::opt<std::string> html{
      "html",
      cl::desc("Write a page that shows the module in every room, an op\n"
               "followed through all, remarks, plans and times; alone, or\n"
               "beside what -o says"),
      cl::value_desc("file.html"), cl::cat(category)};
  CompletionOption completion{
      "attn-compile", category, {{"emit", kindNames(" ")}}};

  bool writesPageAlone() const {
    return !html.empty() && emit.empty() && output == "-";
  }
};

Expected<const EmitKind *> findKind(const Options &options) {
  StringRef suffix = sys::path::extension(options.output);
  for (const EmitKind &kind : kinds)
    if (options.emit.empty() ? kind.suffix == suffix
                             : kind.name == options.emit)
      return &kind;
  if (!options.emit.empty())
    return createStringError("--emit=" + options.emit + ": expected one of " +
                             kindNames(", "));
  if (!options.stopAfter.empty() || options.writesPageAlone())
    return &kinds[0];
  return createStringError(
      "-o " + options.output +
      ": its suffix names no kind: expected --emit with one of " +
      kindNames(", "));
}

/// What the options say of the way through the rooms.
Expected<PipelineOptions> readPipeline(const Options &options,
                                       const EmitKind &kind) {
  PipelineOptions pipeline;
  for (const auto &[name, value] :
       {std::pair("--dump-stages", &options.dumpStages),
        std::pair("--html", &options.html)})
    if (!value->empty() && StringRef(options.target).contains('+'))
      return createStringError(
          name + Twine(": expected a target with one CPU, but got '") +
          options.target + "'");
  // Who looks for a fault is told the pass that made it.
  pipeline.verifyEach = !options.stopAfter.empty() ||
                        !options.dumpStages.empty() || !options.html.empty();
  if (options.stopAfter.empty())
    return pipeline;
  if (kind.name != "mlir")
    return createStringError(
        "--stop-after gives a module: expected --emit=mlir, but "
        "found " +
        kind.name);
  pipeline.stopAfter = parseStage(options.stopAfter);
  if (!pipeline.stopAfter)
    return createStringError("--stop-after=" + options.stopAfter +
                             ": expected one of " + stageNames());
  return pipeline;
}

/// The file and what becomes of it.
class Compilation {
public:
  Compilation(const Options &options, const EmitKind &kind,
              PipelineOptions pipeline)
      : options(options), kind(kind), pipeline(std::move(pipeline)),
        watcher(options.dumpStages) {}

  Expected<Emitted> run();
  /// --html: of what was reached, when that is not all.
  Error writePage(std::vector<DiagnosticError::Message> errors) const;

private:
  Expected<Compiler::Module> parse(Compiler &compiler);

  const Options &options;
  const EmitKind &kind;
  PipelineOptions pipeline;
  StageWatcher watcher;
  StageRecorder recorder;
  PageFacts facts;
};

Expected<Compiler::Module> Compilation::parse(Compiler &compiler) {
  if (options.html.empty())
    return compiler.parseFile(options.file);
  ErrorOr<std::unique_ptr<MemoryBuffer>> file =
      MemoryBuffer::getFileOrSTDIN(options.file);
  if (!file)
    return createStringError(options.file + ": " + file.getError().message());
  facts.file = (*file)->getBufferIdentifier().str();
  facts.source = (*file)->getBuffer().str();
  recorder.collectRemarks(compiler.context());
  return compiler.parseText(facts.source, facts.file);
}

Expected<Emitted> Compilation::run() {
  if (Error error = watcher.prepare())
    return std::move(error);
  Progress progress("attn-compile: reading");
  Compiler compiler;
  Expected<Compiler::Module> module = parse(compiler);
  if (!module)
    return module.takeError();
  progress.say("attn-compile: compiling");
  EmitInput input{compiler,     **module,       options.entry,
                  options.name, options.target, pipeline};
  input.pipeline.onStage = [&](Stage stage, mlir::ModuleOp at) {
    watcher.leave(stage, at);
    progress.say("attn-compile: compiling, past " + stageName(stage));
  };
  if (!options.html.empty())
    recorder.watch(input.pipeline);
  watcher.start();
  recorder.start();
  Expected<Emitted> emitted = kind.emit(input);
  progress.finish();
  reportWarnings(compiler.takeWarnings());
  if (!emitted)
    return emitted.takeError();
  if (kind.name != "mlir")
    recorder.finish(kind.name.str());
  if (Error error = watcher.takeError())
    return std::move(error);
  return emitted;
}

Error Compilation::writePage(
    std::vector<DiagnosticError::Message> errors) const {
  PageFacts all = facts;
  all.target = options.target;
  all.errors = std::move(errors);
  Expected<std::string> page = makeStagePage(recorder, all);
  if (!page)
    return page.takeError();
  return writeFile(options.html, *page);
}

/// Copies what an error says.
Error readMessages(Error error,
                   std::vector<DiagnosticError::Message> &messages) {
  return handleErrors(
      std::move(error),
      [&](std::unique_ptr<DiagnosticError> part) -> Error {
        append_range(messages, part->messages);
        return Error(std::move(part));
      },
      [&](std::unique_ptr<ErrorInfoBase> part) -> Error {
        messages.push_back({"", 0, 0, part->message()});
        return Error(std::move(part));
      });
}

Error runTool(const Options &options) {
  Expected<const EmitKind *> kind = findKind(options);
  if (!kind)
    return kind.takeError();
  Expected<PipelineOptions> pipeline = readPipeline(options, **kind);
  if (!pipeline)
    return pipeline.takeError();
  Compilation compilation(options, **kind, std::move(*pipeline));
  Expected<Emitted> emitted = compilation.run();
  if (!options.html.empty()) {
    std::vector<DiagnosticError::Message> messages;
    Error failure = readMessages(emitted.takeError(), messages);
    if (Error error = joinErrors(std::move(failure),
                                 compilation.writePage(std::move(messages))))
      return error;
    if (options.writesPageAlone())
      return Error::success();
  }
  if (!emitted)
    return emitted.takeError();
  return writeOutput(*emitted, options.output);
}

} // namespace

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::ResetCommandLineParser();
  Options options;
  cl::ParseCommandLineOptions(
      argc, argv, "attn-compile: compile attention ahead of time\n");
  if (Error error = runTool(options))
    return reportError(std::move(error));
  return 0;
}
