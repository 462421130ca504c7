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

Error readTarget(EmitInput &input) {
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
  return Error::success();
}

/// The entry with its kernels assembled, or their PTX if that may be all.
Expected<GpuCode> compile(EmitInput &input, bool needsPtxas = true) {
  if (Error error = readTarget(input))
    return std::move(error);
  Expected<std::string> ptxas = findPtxas();
  if (!ptxas) {
    if (needsPtxas)
      return ptxas.takeError();
    input.compiler.warn(input.module->getLoc(),
                        "nobody says whether the kernels fit in registers: " +
                            toString(ptxas.takeError()));
    ptxas = std::string();
  }
  return compileForGpu(input.compiler, input.module, input.entry,
                       input.pipeline, *ptxas);
}

/// The one image of an entry.
Expected<GpuImage> onlyImage(Expected<GpuCode> code) {
  if (!code)
    return code.takeError();
  if (code->images.empty())
    return createStringError("no op of the entry became a GPU kernel");
  if (code->images.size() > 1)
    return createStringError(
        "the entry has " + Twine(code->images.size()) +
        " modules of kernels: expected --emit=bundle, which "
        "holds them all");
  return std::move(code->images.front());
}

} // namespace

Expected<Emitted> emitPtxText(EmitInput &input) {
  Expected<GpuImage> image = onlyImage(compile(input, /*needsPtxas=*/false));
  if (!image)
    return image.takeError();
  return Emitted{std::move(image->ptx.text), ""};
}

Expected<Emitted> emitCubin(EmitInput &input) {
  Expected<GpuImage> image = onlyImage(compile(input));
  if (!image)
    return image.takeError();
  return Emitted{std::move(image->cubin.bytes), ""};
}

Expected<Emitted> emitBundle(EmitInput &input) {
  Expected<GpuCode> code = compile(input);
  if (!code)
    return code.takeError();
  Expected<std::string> bytes = makeBundle(*code);
  if (!bytes)
    return bytes.takeError();
  return Emitted{std::move(*bytes), ""};
}

} // namespace attn
