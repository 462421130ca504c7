//===- attn-compile-gpu.cpp - Compile kernels ahead of time ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes the kernels of an entry for a GPU: PTX text, machine code, or the
// bundle that launches them.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Bundle.h"
#include "attn/Execute/Compiler.h"
#include "attn/Execute/Host.h"
#include "tools/shared/Help.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace llvm;
using namespace attn;

namespace {

enum class Form { Ptx, Cubin, Bundle };

cl::opt<std::string> input(cl::Positional, cl::desc("FILE"), cl::init("-"));
cl::opt<std::string> entry("entry", cl::desc("The function to compile"),
                           cl::value_desc("name"));
cl::opt<std::string> target("target", cl::desc("nvvm:<chip>"),
                            cl::init("nvvm:sm_90a"), cl::value_desc("T"));
cl::opt<std::string> output("o", cl::desc("Where to write; - is stdout"),
                            cl::init("-"), cl::value_desc("path"));
cl::opt<Form>
    emit("emit", cl::desc("What to write:"), cl::init(Form::Bundle),
         cl::values(clEnumValN(Form::Ptx, "ptx", "the kernels' PTX"),
                    clEnumValN(Form::Cubin, "cubin", "their machine code"),
                    clEnumValN(Form::Bundle, "bundle",
                               "both, and how they are launched")));

Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

/// The kernels of an entry whose kernels are one module.
Expected<std::string> emitKernels(mlir::ModuleOp module) {
  auto kernels = module.getOps<mlir::gpu::GPUModuleOp>();
  if (kernels.empty())
    return makeError("no op of the entry became a GPU kernel");
  Expected<Ptx> ptx = emitPtx(*kernels.begin());
  if (!ptx || emit == Form::Ptx)
    return ptx ? Expected<std::string>(ptx->text) : ptx.takeError();
  Expected<std::string> ptxas = findPtxas();
  if (!ptxas)
    return ptxas.takeError();
  Expected<Cubin> cubin = assemble(*ptx, *ptxas);
  if (!cubin)
    return cubin.takeError();
  if (Error error = checkShippable(cubin->report))
    return std::move(error);
  return cubin->bytes;
}

Expected<std::string> compile() {
  Expected<TargetInfo> info = TargetInfo::parse(target);
  if (!info)
    return info.takeError();
  if (info->kind != TargetKind::NVVM)
    return makeError("target '" + target +
                     "': --emit=ptx, cubin and bundle expect nvvm:<chip>");
  Compiler compiler;
  Expected<Compiler::Module> module = compiler.parseFile(input);
  if (!module)
    return module.takeError();
  Expected<mlir::func::FuncOp> func = findEntry(**module, entry);
  if (!func)
    return func.takeError();
  std::string name = func->getName().str();
  isolateEntry(**module, *func);
  PipelineOptions options;
  options.target = *info;
  if (Error error = compiler.lower(**module, options))
    return std::move(error);
  if (emit != Form::Bundle)
    return emitKernels(**module);
  Expected<std::string> ptxas = findPtxas();
  if (!ptxas)
    return ptxas.takeError();
  return makeBundle(**module, name, *ptxas);
}

Error run() {
  Expected<std::string> bytes = compile();
  if (!bytes)
    return bytes.takeError();
  std::error_code code;
  ToolOutputFile file(output, code, sys::fs::OF_None);
  if (code)
    return makeError(output + ": " + code.message());
  file.os() << *bytes;
  file.os().flush();
  if (file.os().has_error())
    return makeError(output + ": " + file.os().error().message());
  file.keep();
  return Error::success();
}

} // namespace

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  showOnly({"entry", "target", "emit", "o"});
  cl::ParseCommandLineOptions(argc, argv, "Compile attention ahead of time\n");
  if (Error error = run()) {
    llvm::errs() << "attn-compile-gpu: error: " << toString(std::move(error))
                 << "\n";
    return 1;
  }
  return 0;
}
