//===- EmitGpu.cpp - Kinds for NVIDIA GPUs --------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emit.h"

#include "attn/Execute/Bundle.h"
#include "attn/Execute/Host.h"

using namespace llvm;

namespace attn {
namespace {

/// Lowers the entry to kernels and launches; gives its name.
Expected<std::string> lowerToKernels(EmitInput &input) {
  Expected<TargetInfo> target = TargetInfo::parse(input.target);
  if (!target)
    return target.takeError();
  if (target->kind != TargetKind::NVVM)
    return createStringError(
        "target '" + input.target +
        "': --emit=ptx, cubin and bundle expect nvvm:<chip>");
  if (!input.name.empty())
    return createStringError("--name=" + input.name +
                             ": kernels have the name of the entry");
  input.pipeline.target = *target;
  return lowerAlone(input);
}

/// The kernels of an entry, if they are one module.
Expected<Ptx> compileToPtx(EmitInput &input) {
  if (Error error = lowerToKernels(input).takeError())
    return std::move(error);
  auto modules = input.module.getOps<mlir::gpu::GPUModuleOp>();
  size_t count = llvm::range_size(modules);
  if (count == 0)
    return createStringError("no op of the entry became a GPU kernel");
  if (count > 1)
    return createStringError(
        "the entry has " + Twine(count) +
        " modules of kernels: expected --emit=bundle, which "
        "holds them all");
  return emitPtx(*modules.begin());
}

} // namespace

Expected<Emitted> emitPtxText(EmitInput &input) {
  Expected<Ptx> ptx = compileToPtx(input);
  if (!ptx)
    return ptx.takeError();
  return Emitted{std::move(ptx->text), ""};
}

Expected<Emitted> emitCubin(EmitInput &input) {
  Expected<Ptx> ptx = compileToPtx(input);
  if (!ptx)
    return ptx.takeError();
  Expected<std::string> ptxas = findPtxas();
  if (!ptxas)
    return ptxas.takeError();
  Expected<Cubin> cubin = assemble(*ptx, *ptxas);
  if (!cubin)
    return cubin.takeError();
  if (Error error = checkShippable(cubin->report))
    return std::move(error);
  return Emitted{std::move(cubin->bytes), ""};
}

Expected<Emitted> emitBundle(EmitInput &input) {
  Expected<std::string> entry = lowerToKernels(input);
  if (!entry)
    return entry.takeError();
  Expected<std::string> ptxas = findPtxas();
  if (!ptxas)
    return ptxas.takeError();
  Expected<std::string> bytes = makeBundle(input.module, *entry, *ptxas);
  if (!bytes)
    return bytes.takeError();
  return Emitted{std::move(*bytes), ""};
}

} // namespace attn
