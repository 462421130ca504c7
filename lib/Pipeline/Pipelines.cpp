//===- Pipelines.cpp - Whole ways through the rooms -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The only place that knows the order of the rooms; the reason stands beside
// the line.
//
//===----------------------------------------------------------------------===//

#include "attn/Pipeline/Pipelines.h"
#include "attn/CPU/Passes.h"
#include "attn/Fuse/Passes.h"
#include "attn/Linalg/Passes.h"
#include "attn/NVVM/Passes.h"
#include "attn/Optimize/Passes.h"
#include "attn/Pipeline/Passes.h"
#include "attn/Raise/Passes.h"
#include "attn/SplitHeads/Passes.h"
#include "attn/Tile/Passes.h"

#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace attn {
namespace {

/// Hands the module to a callback between two rooms.
class StageHookPass
    : public PassWrapper<StageHookPass, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(StageHookPass)

  StageHookPass(Stage stage, std::function<void(Stage, ModuleOp)> hook)
      : stage(stage), hook(std::move(hook)) {}

  void runOnOperation() override {
    hook(stage, getOperation());
    markAllAnalysesPreserved();
  }

private:
  Stage stage;
  std::function<void(Stage, ModuleOp)> hook;
};

/// The door behind each room.
class StageGate {
public:
  StageGate(OpPassManager &pm, const PipelineOptions &options)
      : pm(pm), options(options) {}

  /// Checks the room's promises and shows the module; true when this is the
  /// last room.
  bool leave(Stage stage) {
    if (options.onStage)
      pm.addPass(std::make_unique<StageHookPass>(stage, options.onStage));
    pm.addPass(createVerifyStagePass({stageName(stage).str()}));
    return options.stopAfter == stage;
  }

private:
  OpPassManager &pm;
  const PipelineOptions &options;
};

struct PipelineFlags : PassPipelineOptions<PipelineFlags> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("cpu:<name>, linalg:<name> or nvvm:<chip>; if not given, "
                     "x86-64-v3 or sm_90a")};
  Option<std::string> stopAfter{*this, "stop-after",
                                llvm::cl::desc("The last room to enter")};
  ListOption<std::string> without{
      *this, "without",
      llvm::cl::desc("Passes of Optimize and SplitHeads to leave out")};
};

/// Reads the flags of a pipeline for targets of this kind. Text of a pipeline
/// must mean the same everywhere, so the name of a machine is wanted and `cpu`
/// alone is not enough.
llvm::Expected<PipelineOptions> readFlags(StringRef kind,
                                          const PipelineFlags &flags) {
  auto error = [](const Twine &message) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
  };
  std::string text = flags.target;
  if (text.empty())
    text = (kind + (kind == "nvvm" ? ":sm_90a" : ":x86-64-v3")).str();
  llvm::Expected<TargetInfo> target = TargetInfo::parse(text);
  if (!target)
    return target.takeError();
  if (!target->isResolved() || !StringRef(text).starts_with(kind))
    return error("target '" + text + "': expected " + kind + ":<name>");
  PipelineOptions options;
  options.target = *target;
  SmallVector<StringRef> words(optimizePassWords());
  llvm::append_range(words, splitHeadsPassWords());
  for (const std::string &word : flags.without) {
    if (!llvm::is_contained(words, word))
      return error("without '" + word + "': expected one of these:\n" +
                   llvm::join(words, ", "));
    options.withoutOptimize.push_back(word);
  }
  if (flags.stopAfter.empty())
    return options;
  options.stopAfter = parseStage(flags.stopAfter);
  if (!options.stopAfter)
    return error("unknown stage '" + flags.stopAfter + "': expected one of " +
                 stageNames());
  return options;
}

void registerPipeline(StringRef kind, StringRef description) {
  auto build =
      [kind](
          OpPassManager &pm, StringRef text,
          function_ref<LogicalResult(const Twine &)> report) -> LogicalResult {
    PipelineFlags flags;
    if (failed(flags.parseFromString(text)))
      return failure();
    llvm::Expected<PipelineOptions> options = readFlags(kind, flags);
    if (!options)
      return report(llvm::toString(options.takeError()));
    buildPipeline(pm, *options);
    return success();
  };
  registerPassPipeline(
      ("attn-" + kind + "-pipeline").str(), description, build,
      [](function_ref<void(const mlir::detail::PassOptions &)> handle) {
        handle(PipelineFlags());
      });
}

} // namespace

void buildPipeline(OpPassManager &pm, const PipelineOptions &options) {
  StageGate gate(pm, options);
  // What no entry reaches is not worth compiling.
  pm.addPass(createSymbolDCEPass());
  if (gate.leave(Stage::Input))
    return;
  // Graphs are read as they come: any rewrite before makes more forms of them.
  buildRaisePipeline(pm, options.raise);
  if (gate.leave(Stage::Raise))
    return;
  // While blocks are whole: afterwards a head is a stripe of four products.
  buildOptimizePipeline(pm, options.withoutOptimize);
  if (gate.leave(Stage::Optimize))
    return;
  buildSplitHeadsPipeline(pm, options.withoutOptimize);
  if (gate.leave(Stage::SplitHeads))
    return;
  // The plan needs the shapes of the problem and the rule as code, and every
  // later room reads it.
  buildFusePipeline(pm, options.target.str());
  if (gate.leave(Stage::Fuse))
    return;
  // On tensors, before bufferization: a task's slices are values, not aliases.
  buildTilePipeline(pm);
  if (gate.leave(Stage::Tile))
    return;
  buildLinalgPipeline(pm);
  if (gate.leave(Stage::Linalg))
    return;
  if (options.target.kind == TargetKind::NVVM) {
    buildNVVMPipeline(pm, options.target);
    gate.leave(Stage::NVVM);
    return;
  }
  if (options.target.kind == TargetKind::NVVMEmulation) {
    // Called like any entry of this machine; only the kernels are those of a
    // GPU.
    buildCPUEntryPipeline(pm);
    buildNVVMKernelPipeline(pm, options.target);
    if (gate.leave(Stage::NVVM))
      return;
    pm.addPass(createNVVMToEmulationPass());
    buildCPUHostPipeline(pm);
    gate.leave(Stage::CPU);
    return;
  }
  buildCPUPipeline(pm, options.target);
  gate.leave(Stage::CPU);
}

void registerPipelines() {
  registerPipeline(
      "cpu", "Compile attention to fused CPU kernels in the LLVM dialect");
  registerPipeline(
      "linalg", "Compile attention through linalg alone to the LLVM dialect");
  registerPipeline("nvvm", "Compile attention to tensor-core kernels and the "
                           "calls that launch them");
}

} // namespace attn
