//===- Module.cpp - Modules across the C interface ------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A module and the context that it lives in.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Compiler.h"
#include "attn/Execute/Host.h"
#include "attn/Pipeline/Register.h"
#include "attn/Pipeline/StageWatcher.h"
#include "lib/CAPI/Error.h"

#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

#include <mutex>

using namespace llvm;
using namespace attn;

struct attn_module {
  Compiler compiler;
  Compiler::Module module;
};

/// Pipelines name passes in a table of the process.
static void registerPassesOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    registerRoomPasses();
    mlir::registerTransformsPasses();
  });
}

attn_error *attn_module_parse(const char *text, size_t length, const char *name,
                              attn_module **module) {
  auto made = std::make_unique<attn_module>();
  Expected<Compiler::Module> parsed =
      made->compiler.parseText(StringRef(text, length), name ? name : "<text>");
  if (!parsed)
    return toC(parsed.takeError());
  made->module = std::move(*parsed);
  *module = made.release();
  return nullptr;
}

void attn_module_destroy(attn_module *module) { delete module; }

attn_error *attn_module_run(attn_module *module, const char *pipeline) {
  registerPassesOnce();
  return toC(module->compiler.runPasses(*module->module, pipeline));
}

attn_error *attn_module_lower(attn_module *module, const char *target,
                              const char *stopAfter) {
  PipelineOptions options;
  Expected<TargetInfo> info = resolveTarget(target ? target : "cpu");
  if (!info)
    return toC(info.takeError());
  options.target = *info;
  if (stopAfter) {
    options.stopAfter = parseStage(stopAfter);
    if (!options.stopAfter)
      return errorToC("unknown room '" + Twine(stopAfter) +
                      "': expected one of " + stageNames());
  }
  return toC(module->compiler.lower(*module->module, options));
}

attn_error *attn_module_explain(attn_module *module, const char *target,
                                char **text) {
  PipelineOptions options;
  Expected<TargetInfo> info = resolveTarget(target ? target : "cpu");
  if (!info)
    return toC(info.takeError());
  options.target = *info;
  StageWatcher watcher("");
  watcher.collectRemarks(module->compiler.context());
  options.onStage = [&](Stage stage, mlir::ModuleOp at) {
    watcher.leave(stage, at);
  };
  watcher.start();
  if (Error error = module->compiler.lower(*module->module, options))
    return toC(std::move(error));
  std::string explained;
  raw_string_ostream os(explained);
  watcher.explain(os, options.target);
  *text = textToC(explained);
  return nullptr;
}

attn_error *attn_target_describe(const char *target, char **text) {
  Expected<TargetInfo> info = resolveTarget(target ? target : "cpu");
  if (!info)
    return toC(info.takeError());
  *text = textToC(info->str() + " (" + std::to_string(info->f32Lanes) +
                  " lanes of f32, " + std::to_string(info->vectorRegisters) +
                  " vector registers)");
  return nullptr;
}

char *attn_rooms(void) { return textToC(stageNames()); }

char *attn_module_print(const attn_module *module) {
  std::string text;
  raw_string_ostream os(text);
  const_cast<Compiler::Module &>(module->module)
      ->print(os, mlir::OpPrintingFlags().printNameLocAsPrefix());
  os << "\n";
  return textToC(text);
}
