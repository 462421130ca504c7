//===- CpuDispatch.cpp - The choice of a level when code runs -------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An object asks the CPU itself, with cpuid and xgetbv, at its first call: no
// constructor, no ifunc and no library, so that it works in static and in
// shared links. The answer is kept in a word; threads that ask at once find the
// same.
//
// That ymm and zmm registers are saved: Intel SDM volume 1, 14.3 and 15.2.
//
//===----------------------------------------------------------------------===//

#include "lib/Execute/CInterface.h"
#include "lib/Execute/CpuLevels.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Module.h"

#include <map>
#include <tuple>

using namespace llvm;

namespace attn {
namespace {

class Dispatcher {
public:
  Dispatcher(Module &module, const CInterface &interface)
      : module(module), interface(interface), b(module.getContext()) {}

  void build();

private:
  Value *cpuid(uint32_t leaf, uint32_t subleaf, CpuidBit::Register reg);
  Value *hasAll(const TargetInfo &level);
  void buildDetect();
  void exportFunction(StringRef suffix);
  void buildSupported();
  void buildSetParallelFor();
  Function *create(const Twine &name, FunctionType *type,
                   GlobalValue::LinkageTypes linkage);

  Module &module;
  const CInterface &interface;
  IRBuilder<> b;
  Function *detect = nullptr;
};

} // namespace

Function *Dispatcher::create(const Twine &name, FunctionType *type,
                             GlobalValue::LinkageTypes linkage) {
  auto *function = Function::Create(type, linkage, name, module);
  b.SetInsertPoint(BasicBlock::Create(module.getContext(), "", function));
  return function;
}

Value *Dispatcher::cpuid(uint32_t leaf, uint32_t subleaf,
                         CpuidBit::Register reg) {
  Type *word = b.getInt32Ty();
  auto *result = StructType::get(word, word, word, word);
  auto *type = FunctionType::get(result, {word, word}, false);
  auto *code = InlineAsm::get(type, "cpuid",
                              "={ax},={bx},={cx},={dx},0,2,~{dirflag},~{fpsr},"
                              "~{flags}",
                              /*hasSideEffects=*/false);
  Value *all =
      b.CreateCall(type, code, {b.getInt32(leaf), b.getInt32(subleaf)});
  return b.CreateExtractValue(all, reg);
}

/// Whether the CPU has the features of a level and the operating system saves
/// their registers. xgetbv is not touched where osxsave is missing.
Value *Dispatcher::hasAll(const TargetInfo &level) {
  Value *ok = b.getTrue();
  if (!level.isX86())
    return ok;
  auto need = [&](Value *value, uint32_t bits) {
    Value *masked = b.CreateAnd(value, b.getInt32(bits));
    ok = b.CreateAnd(ok, b.CreateICmpEQ(masked, b.getInt32(bits)));
  };
  std::map<std::tuple<uint32_t, uint32_t, CpuidBit::Register>, uint32_t> bits;
  uint32_t saved = 0;
  for (const CpuidBit &feature : cpuidBits())
    if (level.hasFeature(feature.name)) {
      bits[{feature.leaf, feature.subleaf, feature.reg}] |= 1u << feature.bit;
      saved |= feature.state == CpuidBit::Wide     ? 0xe6
               : feature.state == CpuidBit::Vector ? 0x6
                                                   : 0;
    }
  if (saved)
    bits[{1, 0, CpuidBit::ECX}] |= 1u << 27; // osxsave
  Function *function = b.GetInsertBlock()->getParent();
  auto *no = BasicBlock::Create(module.getContext(), "", function);
  auto gate = [&] {
    auto *yes = BasicBlock::Create(module.getContext(), "", function);
    b.CreateCondBr(ok, yes, no);
    b.SetInsertPoint(yes);
    ok = b.getTrue();
  };
  // A CPU answers leaves that it does not have with others' bits.
  for (auto &[where, mask] : bits) {
    auto [leaf, subleaf, reg] = where;
    Value *highest = cpuid(leaf & 0x80000000, 0, CpuidBit::EAX);
    ok = b.CreateAnd(ok, b.CreateICmpUGE(highest, b.getInt32(leaf)));
    if (subleaf)
      ok = b.CreateAnd(ok, b.CreateICmpUGE(cpuid(leaf, 0, CpuidBit::EAX),
                                           b.getInt32(subleaf)));
    need(cpuid(leaf, subleaf, reg), mask);
  }
  gate();
  if (saved) {
    auto *pair = StructType::get(b.getInt32Ty(), b.getInt32Ty());
    auto *type = FunctionType::get(pair, {b.getInt32Ty()}, false);
    auto *code = InlineAsm::get(type, "xgetbv", "={ax},={dx},{cx}",
                                /*hasSideEffects=*/true);
    need(b.CreateExtractValue(b.CreateCall(type, code, {b.getInt32(0)}), 0),
         saved);
    gate();
  }
  auto *yes = b.GetInsertBlock();
  auto *end = BasicBlock::Create(module.getContext(), "", function);
  b.CreateBr(end);
  b.SetInsertPoint(no);
  b.CreateBr(end);
  b.SetInsertPoint(end);
  PHINode *phi = b.CreatePHI(b.getInt1Ty(), 2);
  phi->addIncoming(b.getTrue(), yes);
  phi->addIncoming(b.getFalse(), no);
  return phi;
}

/// `attn.level()`: 0 where no level runs, else its number from 1 on.
void Dispatcher::buildDetect() {
  auto *word = b.getInt32Ty();
  auto *kept =
      new GlobalVariable(module, word, false, GlobalValue::InternalLinkage,
                         b.getInt32(~0u), "attn.kept");
  detect = create("attn.level", FunctionType::get(word, false),
                  GlobalValue::InternalLinkage);
  LoadInst *known = b.CreateAlignedLoad(word, kept, Align(4));
  known->setAtomic(AtomicOrdering::Monotonic);
  auto *done = BasicBlock::Create(module.getContext(), "", detect);
  auto *ask = BasicBlock::Create(module.getContext(), "", detect);
  b.CreateCondBr(b.CreateICmpNE(known, b.getInt32(~0u)), done, ask);
  b.SetInsertPoint(done);
  b.CreateRet(known);
  b.SetInsertPoint(ask);
  Value *best = b.getInt32(0);
  for (auto [i, level] : enumerate(interface.levels))
    best = b.CreateSelect(hasAll(level), b.getInt32(i + 1), best);
  StoreInst *store = b.CreateAlignedStore(best, kept, Align(4));
  store->setAtomic(AtomicOrdering::Monotonic);
  b.CreateRet(best);
}

/// The function under its name in C: that of the level, or status -1.
void Dispatcher::exportFunction(StringRef suffix) {
  std::string name = interface.signature.entry + suffix.str();
  Function *first = module.getFunction(levelName(name, 0));
  if (!first)
    return;
  Function *function =
      create(name, first->getFunctionType(), GlobalValue::ExternalLinkage);
  SmallVector<Value *> arguments;
  for (Argument &argument : function->args())
    arguments.push_back(&argument);
  auto *none = BasicBlock::Create(module.getContext(), "", function);
  SwitchInst *choice = b.CreateSwitch(b.CreateCall(detect), none);
  b.SetInsertPoint(none);
  bool isStatus = first->getReturnType()->isIntegerTy(32);
  b.CreateRet(ConstantInt::getSigned(first->getReturnType(),
                                     isStatus ? UnsupportedCpu : 0));
  for (size_t i = 0; i < interface.levels.size(); ++i) {
    auto *block = BasicBlock::Create(module.getContext(), "", function);
    choice->addCase(b.getInt32(i + 1), block);
    b.SetInsertPoint(block);
    Function *level = module.getFunction(levelName(name, i));
    b.CreateRet(b.CreateCall(level, arguments));
  }
}

void Dispatcher::buildSupported() {
  create(interface.signature.entry + "_supported",
         FunctionType::get(b.getInt32Ty(), false),
         GlobalValue::ExternalLinkage);
  b.CreateRet(b.CreateCall(detect));
}

void Dispatcher::buildSetParallelFor() {
  GlobalVariable *pool = module.getGlobalVariable("attn.pool");
  auto *function =
      create(interface.signature.entry + "_set_parallel_for",
             FunctionType::get(b.getVoidTy(), {b.getPtrTy()}, false),
             GlobalValue::ExternalLinkage);
  StoreInst *store = b.CreateAlignedStore(function->getArg(0), pool, Align(8));
  store->setAtomic(AtomicOrdering::Monotonic);
  b.CreateRetVoid();
}

void Dispatcher::build() {
  buildDetect();
  for (StringRef suffix : levelSuffixes)
    exportFunction(suffix);
  buildSupported();
  buildSetParallelFor();
}

void addDispatch(Module &module, const CInterface &interface) {
  Dispatcher(module, interface).build();
}

} // namespace attn
