//===- AheadOfTime.cpp - An entry for C programs --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each level is lowered and optimized alone, since plans differ; then they are
// linked, and every function carries its level's features.
//
//===----------------------------------------------------------------------===//

#include "lib/Execute/CInterface.h"
#include "lib/Execute/DiagnosticText.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace attn {
namespace {

/// The CPU whose features a function has when it names no others.
StringRef baselineCpu(const TargetInfo &level) {
  return level.isX86() ? "x86-64" : "generic";
}

/// Has the functions compiled for a level: its features and no others, in the
/// order of instructions that suits its CPU.
void markLevel(Module &module, const TargetInfo &level) {
  for (Function &function : module)
    if (!function.isDeclaration()) {
      function.addFnAttr("target-cpu", baselineCpu(level));
      function.addFnAttr("tune-cpu", level.cpu);
      function.addFnAttr("target-features", level.features);
    }
}

/// The other functions run on every CPU of the architecture.
void markBaseline(Module &module, const TargetInfo &level) {
  for (Function &function : module)
    if (!function.isDeclaration() && !function.hasFnAttribute("target-cpu"))
      function.addFnAttr("target-cpu", baselineCpu(level));
}

/// One level as it leaves the rooms.
struct LoweredLevel {
  Compiler::Module module;
  std::vector<ValueInfo> packed;
};

/// The module with one entry alone, under the name that C shall see.
Expected<Compiler::Module> cloneEntry(mlir::ModuleOp source, StringRef entry,
                                      StringRef name) {
  Compiler::Module copy = source.clone();
  Expected<mlir::func::FuncOp> func = findEntry(*copy, entry);
  if (!func)
    return func.takeError();
  isolateEntry(*copy, *func);
  if (name.empty() || name == func->getName())
    return copy;
  mlir::SymbolTable symbols(*copy);
  if (symbols.lookup(name))
    return createStringError("entry '" + func->getName() +
                             "' cannot be named '" + name +
                             "': the module has another of this name");
  if (failed(symbols.rename(*func, name)))
    return createStringError("entry '" + func->getName() +
                             "' cannot be named '" + name + "'");
  return copy;
}

/// Lowers all levels, which tells what of the interface depends on them.
Expected<std::vector<LoweredLevel>> lowerLevels(Compiler &compiler,
                                                mlir::ModuleOp source,
                                                const PipelineOptions &watched,
                                                CInterface &interface) {
  std::vector<LoweredLevel> levels;
  for (const TargetInfo &target : interface.levels) {
    Compiler::Module copy = source.clone();
    PipelineOptions options;
    options.target = target;
    options.onStage = watched.onStage;
    Expected<LoweredEntry> lowered = compiler.lowerEntry(*copy, "", options);
    if (!lowered)
      return lowered.takeError();
    interface.signature = std::move(lowered->signature);
    interface.hasPacked |= !lowered->packed.empty();
    levels.push_back({std::move(copy), std::move(lowered->packed)});
  }
  interface.hasPacked |= any_of(interface.signature.arguments,
                                [](const ValueInfo &i) { return i.isWeight; });
  return levels;
}

/// One level, optimized.
Expected<std::unique_ptr<Module>> compileLevel(const LoweredLevel &lowered,
                                               const CInterface &interface,
                                               size_t level,
                                               LLVMContext &context) {
  const TargetInfo &target = interface.levels[level];
  Expected<std::unique_ptr<TargetMachine>> machine =
      createTargetMachine(target, codegenLevel);
  if (!machine)
    return machine.takeError();
  Expected<std::unique_ptr<Module>> module =
      translateToLLVM(*lowered.module, context, **machine);
  if (!module)
    return module.takeError();
  if (Error error = addLevel(**module, interface, lowered.packed, level))
    return std::move(error);
  markLevel(**module, target);
  // Only what callers enter by may not be dropped.
  for (StringRef suffix : levelSuffixes)
    if (Function *function = (*module)->getFunction(
            levelName(interface.signature.entry + suffix.str(), level)))
      function->setLinkage(GlobalValue::ExternalLinkage);
  optimize(**module, **machine);
  return module;
}

/// Leaves the functions of the entry as the only names that a linker sees.
void hideOthers(Module &module) {
  SmallVector<GlobalValue *> memory;
  for (StringRef name : {"memset", "memcpy", "memmove"}) {
    Function *function = module.getFunction(name);
    function->setLinkage(GlobalValue::InternalLinkage);
    // Code generation calls it where nothing in the module does.
    memory.push_back(function);
  }
  appendToCompilerUsed(module, memory);
  for (GlobalObject &object : module.global_objects())
    if (!object.isDeclaration() && object.getName().starts_with("attn."))
      object.setLinkage(GlobalValue::InternalLinkage);
}

} // namespace

CProgram::CProgram() = default;
CProgram::CProgram(CProgram &&) = default;
CProgram::~CProgram() = default;

const Signature &CProgram::signature() const { return interface->signature; }

Expected<CProgram> CProgram::compile(Compiler &compiler, mlir::ModuleOp source,
                                     StringRef entry, StringRef name,
                                     std::vector<TargetInfo> levels,
                                     const PipelineOptions &options) {
  Expected<Compiler::Module> alone = cloneEntry(source, entry, name);
  if (!alone)
    return alone.takeError();
  CProgram program;
  program.context = std::make_unique<LLVMContext>();
  program.interface = std::make_unique<CInterface>();
  CInterface &interface = *program.interface;
  interface.levels = std::move(levels);
  Expected<std::vector<LoweredLevel>> lowered =
      lowerLevels(compiler, **alone, options, interface);
  if (!lowered)
    return lowered.takeError();
  if (Error error = nameForC(interface))
    return std::move(error);
  DiagnosticText diagnostics(&compiler.context());
  for (auto [i, level] : enumerate(*lowered)) {
    Expected<std::unique_ptr<Module>> module =
        compileLevel(level, interface, i, *program.context);
    if (!module)
      return diagnostics.take(toString(module.takeError()));
    if (!program.code)
      program.code = std::move(*module);
    else if (Linker::linkModules(*program.code, std::move(*module)))
      return createStringError("the levels cannot be linked");
  }
  // It is as optimized as it has to be.
  std::unique_ptr<Module> support = makeSupport(*program.context);
  support->setTargetTriple(program.code->getTargetTriple());
  support->setDataLayout(program.code->getDataLayout());
  if (Linker::linkModules(*program.code, std::move(support)))
    return createStringError("the levels cannot be linked");
  addDispatch(*program.code, interface);
  markBaseline(*program.code, interface.levels.front());
  hideOthers(*program.code);
  return program;
}

std::string CProgram::llvmText() const {
  std::string text;
  raw_string_ostream os(text);
  code->print(os, nullptr);
  return text;
}

/// Code generation changes its module, so that it works on a copy.
Expected<std::string> CProgram::generate(bool asText) const {
  Expected<std::unique_ptr<TargetMachine>> machine =
      createTargetMachine(interface->levels.front(), codegenLevel);
  if (!machine)
    return machine.takeError();
  std::unique_ptr<Module> module = CloneModule(*code);
  SmallString<0> bytes;
  raw_svector_ostream os(bytes);
  legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, os, nullptr,
                                      asText ? CodeGenFileType::AssemblyFile
                                             : CodeGenFileType::ObjectFile))
    return createStringError(
        "the code generator cannot write this kind of file");
  passes.run(*module);
  return bytes.str().str();
}

Expected<std::string> CProgram::assembly() const {
  return generate(/*asText=*/true);
}

Expected<std::string> CProgram::object() {
  if (objectBytes.empty())
    if (Error error = generate(/*asText=*/false).moveInto(objectBytes))
      return std::move(error);
  return objectBytes;
}

/// What an object leaves to the linker.
static Expected<std::vector<std::string>> undefinedIn(StringRef object) {
  Expected<std::unique_ptr<object::ObjectFile>> file =
      object::ObjectFile::createObjectFile(MemoryBufferRef(object, "object"));
  if (!file)
    return file.takeError();
  std::vector<std::string> names;
  for (const object::SymbolRef &symbol : (*file)->symbols()) {
    Expected<uint32_t> flags = symbol.getFlags();
    if (!flags)
      return flags.takeError();
    Expected<StringRef> name = symbol.getName();
    if (!name)
      return name.takeError();
    if ((*flags & object::SymbolRef::SF_Undefined) && !name->empty())
      names.push_back(name->str());
  }
  sort(names);
  return names;
}

Expected<std::string> CProgram::header() {
  Expected<std::string> bytes = object();
  if (!bytes)
    return bytes.takeError();
  Expected<std::vector<std::string>> needs = undefinedIn(*bytes);
  if (!needs)
    return needs.takeError();
  std::string text;
  raw_string_ostream os(text);
  printCHeader(os, *interface, *needs);
  return text;
}

Expected<std::string> CProgram::sharedObject() {
  Expected<std::string> bytes = object();
  if (!bytes)
    return bytes.takeError();
  return linkShared(*bytes, interface->levels.front());
}

} // namespace attn
