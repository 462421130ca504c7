//===- Ptx.cpp - From a kernel module to PTX text -------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the kernels promise ptxas (fences, tied accumulators, the order of
// waits) lives in inline assembly and intrinsics, which LLVM's standard passes
// keep in order.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Ptx.h"
#include "lib/Execute/DiagnosticText.h"

#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <mutex>

using namespace llvm;
using mlir::failed;
namespace gpu = mlir::gpu;
namespace NVVM = mlir::NVVM;

namespace attn {
namespace {

constexpr unsigned oldestArchitecture = 80;

const Target &nvptx() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  std::string message;
  const Target *target =
      TargetRegistry::lookupTarget(Triple("nvptx64-nvidia-cuda"), message);
  assert(target && "LLVM was built without NVPTX");
  return *target;
}

Expected<NVVM::NVVMTargetAttr> targetOf(gpu::GPUModuleOp module) {
  mlir::ArrayAttr targets = module.getTargetsAttr();
  if (targets && targets.size() == 1)
    if (auto target = dyn_cast<NVVM::NVVMTargetAttr>(targets[0]))
      return target;
  return createStringError("gpu.module @" + module.getName() +
                           ": expected one #nvvm.target");
}

/// Leaves only what can be translated: the nvvm ops that stand for PTX text
/// become inline assembly.
llvm::Error prepare(mlir::ModuleOp holder) {
  mlir::PassManager pm(holder.getContext(), mlir::ModuleOp::getOperationName());
  pm.addPass(mlir::createConvertNVVMToLLVMPass());
  mlir::OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(mlir::createReconcileUnrealizedCastsPass());
  kernels.addPass(mlir::createCanonicalizerPass());
  kernels.addPass(mlir::createCSEPass());
  DiagnosticText diagnostics(holder.getContext());
  if (failed(pm.run(holder)))
    return diagnostics.take("the kernels cannot be converted to LLVM");
  return llvm::Error::success();
}

void optimizeKernels(llvm::Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3)
      .run(module, modules);
}

llvm::Error checkNoUnresolvedCalls(const llvm::Module &module, StringRef name) {
  for (const Function &function : module)
    if (function.isDeclaration() && !function.isIntrinsic() &&
        !function.use_empty())
      return createStringError(
          "gpu.module @" + name + ": '" + function.getName() +
          "' is called and has no body; kernels are not linked");
  return llvm::Error::success();
}

Expected<std::string> printAssembly(llvm::Module &module,
                                    TargetMachine &machine) {
  SmallString<0> text;
  raw_svector_ostream os(text);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr,
                                  CodeGenFileType::AssemblyFile))
    return createStringError("LLVM's NVPTX backend writes no text");
  passes.run(module);
  return std::string(text);
}

} // namespace

llvm::Error checkChip(StringRef chip) {
  std::unique_ptr<MCSubtargetInfo> info(
      nvptx().createMCSubtargetInfo(Triple("nvptx64-nvidia-cuda"), "", ""));
  StringRef digits = chip;
  unsigned number = 0;
  if (!digits.consume_front("sm_") || digits.consumeInteger(10, number) ||
      !info->isCPUStringValid(chip))
    return createStringError(
        "unknown GPU architecture '" + chip +
        "': expected sm_80, sm_90a or another that LLVM names");
  if (number < oldestArchitecture)
    return createStringError("GPU architecture '" + chip +
                             "' is too old: expected sm_80 or newer");
  return llvm::Error::success();
}

Expected<Ptx> emitPtx(gpu::GPUModuleOp module) {
  Expected<NVVM::NVVMTargetAttr> target = targetOf(module);
  if (!target)
    return target.takeError();
  if (llvm::Error error = checkChip(target->getChip()))
    return std::move(error);

  mlir::MLIRContext *context = module.getContext();
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::registerNVVMDialectTranslation(registry);
  mlir::registerGPUDialectTranslation(registry);
  mlir::registerConvertNVVMToLLVMInterface(registry);
  context->appendDialectRegistry(registry);

  mlir::OwningOpRef<mlir::ModuleOp> holder(
      mlir::ModuleOp::create(module.getLoc()));
  holder->push_back(module->clone());
  if (llvm::Error error = prepare(*holder))
    return std::move(error);

  DiagnosticText diagnostics(context);
  LLVMContext llvmContext;
  auto kernels = cast<gpu::GPUModuleOp>(holder->getBody()->front());
  std::unique_ptr<llvm::Module> llvmModule =
      translateModuleToLLVMIR(kernels, llvmContext, module.getName());
  if (!llvmModule)
    return diagnostics.take("gpu.module @" + module.getName() +
                            " cannot be translated to LLVM IR");
  if (llvm::Error error = checkNoUnresolvedCalls(*llvmModule, module.getName()))
    return std::move(error);
  // Without a ptx feature LLVM takes the oldest PTX that knows the chip.
  std::unique_ptr<TargetMachine> machine(nvptx().createTargetMachine(
      Triple(target->getTriple()), target->getChip(), target->getFeatures(),
      TargetOptions(), std::nullopt, std::nullopt,
      CodeGenOptLevel::Aggressive));
  llvmModule->setTargetTriple(machine->getTargetTriple());
  llvmModule->setDataLayout(machine->createDataLayout());
  optimizeKernels(*llvmModule, *machine);
  Expected<std::string> text = printAssembly(*llvmModule, *machine);
  if (!text)
    return text.takeError();
  return Ptx{module.getName().str(), target->getChip().str(), std::move(*text)};
}

} // namespace attn
