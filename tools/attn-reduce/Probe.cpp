//===- Probe.cpp - One try, in a process of its own -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Probe.h"
#include "Plant.h"
#include "Sizes.h"

#include "attn/Data/Spec.h"
#include "attn/Execute/Compiler.h"
#include "attn/Execute/Host.h"
#include "tools/attn-run/Check.h"

using namespace llvm;
using namespace attn;

static Expected<std::vector<Tensor>> readInputs(mlir::func::FuncOp entry) {
  std::vector<Tensor> inputs;
  data::FileCache files;
  for (unsigned i = 0; i < entry.getNumArguments(); ++i) {
    auto input = entry.getArgAttrOfType<mlir::StringAttr>(i, inputAttrName);
    if (!input)
      return createStringError("argument #" + Twine(i) + " has no input");
    Expected<Tensor> tensor = data::makeTensor(input, files);
    if (!tensor)
      return tensor.takeError();
    inputs.push_back(std::move(*tensor));
  }
  return inputs;
}

static SmallVector<TensorView> viewsOf(ArrayRef<Tensor> tensors) {
  return to_vector(
      map_range(tensors, [](const Tensor &tensor) { return tensor.view(); }));
}

Expected<int> attn::probe(const ProbeOptions &options) {
  Compiler compiler;
  Expected<TargetInfo> target = resolveTarget(options.target);
  if (!target)
    return target.takeError();
  Expected<Compiler::Module> module = compiler.parseFile(options.file);
  if (!module)
    return module.takeError();
  Expected<mlir::func::FuncOp> entry = findEntry(**module, options.entry);
  if (!entry)
    return entry.takeError();
  Expected<std::vector<Tensor>> inputs = readInputs(*entry);
  if (!inputs)
    return inputs.takeError();
  PipelineOptions pipeline;
  pipeline.target = *target;
  pipeline.onStage = [](Stage stage, mlir::ModuleOp) {
    outs() << stageName(stage) << "\n";
    outs().flush();
  };
  auto run = [&](mlir::ModuleOp compiled, StringRef name,
                 ArrayRef<Tensor> arguments) -> Expected<std::vector<Tensor>> {
    plantFault(compiled, options.fault);
    Expected<std::unique_ptr<Executable>> executable =
        compiler.compile(compiled, name, pipeline);
    if (!executable)
      return executable.takeError();
    return (*executable)->call(viewsOf(arguments));
  };
  Compiler::Module copy = (*module).get().clone();
  Expected<std::vector<Tensor>> outputs = run(*copy, entry->getName(), *inputs);
  if (!outputs)
    return outputs.takeError();
  if (!options.judge)
    return 0;
  Expected<CheckReport> report =
      checkEntry(*entry, *inputs, *outputs, run, narrowWeightsOf(*target));
  if (!report)
    return report.takeError();
  return report->judged.empty() || report->passed() ? 0 : numbersOff;
}
