//===- GpuCode.cpp - Kernels that fit in registers ------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Only ptxas knows how many registers a rule takes. The plans are written into
// the ops, so that a smaller one is a change of an attribute.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/GpuCode.h"
#include "attn/Analysis/PlanChoice.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace llvm;
using namespace mlir;

namespace attn {
namespace {

FileLineColLoc placeOf(Location location) {
  return location->findInstanceOf<FileLineColLoc>();
}

/// Why a kernel should not ship, and what ptxas says of it; empty where it may.
struct Complaint {
  std::string why, detail;
};

Complaint complaintOf(const KernelResources &kernel,
                      const PtxasReport &report) {
  if (kernel.spillStoreBytes || kernel.spillLoadBytes)
    return {("spills " + Twine(kernel.spillStoreBytes) + " bytes in " +
             Twine(kernel.registers) + " registers")
                .str(),
            ""};
  auto names = [](StringRef message, const KernelResources &of) {
    return message.contains("'" + of.name + "'");
  };
  for (StringRef message : report.slowdowns) {
    bool namesOther = any_of(report.kernels, [&](const KernelResources &other) {
      return names(message, other);
    });
    if (names(message, kernel) || !namesOther)
      return {"would be slowed down by ptxas", ("\n" + message).str()};
  }
  return {};
}

std::string tileOf(PlanAttr plan) {
  return (Twine(plan.getQueryGroup()) + " x " + Twine(plan.getKeyBlock()))
      .str();
}

class GpuCompilation {
public:
  GpuCompilation(Compiler &compiler, ModuleOp module, StringRef entry,
                 const PipelineOptions &options, StringRef ptxas)
      : compiler(compiler), source(module.clone()), entry(entry.str()),
        options(options), ptxas(ptxas) {}

  Expected<GpuCode> run();

private:
  Expected<GpuCode> compileOnce();
  llvm::Error writePlans();
  /// True when a plan was changed, and it is worth trying again.
  Expected<bool> takeSmallerTiles(GpuCode &code);
  Expected<bool> takeSmallerTile(LLVM::LLVMFuncOp kernel,
                                 const Complaint &complaint);

  Compiler &compiler;
  Compiler::Module source;
  std::string entry;
  PipelineOptions options;
  StringRef ptxas;
  bool hasPlans = false;
};

Expected<GpuCode> GpuCompilation::compileOnce() {
  GpuCode code;
  code.module = Compiler::Module(source->clone());
  Expected<LoweredEntry> lowered =
      compiler.lowerEntry(*code.module, entry, options);
  if (!lowered)
    return lowered.takeError();
  code.signature = std::move(lowered->signature);
  for (auto kernels : code.module->getOps<gpu::GPUModuleOp>()) {
    Expected<Ptx> ptx = emitPtx(kernels);
    if (!ptx)
      return ptx.takeError();
    if (ptxas.empty()) {
      code.images.push_back({std::move(*ptx), Cubin()});
      continue;
    }
    Expected<Cubin> cubin = assemble(*ptx, ptxas);
    if (!cubin)
      return cubin.takeError();
    code.images.push_back({std::move(*ptx), std::move(*cubin)});
  }
  return std::move(code);
}

/// From now on the ops say their plans.
llvm::Error GpuCompilation::writePlans() {
  if (std::exchange(hasPlans, true))
    return llvm::Error::success();
  PipelineOptions untilFuse = options;
  untilFuse.stopAfter = Stage::Fuse;
  untilFuse.onStage = nullptr;
  return compiler.lower(*source, untilFuse);
}

Expected<bool> GpuCompilation::takeSmallerTile(LLVM::LLVMFuncOp kernel,
                                               const Complaint &complaint) {
  if (llvm::Error error = writePlans())
    return std::move(error);
  SmallVector<SdpaOp> ops;
  source->walk([&](SdpaOp op) {
    FileLineColLoc place = placeOf(op.getLoc());
    if (op.getPlan()->getRoom() == Room::NVVM && place &&
        place == placeOf(kernel.getLoc()))
      ops.push_back(op);
  });
  for (SdpaOp op : ops) {
    PlanAttr plan = *op.getPlan(), smaller = smallerNVVMPlan(plan);
    compiler.warn(op.getLoc(),
                  "'attn.sdpa' " + complaint.why + " with tiles of " +
                      tileOf(plan) + ": takes " +
                      (smaller ? tileOf(smaller) : "the general way") +
                      complaint.detail);
    op.setPlanAttr(smaller ? smaller : generalPlan(op.getContext()));
  }
  return !ops.empty();
}

Expected<bool> GpuCompilation::takeSmallerTiles(GpuCode &code) {
  bool changed = false;
  for (auto [kernels, image] :
       llvm::zip_equal(code.module->getOps<gpu::GPUModuleOp>(), code.images))
    for (const KernelResources &resources : image.cubin.report.kernels) {
      Complaint complaint = complaintOf(resources, image.cubin.report);
      auto kernel = kernels.lookupSymbol<LLVM::LLVMFuncOp>(resources.name);
      if (complaint.why.empty() || !kernel)
        continue;
      Expected<bool> smaller = takeSmallerTile(kernel, complaint);
      if (!smaller)
        return smaller.takeError();
      changed |= *smaller;
      if (!*smaller)
        compiler.warn(kernel.getLoc(), "kernel '" + kernel.getName() + "' " +
                                           complaint.why + complaint.detail);
    }
  return changed;
}

Expected<GpuCode> GpuCompilation::run() {
  while (true) {
    Expected<GpuCode> code = compileOnce();
    if (!code)
      return code.takeError();
    Expected<bool> again = takeSmallerTiles(*code);
    if (!again)
      return again.takeError();
    if (!*again)
      return code;
  }
}

} // namespace

Expected<GpuCode> compileForGpu(Compiler &compiler, ModuleOp module,
                                StringRef entry, const PipelineOptions &options,
                                StringRef ptxas) {
  return GpuCompilation(compiler, module, entry, options, ptxas).run();
}

} // namespace attn
