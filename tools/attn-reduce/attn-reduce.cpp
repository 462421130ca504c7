//===- attn-reduce.cpp - From a file that fails to a small one ------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exit codes: 0, 1 for an error of the user's or ours.
//
//===----------------------------------------------------------------------===//

#include "Reducer.h"
#include "WriteTest.h"

#include "attn/Execute/Compiler.h"
#include "attn/Execute/Host.h"
#include "attn/Execute/Signature.h"
#include "tools/shared/Completion.h"
#include "tools/shared/Report.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace llvm;
using namespace attn;

namespace {

/// The command line. Made by main, not before it: libLLVM has hundreds of
/// options of its own and has taken some of our words.
struct Options {
  cl::OptionCategory category{"attn-reduce options"};
  cl::opt<std::string> file{cl::Positional, cl::desc("FILE.mlir"),
                            cl::init("-"), cl::cat(category)};
  cl::opt<std::string> fails{
      "fails",
      cl::desc("How the file fails: crash, wrong-value (by the reference),\n"
               "error, or a command that fails on the file, written %s"),
      cl::value_desc("how"), cl::cat(category)};
  cl::opt<std::string> entry{"entry",
                             cl::desc("Function to call, if there are several"),
                             cl::value_desc("name"), cl::cat(category)};
  cl::list<std::string> inputs{
      "input", cl::desc("Next argument, as in attn-run: 2x3x64xf32=random:7"),
      cl::value_desc("spec"), cl::cat(category)};
  cl::opt<std::string> target{
      "target", cl::desc("cpu (this machine), cpu:<name or level>, linalg"),
      cl::value_desc("target"), cl::init("cpu"), cl::cat(category)};
  cl::opt<std::string> output{"o", cl::desc("Write the small file there"),
                              cl::value_desc("file"), cl::init("-"),
                              cl::cat(category)};
  cl::opt<std::string> writeTest{"write-test",
                                 cl::desc("Write a lit test of it there"),
                                 cl::value_desc("file"), cl::cat(category)};
  cl::opt<bool> steps{"steps", cl::desc("Say what made it smaller"),
                      cl::cat(category)};
  cl::opt<unsigned> maxTries{"max-tries", cl::desc("Tries at most (2000)"),
                             cl::value_desc("n"), cl::init(2000),
                             cl::cat(category)};
  cl::opt<double> maxSeconds{"max-seconds", cl::desc("Seconds at most (600)"),
                             cl::value_desc("s"), cl::init(600),
                             cl::cat(category)};
  cl::opt<unsigned> trySeconds{
      "try-seconds",
      cl::Hidden,
      cl::desc("A try that takes longer does not count as failed (60)"),
      cl::value_desc("s"),
      cl::init(60),
      cl::cat(category)};
  cl::opt<std::string> probe{"probe", cl::Hidden,
                             cl::desc("What one try runs: call or judge"),
                             cl::cat(category)};
  cl::opt<std::string> plant{
      "plant", cl::Hidden,
      cl::desc("Compile with a fault, for tests: softcap or window"),
      cl::cat(category)};
  CompletionOption completion{
      "attn-reduce", category, {{"fails", "crash wrong-value error"}}};
};

} // namespace

static ProbeOptions probeOptions(const Options &options) {
  ProbeOptions result;
  result.file = options.file;
  result.entry = options.entry;
  result.target = options.target;
  result.fault = options.plant;
  result.judge = options.probe == "judge";
  return result;
}

/// Leaves the entry as the only public function and writes its inputs.
static Error prepareEntry(mlir::ModuleOp module, const Options &options) {
  Expected<mlir::func::FuncOp> entry = findEntry(module, options.entry);
  if (!entry)
    return entry.takeError();
  if (options.inputs.size() > entry->getNumArguments())
    return createStringError("entry '" + entry->getName() + "' takes " +
                             Twine(entry->getNumArguments()) +
                             " inputs, but got --input " +
                             Twine(options.inputs.size()) + " times");
  Expected<Signature> signature = Signature::read(*entry);
  if (!signature)
    return signature.takeError();
  isolateEntry(module, *entry);
  writeInputs(*entry, options.inputs);
  return Error::success();
}

static Error writeText(StringRef path, StringRef text) {
  std::error_code code;
  ToolOutputFile file(path, code, sys::fs::OF_Text);
  if (code)
    return createStringError(path + ": " + code.message());
  file.os() << text;
  file.keep();
  return Error::success();
}

/// What was done, on stderr: stdout is for the file.
static void report(const Reducer &reducer, const Oracle &oracle,
                   unsigned linesBefore, unsigned linesAfter, bool steps) {
  errs() << "attn-reduce: the file fails: " << oracle.failure() << "\n";
  if (steps)
    for (const std::string &step : reducer.steps())
      errs() << "attn-reduce: " << step << "\n";
  errs() << "attn-reduce: " << linesBefore << " lines to " << linesAfter
         << format(", %u tries, %.1f s", reducer.triesMade(),
                   reducer.secondsTaken())
         << (reducer.wasCutShort() ? "; cut short, not the smallest" : "")
         << "\n";
}

static Error reduce(const Options &options, std::string self) {
  if (options.fails.empty())
    return createStringError(
        "--fails is missing: expected crash, wrong-value, error "
        "or a command such as 'attn-opt --attn-fuse %s'");
  Expected<TargetInfo> target = resolveTarget(options.target);
  if (!target)
    return target.takeError();
  Oracle oracle(options.fails, std::move(self), probeOptions(options),
                options.trySeconds);
  Compiler compiler;
  Expected<Compiler::Module> module = compiler.parseFile(options.file);
  if (!module)
    return module.takeError();
  unsigned linesBefore = lineCount(plainTextOf(**module));
  if (!oracle.isCommand())
    if (Error error = prepareEntry(**module, options))
      return error;
  Reducer reducer(oracle, {options.maxTries, options.maxSeconds});
  if (Error error = reducer.run(*module))
    return error;
  std::string text = plainTextOf(**module);
  report(reducer, oracle, linesBefore, lineCount(text),
         options.steps || sys::Process::StandardErrIsDisplayed());
  if (!options.writeTest.empty())
    if (Error error =
            writeText(options.writeTest,
                      testFor(**module, {options.fails, oracle.failure(),
                                         options.target})))
      return error;
  return writeText(options.output, text);
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::ResetCommandLineParser();
  Options options;
  cl::ParseCommandLineOptions(
      argc, argv, "attn-reduce: shrink a file on which the compiler fails\n");
  if (!options.probe.empty()) {
    Expected<int> code = probe(probeOptions(options));
    return code ? *code : reportError(code.takeError());
  }
  static int anchor;
  std::string self = sys::fs::getMainExecutable(argv[0], &anchor);
  if (Error error = reduce(options, self))
    return reportError(std::move(error));
  return 0;
}
