//===- attn-emulate.cpp - Run one GPU kernel on the CPU -------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a kernel of a gpu.module for the emulator and launches it on tensors
// that the command line describes. For who writes kernels; attn-run does it for
// who writes attention.
//
//===----------------------------------------------------------------------===//

#include "attn/Data/NpyWriter.h"
#include "attn/Data/Spec.h"
#include "attn/Emulator/Abi.h"
#include "attn/Emulator/Emulator.h"
#include "attn/Execute/Compiler.h"
#include "attn/Execute/Host.h"
#include "attn/NVVM/Passes.h"
#include "tools/attn-emulate/Arguments.h"
#include "tools/shared/Completion.h"
#include "tools/shared/Progress.h"
#include "tools/shared/Report.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

using namespace llvm;
using namespace attn;

namespace {

struct Flags {
  cl::OptionCategory category{"attn-emulate options"};
  cl::opt<std::string> file{cl::Positional, cl::desc("FILE.mlir"),
                            cl::init("-"), cl::cat(category)};
  cl::opt<std::string> kernel{"kernel", cl::desc("The kernel's name"),
                              cl::value_desc("name"), cl::cat(category)};
  cl::list<int> grid{"grid", cl::desc("Blocks in x, y and z"),
                     cl::CommaSeparated, cl::cat(category)};
  cl::list<int> block{"block", cl::desc("Threads of a block in x, y and z"),
                      cl::CommaSeparated, cl::cat(category)};
  cl::list<int> cluster{"cluster", cl::desc("Blocks of a cluster in x, y, z"),
                        cl::CommaSeparated, cl::cat(category)};
  cl::opt<int> shared{"shared", cl::desc("Bytes of dynamic shared memory"),
                      cl::init(0), cl::cat(category)};
  cl::list<std::string> tensors{
      "tensor", cl::desc("A tensor in global memory, as NAME=2x3xf32=iota"),
      cl::value_desc("name=spec"), cl::cat(category)};
  cl::list<std::string> arguments{
      "arg",
      cl::desc("The next argument: NAME (pointer to a tensor), map:NAME:64x128 "
               "(tensor map with that box, innermost first, 128-byte swizzle), "
               "map:NAME:64x128:32 (another swizzle), i32:5, i64:5, f32:0.5"),
      cl::value_desc("what"), cl::cat(category)};
  cl::list<std::string> print{"print", cl::desc("Print a tensor afterwards"),
                              cl::value_desc("name"), cl::cat(category)};
  cl::list<std::string> output{"output", cl::desc("Write a tensor to a file"),
                               cl::value_desc("name=file.npy"),
                               cl::cat(category)};
  cl::opt<std::string> schedule{
      "schedule",
      cl::desc("When asynchronous work happens: eager, late, random"),
      cl::init("eager"), cl::cat(category)};
  cl::opt<uint64_t> seed{"seed",
                         cl::desc("Of the schedule and of the errors of "
                                  "approximate instructions"),
                         cl::init(1), cl::cat(category)};
  cl::opt<int> threads{"threads", cl::desc("Blocks that run at a time"),
                       cl::init(1), cl::cat(category)};
  cl::opt<bool> statistics{"statistics", cl::desc("Print what was counted"),
                           cl::cat(category)};
  CompletionOption completion{
      "attn-emulate", category, {{"schedule", "eager late random"}}};
};

/// Three sizes, of which those that were not given are 1.
Error fillSizes(ArrayRef<int> given, int32_t (&sizes)[3], StringRef flag) {
  std::fill(std::begin(sizes), std::end(sizes), 1);
  if (given.size() > 3)
    return createStringError("--" + flag +
                             ": expected at most 3 sizes, but found " +
                             Twine(given.size()));
  copy(given, sizes);
  return Error::success();
}

/// The kernel among those that the pass left, by its name or because it is the
/// only one.
Expected<mlir::LLVM::LLVMFuncOp> findKernel(mlir::ModuleOp module,
                                            StringRef name) {
  mlir::LLVM::LLVMFuncOp found;
  for (auto function : module.getOps<mlir::LLVM::LLVMFuncOp>()) {
    if (!function->hasAttr(kEmulatedSharedAttr))
      continue;
    if (!name.empty() && function.getName() != name)
      continue;
    if (found)
      return createStringError("the file has several kernels: say --kernel=" +
                               found.getName() + " or another");
    found = function;
  }
  if (!found)
    return createStringError(name.empty()
                                 ? Twine("the file has no kernel")
                                 : "the file has no kernel '" + name + "'");
  return found;
}

/// Compiles the kernel; sets what the launch must know of it.
Expected<std::unique_ptr<Jit>>
compileKernel(Compiler &compiler, mlir::ModuleOp module, std::string &name,
              attn_emu_launch_config &config, KernelArguments &arguments) {
  mlir::PassManager pm(&compiler.context());
  pm.addPass(createNVVMToEmulationPass());
  if (mlir::failed(pm.run(module)))
    return createStringError("the kernel cannot be emulated");
  Expected<mlir::LLVM::LLVMFuncOp> kernel = findKernel(module, name);
  if (!kernel)
    return kernel.takeError();
  if (Error error = arguments.check(*kernel))
    return std::move(error);
  name = kernel->getName().str();
  config.staticShared =
      (*kernel)->getAttrOfType<mlir::IntegerAttr>(kEmulatedSharedAttr).getInt();
  for (auto function : module.getOps<mlir::LLVM::LLVMFuncOp>())
    function->removeAttr(kEmulatedSharedAttr);
  Expected<TargetInfo> target = resolveTarget("cpu");
  if (!target)
    return target.takeError();
  return Jit::create(module, *target, /*optLevel=*/1, {name});
}

/// 0, or 2 when the kernel had a fault.
Expected<int> emulate(const Flags &flags) {
  attn_emu_launch_config config = {};
  if (Error error = fillSizes(flags.grid, config.grid, "grid"))
    return std::move(error);
  if (Error error = fillSizes(flags.block, config.block, "block"))
    return std::move(error);
  if (Error error = fillSizes(flags.cluster, config.cluster, "cluster"))
    return std::move(error);
  config.dynamicShared = flags.shared;
  std::optional<emulator::Schedule> schedule =
      emulator::parseSchedule(std::string(flags.schedule));
  if (!schedule)
    return createStringError(
        "--schedule: expected eager, late or random, but got '" +
        flags.schedule + "'");
  emulator::Session session({*schedule, flags.seed, flags.threads});

  KernelArguments arguments;
  for (const std::string &text : flags.tensors)
    if (Error error = arguments.addTensor(text))
      return std::move(error);
  for (const std::string &text : flags.arguments)
    if (Error error = arguments.add(text))
      return std::move(error);
  if (session.fault() != emulator::Fault::None)
    return createStringError(session.report());
  arguments.forBuffers([&](const Tensor &tensor) {
    session.addBuffer(tensor.data(), tensor.bytes());
  });

  Progress progress("attn-emulate: compiling");
  Compiler compiler;
  Expected<Compiler::Module> module = compiler.parseFile(flags.file);
  if (!module)
    return module.takeError();
  std::string name = flags.kernel;
  Expected<std::unique_ptr<Jit>> jit =
      compileKernel(compiler, **module, name, config, arguments);
  if (!jit)
    return jit.takeError();
  config.kernel = name.c_str();
  progress.say("attn-emulate: running " + name);
  attn_emu_launch(&config, (*jit)->lookup(name), arguments.pointers());
  progress.finish();
  if (session.fault() != emulator::Fault::None) {
    errs() << session.report() << "\n";
    return 2;
  }
  for (const std::string &tensor : flags.print)
    if (Error error = arguments.print(tensor, outs()))
      return std::move(error);
  for (const std::string &text : flags.output)
    if (Error error = arguments.write(text))
      return std::move(error);
  if (flags.statistics) {
    const emulator::Statistics &counted = session.statistics();
    outs() << "blocks " << counted.blocks << ", switches " << counted.switches
           << ", shared-memory phases " << counted.sharedPhases << " in "
           << counted.sharedCycles << " cycles\n";
  }
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::ResetCommandLineParser(); // options of LLVM's own passes
  Flags flags;
  cl::ParseCommandLineOptions(argc, argv, "attn-mlir: run one GPU kernel\n");
  Expected<int> code = emulate(flags);
  if (code)
    return *code;
  return reportError(code.takeError());
}
