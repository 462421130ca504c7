//===- NVVM.cpp - The order of the NVVM room ------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The only place that knows the order; the reason stands beside the line.
//
//===----------------------------------------------------------------------===//

#include "attn/NVVM/Passes.h"

#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace attn;

void attn::buildNVVMPipeline(OpPassManager &pm, const TargetInfo &target) {
  pm.addPass(createInlinerPass({}, [](OpPassManager &) {}));
  pm.addPass(createSymbolDCEPass());
  pm.addPass(createCSEPass());
  buildNVVMKernelPipeline(pm, target);
}

void attn::buildNVVMKernelPipeline(OpPassManager &pm,
                                   const TargetInfo &target) {
  // No canonicalization before the kernels are made: it would fold the loop
  // around a single task away, and the loop is the launch.
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  // What a task computes of sizes alone, the host can.
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createCSEPass());
  NVVMKernelsPassOptions kernels;
  kernels.chip = target.cpu;
  kernels.features = target.features;
  pm.addPass(createNVVMKernelsPass(kernels));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createNVVMLowerFragmentsPass());
  pm.addPass(createNVVMToLLVMPass());
  // Addresses were computed where they were used.
  pm.addNestedPass<gpu::GPUModuleOp>(createCanonicalizerPass());
  pm.addNestedPass<gpu::GPUModuleOp>(createCSEPass());
}

namespace {
struct NVVMPipelineOptions : PassPipelineOptions<NVVMPipelineOptions> {
  Option<std::string> target{
      *this, "target", llvm::cl::desc("nvvm:<chip> or nvvm-emulation:<chip>"),
      llvm::cl::init("nvvm:sm_90a")};
};
} // namespace

void attn::registerNVVMPipelines() {
  // By hand instead of PassPipelineRegistration, which cannot decline.
  auto build =
      [](OpPassManager &pm, StringRef text,
         function_ref<LogicalResult(const Twine &)> report) -> LogicalResult {
    NVVMPipelineOptions options;
    if (failed(options.parseFromString(text)))
      return failure();
    llvm::Expected<TargetInfo> target = TargetInfo::parse(options.target);
    if (!target)
      return report(llvm::toString(target.takeError()));
    if (!target->isNVVM() || !target->isResolved())
      return report("target '" + Twine(options.target) +
                    "': expected nvvm:<chip> or nvvm-emulation:<chip>");
    buildNVVMPipeline(pm, *target);
    return success();
  };
  registerPassPipeline(
      "attn-nvvm", "The NVVM room: from tensors to kernels and their launches",
      build, [](function_ref<void(const mlir::detail::PassOptions &)> handle) {
        handle(NVVMPipelineOptions());
      });
}
