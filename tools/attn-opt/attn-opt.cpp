//===- attn-opt.cpp - Run passes on a file --------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MlirOptMain with the dialects, passes and pipelines of attn-mlir. Of its
// thousand options --help shows those that people use.
//
//===----------------------------------------------------------------------===//

#include "EditorConfig.h"

#include "attn/Pipeline/Register.h"
#include "attn/Pipeline/Stage.h"
#include "tools/shared/Completion.h"
#include "tools/shared/Help.h"
#include "tools/shared/Pages.h"
#include "tools/shared/Progress.h"
#include "tools/shared/Report.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Debug.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ToolOutputFile.h"

#undef setCurrentDebugTypes
namespace llvm {
// Debian's LLVM has its assertions off and with them its --debug-only; the
// function is there.
void setCurrentDebugTypes(const char **types, unsigned count);
} // namespace llvm

using namespace mlir;
using namespace attn;
namespace cl = llvm::cl;

namespace {

struct Options {
  cl::OptionCategory category{"attn-opt options"};
  cl::opt<std::string> debugType{
      "attn-debug", cl::desc("Print the debug output of one pass (dev builds)"),
      cl::value_desc("pass"), cl::cat(category),
      cl::callback([](const std::string &type) {
        const char *types[] = {type.c_str()};
        llvm::DebugFlag = true;
        llvm::setCurrentDebugTypes(types, 1);
      })};
  cl::opt<std::string> editorConfig{
      "print-editor-config",
      cl::desc("Print settings for vscode, neovim, emacs or all"),
      cl::value_desc("editor"), cl::ValueOptional, cl::cat(category)};
  CompletionOption completion{
      "attn-opt",
      category,
      {{"print-editor-config", "vscode neovim emacs all"}}};
};

/// Says which pass runs.
class ProgressOfPasses : public PassInstrumentation {
public:
  void runBeforePass(Pass *pass, Operation *) override {
    progress.say("attn-opt: " + pass->getArgument());
  }
  void runAfterPipeline(std::optional<OperationName> name,
                        const PipelineParentInfo &parent) override {
    // What is printed next may go to the same terminal.
    if (name && name->getStringRef() == ModuleOp::getOperationName())
      progress.finish();
  }

private:
  Progress progress{"attn-opt: running passes"};
};

} // namespace

/// MLIR's and LLVM's options that --help shows; all are behind --help-hidden.
static constexpr llvm::StringLiteral shownOptions[] = {
    "attn-debug",
    "bash-completion",
    "dump-pass-pipeline",
    "emit-bytecode",
    "help",
    "help-hidden",
    "list-passes",
    "mlir-generate-reproducer",
    "mlir-print-ir-after-all",
    "mlir-print-ir-after-change",
    "mlir-print-ir-tree-dir",
    "mlir-timing",
    "o",
    "pass-pipeline",
    "print-editor-config",
    "remarks-filter",
    "split-input-file",
    "verify-diagnostics",
    "version"};

/// The rooms and the whole ways, as flags; passes are options without a name
/// of their own.
static std::string overview() {
  std::string rooms, ways;
  for (const auto &[name, option] : cl::getRegisteredOptions())
    if (option->ArgStr.empty() && name.starts_with("attn-") &&
        name.ends_with("-pipeline"))
      ways += (" --" + name).str();
  for (Stage stage : allStages)
    if (cl::getRegisteredOptions().contains(("attn-" + stageName(stage)).str()))
      rooms += (" --attn-" + stageName(stage)).str();
  return "attn-mlir: passes on attention\n\nrooms:      " + rooms +
         "\nwhole ways: " + ways +
         "\nother passes: --list-passes; other options: --help-hidden\n";
}

static LogicalResult runPasses(llvm::StringRef input, llvm::StringRef output,
                               DialectRegistry &registry) {
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects()) {
    llvm::interleaveComma(registry.getDialectNames(), llvm::outs());
    llvm::outs() << "\n";
    return success();
  }
  if (config.shouldListPasses()) {
    printRegisteredPasses();
    return success();
  }
  MlirOptMainConfig watched = config;
  llvm::MemoryBuffer *source = nullptr;
  watched.setPassPipelineSetupFn([&](PassManager &pm) {
    // It has been parsed. What a message still quotes of it is mapped again.
    releasePages(*source);
    pm.addInstrumentation(std::make_unique<ProgressOfPasses>());
    return config.setupPassPipeline(pm);
  });
  if (input == "-" && llvm::sys::Process::StandardInIsUserInput())
    llvm::errs() << "attn-opt: reading stdin, end it with ctrl-d\n";
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> buffer = openInputFile(input, &message);
  std::unique_ptr<llvm::ToolOutputFile> file =
      buffer ? openOutputFile(output, &message) : nullptr;
  if (!file) {
    llvm::errs() << "error: " << message << "\n";
    return failure();
  }
  source = buffer.get();
  if (failed(MlirOptMain(file->os(), std::move(buffer), registry, watched)))
    return failure();
  file->keep();
  return success();
}

/// The language server that was installed with this program.
static std::string serverBeside(const char *program) {
  static int anchor;
  llvm::SmallString<128> path(
      llvm::sys::fs::getMainExecutable(program, &anchor));
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "attn-lsp-server");
  return std::string(path);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  attn::registerAllPasses();
  DialectRegistry registry;
  attn::registerAllDialects(registry);
  Options options;
  registerCLIOptions("attn-opt", registry);
  showOnly(shownOptions);
  auto [input, output] = parseCLIOptions(argc, argv, overview());
  if (options.editorConfig.getNumOccurrences()) {
    if (llvm::Error error = printEditorConfig(
            llvm::outs(), options.editorConfig, serverBeside(argv[0])))
      return reportError(std::move(error));
    return 0;
  }
  return asMainReturnCode(runPasses(input, output, registry));
}
