//===- Pipeline.cpp - The room Fuse as one pipeline -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of the room's passes.
//
//===----------------------------------------------------------------------===//

#include "attn/Fuse/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace attn;

void attn::buildFusePipeline(OpPassManager &pm, StringRef target) {
  OpPassManager &functions = pm.nest<func::FuncOp>();
  functions.addPass(createFuseVariantsPass());
  FusePlanPassOptions options;
  options.target = target.str();
  functions.addPass(createFusePlanPass(options));
}

namespace {
struct FuseOptions : PassPipelineOptions<FuseOptions> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("Target to plan for: linalg or cpu:<name>"),
      llvm::cl::init("cpu:x86-64-v3")};
};
} // namespace

void attn::registerFusePipeline() {
  PassPipelineRegistration<FuseOptions>(
      "attn-fuse",
      "Expand the variants of each attn.sdpa and choose how it is computed",
      [](OpPassManager &pm, const FuseOptions &options) {
        buildFusePipeline(pm, options.target);
      });
}
