//===- CPU.cpp - The order of the CPU room --------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The only place that knows the order; the reason stands beside the line.
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace attn;

static void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

/// One function per entry, with the entry ABI, still on tensors inside.
static void addEntryPasses(OpPassManager &pm, const TargetInfo &target) {
  pm.addPass(createInlinerPass({}, [](OpPassManager &) {}));
  pm.addPass(createSymbolDCEPass());
  addCleanup(pm);
  // Before anything asks whether a body is pure.
  pm.addNestedPass<func::FuncOp>(createCPUAssertsPass());
  // Before elementwise fusion, which would hide the bias. The second opinion
  // shares no kernel with the first.
  if (target.kind == TargetKind::CPU) {
    CPUPackWeightsPassOptions pack;
    pack.lanes = target.f32Lanes;
    pm.addNestedPass<func::FuncOp>(createCPUPackWeightsPass(pack));
    addCleanup(pm);
  }
  // Sizes in terms of the arguments' sizes: the workspace is computed of them.
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  addCleanup(pm);
  pm.addPass(createCPUHoistWeightsPass());
  addCleanup(pm);
  pm.addPass(createCPUEntryABIPass());
  addCleanup(pm);
}

/// Tensors to buffers: results are computed in the caller's memory.
static void addBufferizationPasses(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createCPUFuseElementwisePass());
  addCleanup(pm);
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  addCleanup(pm);
}

/// Parallel loops to tasks. Products are cut first; kernels are emitted once
/// per different task, so after outlining.
static void addTaskPasses(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createCPUParallelizePass());
  pm.addPass(createCPUTileMatmulPass());
  // Before outlining: what a task captures then has its place.
  addCleanup(pm);
  pm.addPass(createCPUWorkspacePass());
  pm.addPass(createCPUOutlineTasksPass());
  addCleanup(pm);
}

/// bf16 is computed in f32 and rounded by integer arithmetic: what the machine
/// lacks would become calls of functions that Debian 12's libgcc does not have.
static void addBF16Passes(OpPassManager &pm) {
  pm.addPass(math::createMathExtendToSupportedTypes());
  arith::ArithEmulateUnsupportedFloatsOptions narrow;
  narrow.sourceTypeStrs = {"bf16"};
  narrow.targetTypeStr = "f32";
  pm.addPass(arith::createArithEmulateUnsupportedFloats(narrow));
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  pm.addPass(arith::createArithExpandOpsPass(expand));
  pm.addPass(createCPUBF16BitsPass());
}

static void addLLVMPasses(OpPassManager &pm) {
  pm.addPass(createConvertVectorToSCFPass(
      VectorTransferToSCFOptions().enableFullUnroll()));
  addCleanup(pm);
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createCPUResolveExpandShapePass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  ConvertVectorToLLVMPassOptions vectors;
  vectors.vectorTransposeLowering =
      vector::VectorTransposeLowering::Shuffle16x16;
  pm.addPass(createConvertVectorToLLVMPass(vectors));
  pm.addPass(createCPUToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  addCleanup(pm);
}

void attn::buildCPUPipeline(OpPassManager &pm, const TargetInfo &target) {
  addEntryPasses(pm, target);
  addBufferizationPasses(pm);
  addTaskPasses(pm);
  CPUKernelsPassOptions kernels;
  kernels.lanes = target.f32Lanes;
  kernels.bf16Products = target.hasBF16Products();
  pm.addPass(createCPUKernelsPass(kernels));
  addCleanup(pm);
  pm.addPass(createCPULoopsPass());
  pm.addPass(createCPUMathPass());
  addBF16Passes(pm);
  addLLVMPasses(pm);
}

void attn::buildCPUEntryPipeline(OpPassManager &pm) {
  pm.addPass(createInlinerPass({}, [](OpPassManager &) {}));
  pm.addPass(createSymbolDCEPass());
  pm.addPass(createCSEPass());
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  pm.addPass(createCPUEntryABIPass());
  // Results are computed in the caller's memory.
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
}

void attn::buildCPUHostPipeline(OpPassManager &pm) {
  pm.addPass(createCPUWorkspacePass());
  addCleanup(pm);
  addLLVMPasses(pm);
}

namespace {
struct CPUPipelineOptions : PassPipelineOptions<CPUPipelineOptions> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("cpu:<name or level>; attn-opt does not look at the "
                     "machine"),
      llvm::cl::init("cpu:x86-64-v3")};
};
} // namespace

void attn::registerCPUPipelines() {
  // By hand instead of PassPipelineRegistration, which cannot decline.
  auto build =
      [](OpPassManager &pm, StringRef text,
         function_ref<LogicalResult(const Twine &)> report) -> LogicalResult {
    CPUPipelineOptions options;
    if (failed(options.parseFromString(text)))
      return failure();
    llvm::Expected<TargetInfo> target = TargetInfo::parse(options.target);
    if (!target)
      return report(llvm::toString(target.takeError()));
    if (!target->isResolved())
      return report("target '" + Twine(options.target) +
                    "': expected cpu:<name> or linalg:<name>");
    buildCPUPipeline(pm, *target);
    return success();
  };
  registerPassPipeline(
      "attn-cpu", "The CPU room: from tensors to the LLVM dialect", build,
      [](function_ref<void(const mlir::detail::PassOptions &)> handle) {
        handle(CPUPipelineOptions());
      });
}
