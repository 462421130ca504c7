//===- EmitMlir.cpp - Modules on their way --------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emit.h"

#include "attn/Execute/AheadOfTime.h"
#include "attn/Execute/Host.h"
#include "attn/Pipeline/StageWatcher.h"

using namespace llvm;

namespace attn {

/// One target; of `cpu:a+b` there is no single module.
static Expected<TargetInfo> resolveOne(StringRef text) {
  if (!text.starts_with("cpu") && !text.starts_with("linalg"))
    return resolveTarget(text);
  Expected<std::vector<TargetInfo>> levels = resolveLevels(text);
  if (!levels)
    return levels.takeError();
  if (levels->size() > 1)
    return createStringError(inconvertibleErrorCode(),
                             "target '" + text +
                                 "': expected one CPU to see modules, but "
                                 "found " +
                                 Twine(levels->size()));
  return levels->front();
}

Expected<std::string> lowerAlone(EmitInput &input) {
  Expected<mlir::func::FuncOp> entry = findEntry(input.module, input.entry);
  if (!entry)
    return entry.takeError();
  std::string name = entry->getName().str();
  isolateEntry(input.module, *entry);
  if (Error error = input.compiler.lower(input.module, input.pipeline))
    return std::move(error);
  return name;
}

Expected<Emitted> emitMlir(EmitInput &input) {
  Expected<TargetInfo> target = resolveOne(input.target);
  if (!target)
    return target.takeError();
  input.pipeline.target = *target;
  if (Error error = lowerAlone(input).takeError())
    return std::move(error);
  Emitted emitted;
  raw_string_ostream os(emitted.bytes);
  printModule(os, input.module);
  return emitted;
}

} // namespace attn
