//===- Jit.cpp - From the LLVM dialect to code in memory ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLJIT without what mlir::ExecutionEngine puts around it: a wrapper for every
// function of the module, and a perf dump of each compilation in the user's
// home.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Jit.h"
#include "attn/Emulator/Emulator.h"
#include "attn/Runtime/Abi.h"

#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/CompileUtils.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <mutex>

using namespace llvm;

namespace attn {
namespace {

/// Every target that a target string can name, so that objects for another
/// machine can be made.
void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeAArch64AsmParser();
  });
}

std::string packedName(StringRef name) { return ("attn_packed_" + name).str(); }

/// Adds `void attn_packed_<f>(ptr arguments)` that loads the arguments, calls
/// and stores the result.
void addPackedWrapper(Function &callee) {
  Module &module = *callee.getParent();
  IRBuilder<> builder(module.getContext());
  auto *type = FunctionType::get(builder.getVoidTy(), builder.getPtrTy(),
                                 /*isVarArg=*/false);
  auto *wrapper = Function::Create(type, Function::ExternalLinkage,
                                   packedName(callee.getName()), module);
  builder.SetInsertPoint(BasicBlock::Create(module.getContext(), "", wrapper));
  auto slot = [&](unsigned i) {
    Value *address =
        builder.CreateConstGEP1_32(builder.getPtrTy(), wrapper->getArg(0), i);
    return builder.CreateLoad(builder.getPtrTy(), address);
  };
  SmallVector<Value *> arguments;
  for (Argument &argument : callee.args())
    arguments.push_back(
        builder.CreateLoad(argument.getType(), slot(argument.getArgNo())));
  Value *result = builder.CreateCall(&callee, arguments);
  if (!result->getType()->isVoidTy())
    builder.CreateStore(result, slot(callee.arg_size()));
  builder.CreateRetVoid();
}

/// What compiled code may call in Runtime, and emulated kernels in Emulator.
Error defineRuntime(orc::LLJIT &jit) {
  orc::MangleAndInterner mangle(jit.getExecutionSession(), jit.getDataLayout());
  orc::SymbolMap symbols;
  auto add = [&](StringRef name, auto *function) {
    symbols[mangle(name)] = {orc::ExecutorAddr::fromPtr(function),
                             JITSymbolFlags::Exported};
  };
  add("attn_rt_parallel_for", &attn_rt_parallel_for);
  add("attn_rt_alloc", &attn_rt_alloc);
  add("attn_rt_free", &attn_rt_free);
  for (const emulator::Symbol &symbol : emulator::symbols())
    symbols[mangle(symbol.name)] = {orc::ExecutorAddr::fromPtr(symbol.address),
                                    JITSymbolFlags::Exported};
  return jit.getMainJITDylib().define(orc::absoluteSymbols(std::move(symbols)));
}

Expected<std::unique_ptr<orc::LLJIT>> createLLJIT(const ObjectCode &code) {
  orc::LLJITBuilder builder;
  builder.setJITTargetMachineBuilder(
      orc::JITTargetMachineBuilder(Triple(code.triple)));
  builder.setDataLayout(DataLayout(code.dataLayout));
  // Only objects come in; the default would set up a code generator.
  builder.setCompileFunctionCreator(
      [](orc::JITTargetMachineBuilder)
          -> Expected<std::unique_ptr<orc::IRCompileLayer::IRCompiler>> {
        return nullptr;
      });
  Expected<std::unique_ptr<orc::LLJIT>> jit = builder.create();
  if (!jit)
    return jit.takeError();
  if (Error error = defineRuntime(**jit))
    return std::move(error);
  // libc: memcpy, and what the source declares.
  auto process = orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      (*jit)->getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  (*jit)->getMainJITDylib().addGenerator(std::move(*process));
  return jit;
}

} // namespace

Expected<std::unique_ptr<TargetMachine>>
createTargetMachine(const TargetInfo &info, unsigned optLevel) {
  initializeTargets();
  Triple triple(info.triple);
  std::string message;
  const Target *target = TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return createStringError("target '" + info.str() + "': " + message);
  CodeGenOptLevel level = optLevel == 0   ? CodeGenOptLevel::None
                          : optLevel == 1 ? CodeGenOptLevel::Less
                          : optLevel == 2 ? CodeGenOptLevel::Default
                                          : CodeGenOptLevel::Aggressive;
  std::unique_ptr<TargetMachine> machine(target->createTargetMachine(
      triple, info.cpu, info.features, TargetOptions(), Reloc::PIC_,
      std::nullopt, level));
  if (!machine)
    return createStringError("target '" + info.str() + "': no code generator");
  return machine;
}

Expected<std::unique_ptr<Module>> translateToLLVM(mlir::ModuleOp module,
                                                  LLVMContext &context,
                                                  TargetMachine &machine) {
  std::unique_ptr<Module> llvmModule =
      mlir::translateModuleToLLVMIR(module, context);
  if (!llvmModule)
    return createStringError("the module cannot be translated to LLVM IR");
  llvmModule->setTargetTriple(machine.getTargetTriple());
  llvmModule->setDataLayout(machine.createDataLayout());
  return llvmModule;
}

/// What the rooms leave to LLVM: one function of the tasks and wrappers, values
/// instead of allocas, address arithmetic simplified, shared and hoisted. The
/// standard pipeline takes five times as long for the same loops, and makes
/// calls of memset where the object should need no library.
static constexpr StringLiteral kPasses =
    "cgscc(inline),"
    "function(sroa,early-cse<memssa>,instcombine<no-verify-fixpoint>,loop-mssa("
    "loop-rotate,licm),"
    "gvn,loop-vectorize,simplifycfg),"
    "globaldce";

/// Wrappers of entries with a hundred arguments are single blocks of thousands
/// of loads and stores. Instruction scheduling takes quadratic time in the size
/// of a block, seconds here; code that runs once a call does without.
static void dropOptimizationOfLargeWrappers(Module &module) {
  constexpr size_t largeBlock = 1000;
  for (Function &function : module) {
    if (none_of(function, [](const BasicBlock &block) {
          return block.size() > largeBlock;
        }))
      continue;
    DominatorTree dominators(function);
    if (!LoopInfo(dominators).empty())
      continue;
    function.addFnAttr(Attribute::NoInline);
    function.addFnAttr(Attribute::OptimizeNone);
  }
}

void optimize(Module &module, TargetMachine &machine) {
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
  ModulePassManager passes;
  cantFail(builder.parsePassPipeline(passes, kPasses));
  passes.run(module, modules);
  dropOptimizationOfLargeWrappers(module);
}

Jit::Jit() = default;
Jit::~Jit() = default;

Expected<ObjectCode> compileToObject(mlir::ModuleOp module,
                                     const TargetInfo &target,
                                     unsigned optLevel,
                                     ArrayRef<std::string> packed) {
  Expected<std::unique_ptr<TargetMachine>> machine =
      createTargetMachine(target, optLevel);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  Expected<std::unique_ptr<Module>> llvmModule =
      translateToLLVM(module, context, **machine);
  if (!llvmModule)
    return llvmModule.takeError();
  ObjectCode code;
  code.triple = (*machine)->getTargetTriple().str();
  code.dataLayout = (*machine)->createDataLayout().getStringRepresentation();
  for (StringRef name : packed)
    if (Function *function = (*llvmModule)->getFunction(name);
        function && !function->isDeclaration()) {
      addPackedWrapper(*function);
      code.functions.push_back(name.str());
    }
  optimize(**llvmModule, **machine);
  Expected<std::unique_ptr<MemoryBuffer>> object =
      orc::SimpleCompiler(**machine)(**llvmModule);
  if (!object)
    return object.takeError();
  code.object = std::move(*object);
  return code;
}

Expected<std::unique_ptr<Jit>> Jit::load(ObjectCode code) {
  std::unique_ptr<Jit> jit(new Jit);
  Expected<std::unique_ptr<orc::LLJIT>> lljit = createLLJIT(code);
  if (!lljit)
    return lljit.takeError();
  jit->jit = std::move(*lljit);
  // A lookup only says that something failed; the session says what.
  std::string report;
  jit->jit->getExecutionSession().setErrorReporter(
      [&report](Error error) { report = toString(std::move(error)); });
  if (Error error = jit->jit->addObjectFile(std::move(code.object)))
    return std::move(error);
  for (StringRef name : code.functions) {
    auto symbol = jit->jit->lookup(packedName(name));
    if (!symbol) {
      std::string message = toString(symbol.takeError());
      return createStringError(report.empty() ? message : report);
    }
    jit->functions[name] = symbol->toPtr<Packed>();
  }
  jit->jit->getExecutionSession().setErrorReporter(
      [](Error error) { consumeError(std::move(error)); });
  return jit;
}

Expected<std::unique_ptr<Jit>> Jit::create(mlir::ModuleOp module,
                                           const TargetInfo &target,
                                           unsigned optLevel,
                                           ArrayRef<std::string> packed) {
  Expected<ObjectCode> code = compileToObject(module, target, optLevel, packed);
  if (!code)
    return code.takeError();
  return load(std::move(*code));
}

} // namespace attn
