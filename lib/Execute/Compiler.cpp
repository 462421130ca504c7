//===- Compiler.cpp - From text to something that runs --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Puts parser, pipeline and JIT together and turns diagnostics into Errors.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Compiler.h"
#include "attn/Execute/Host.h"
#include "attn/Pipeline/Register.h"
#include "lib/Execute/DiagnosticText.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SourceMgr.h"

using namespace llvm;
using namespace mlir;

namespace attn {
namespace {

/// Puts the name of each argument of a function into its location, where
/// messages find it; the parser keeps only the place.
void nameArguments(ModuleOp module, SourceMgr &sources) {
  for (auto func : module.getOps<func::FuncOp>())
    for (BlockArgument argument : func.getArguments()) {
      auto place = dyn_cast<FileLineColLoc>(argument.getLoc());
      if (!place)
        continue;
      SMLoc start = sources.FindLocForLineAndColumn(
          sources.getMainFileID(), place.getLine(), place.getColumn());
      if (!start.isValid())
        continue;
      const MemoryBuffer *buffer =
          sources.getMemoryBuffer(sources.getMainFileID());
      StringRef text(start.getPointer(),
                     buffer->getBufferEnd() - start.getPointer());
      if (!text.consume_front("%"))
        continue;
      StringRef name = text.take_while(
          [](char c) { return isAlnum(c) || StringRef("_.$-").contains(c); });
      argument.setLoc(
          NameLoc::get(StringAttr::get(module.getContext(), name), place));
    }
}

Expected<Compiler::Module> parse(std::unique_ptr<MemoryBuffer> buffer,
                                 MLIRContext *context) {
  std::string name = buffer->getBufferIdentifier().str();
  SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(buffer), SMLoc());
  DiagnosticText diagnostics(context);
  Compiler::Module module =
      parseSourceFile<ModuleOp>(sources, ParserConfig(context));
  if (!module)
    return diagnostics.take(name + ": not a module");
  nameArguments(*module, sources);
  return module;
}

/// The types of the packed weights, which the CPU room writes on the entry that
/// it has lowered.
Expected<std::vector<ValueInfo>> packedTypes(ModuleOp module, StringRef entry) {
  std::vector<ValueInfo> types;
  auto func = module.lookupSymbol<LLVM::LLVMFuncOp>(entry);
  auto packed =
      func ? func->getAttrOfType<ArrayAttr>("attn.packed") : ArrayAttr();
  if (!packed)
    return types;
  for (Attribute attribute : packed) {
    auto type = cast<ShapedType>(cast<TypeAttr>(attribute).getValue());
    std::optional<Dtype> dtype = dtypeOf(type.getElementType());
    if (!dtype || !type.hasStaticShape())
      return createStringError("entry '" + entry +
                               "' has packed weights of a type without a size");
    ValueInfo info;
    info.type = *dtype;
    info.shape.assign(type.getShape().begin(), type.getShape().end());
    types.push_back(std::move(info));
  }
  return types;
}

} // namespace

Compiler::Compiler() {
  DialectRegistry registry;
  registerAllDialects(registry);
  // A pool of threads costs more than compiling one entry.
  mlirContext =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
}

Compiler::~Compiler() = default;

void Compiler::warn(Location location, const Twine &message) {
  warnings.push_back(warningLine(location, message));
}

std::vector<std::string> Compiler::takeWarnings() {
  std::vector<std::string> taken;
  for (std::string &line : warnings)
    if (!is_contained(taken, line))
      taken.push_back(std::move(line));
  warnings.clear();
  return taken;
}

Expected<Compiler::Module> Compiler::parseFile(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer)
    return createStringError(path + ": " + buffer.getError().message());
  return parseBuffer(std::move(*buffer));
}

Expected<Compiler::Module>
Compiler::parseBuffer(std::unique_ptr<MemoryBuffer> text) {
  return parse(std::move(text), mlirContext.get());
}

Expected<Compiler::Module> Compiler::parseText(StringRef text, StringRef name) {
  return parseBuffer(MemoryBuffer::getMemBufferCopy(text, name));
}

llvm::Error Compiler::lower(ModuleOp module, const PipelineOptions &options) {
  DiagnosticText diagnostics(mlirContext.get(), &warnings);
  PassManager pm(mlirContext.get(), ModuleOp::getOperationName());
  pm.enableVerifier(options.verifyEach);
  if (options.instrument)
    options.instrument(pm);
  buildPipeline(pm, options);
  if (failed(pm.run(module)) || failed(verify(module)))
    return diagnostics.take("a room failed without saying why");
  return llvm::Error::success();
}

llvm::Error Compiler::runPasses(ModuleOp module, StringRef pipeline) {
  DiagnosticText diagnostics(mlirContext.get());
  std::string problem;
  raw_string_ostream os(problem);
  FailureOr<OpPassManager> passes = parsePassPipeline(pipeline, os);
  if (failed(passes))
    return createStringError(problem.empty()
                                 ? "malformed pipeline '" + pipeline + "'"
                                 : StringRef(problem).rtrim());
  PassManager pm(mlirContext.get(), passes->getOpAnchorName());
  static_cast<OpPassManager &>(pm) = std::move(*passes);
  if (pm.getOpAnchorName() != ModuleOp::getOperationName())
    return createStringError(
        "expected a pipeline on builtin.module, but got one on " +
        pm.getOpAnchorName());
  if (failed(pm.run(module)))
    return diagnostics.take("a pass failed without saying why");
  return llvm::Error::success();
}

Expected<LoweredEntry> Compiler::lowerEntry(ModuleOp module,
                                            StringRef entryName,
                                            const PipelineOptions &options) {
  Expected<func::FuncOp> entry = findEntry(module, entryName);
  if (!entry)
    return entry.takeError();
  Expected<Signature> signature = Signature::read(*entry);
  if (!signature)
    return signature.takeError();
  isolateEntry(module, *entry);
  Expected<std::vector<SizeRule>> rules =
      sizeRules(module, signature->entry, options);
  if (!rules)
    return rules.takeError();
  signature->rules = std::move(*rules);
  if (llvm::Error error = lower(module, options))
    return std::move(error);
  Expected<std::vector<ValueInfo>> packed =
      packedTypes(module, signature->entry);
  if (!packed)
    return packed.takeError();
  return LoweredEntry{std::move(*signature), std::move(*packed)};
}

Expected<CompiledEntry>
Compiler::compileToObject(ModuleOp module, StringRef entryName,
                          const PipelineOptions &options) {
  Expected<LoweredEntry> lowered = lowerEntry(module, entryName, options);
  if (!lowered)
    return lowered.takeError();
  DiagnosticText diagnostics(mlirContext.get());
  bool emulated = options.target.kind == TargetKind::NVVMEmulation;
  Expected<ObjectCode> code =
      attn::compileToObject(module, codeTarget(options.target),
                            emulated ? emulationLevel : codegenLevel,
                            Executable::symbols(lowered->signature.entry));
  if (!code)
    return diagnostics.take(toString(code.takeError()));
  return CompiledEntry{std::move(lowered->signature),
                       std::move(lowered->packed), std::move(*code)};
}

Expected<std::unique_ptr<Executable>>
Compiler::compile(ModuleOp module, StringRef entryName,
                  const PipelineOptions &options) {
  if (llvm::Error error = checkRunsHere(options.target))
    return std::move(error);
  Expected<CompiledEntry> compiled =
      compileToObject(module, entryName, options);
  if (!compiled)
    return compiled.takeError();
  return Executable::load(std::move(*compiled));
}

Expected<Compiler::Module> Compiler::inlined(ModuleOp module,
                                             const PipelineOptions &options) {
  Module copy = module.clone();
  PassManager inliner(mlirContext.get(), ModuleOp::getOperationName());
  inliner.addPass(createInlinerPass());
  DiagnosticText diagnostics(mlirContext.get());
  if (failed(inliner.run(*copy)))
    return diagnostics.take("calls cannot be inlined");
  PipelineOptions splitHeads;
  splitHeads.target = options.target;
  splitHeads.stopAfter = Stage::SplitHeads;
  if (llvm::Error error = lower(*copy, splitHeads))
    return std::move(error);
  return copy;
}

Expected<std::vector<SizeRule>>
Compiler::sizeRules(ModuleOp module, StringRef entry,
                    const PipelineOptions &options) {
  Expected<Module> copy = inlined(module, options);
  if (!copy)
    return copy.takeError();
  return findSizeRules((*copy)->lookupSymbol<func::FuncOp>(entry));
}

void isolateEntry(ModuleOp module, func::FuncOp entry) {
  for (auto func : module.getOps<func::FuncOp>())
    if (func != entry)
      func.setPrivate();
}

} // namespace attn
