//===- LevelFunction.cpp - One function of a level ------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Execute/LevelFunction.h"

using namespace llvm;

namespace attn {

std::string levelName(StringRef name, size_t level) {
  return ("attn." + Twine(level) + "." + name).str();
}

Type *LevelFunction::parameterType(const ValueInfo &info) {
  if (!info.isScalar)
    return b.getPtrTy();
  switch (info.type) {
  case Dtype::F64:
    return b.getDoubleTy();
  case Dtype::F32:
    return b.getFloatTy();
  default:
    return b.getIntNTy(dtypeBytes(info.type) * 8);
  }
}

Value *LevelFunction::slots(int64_t count) {
  BasicBlock &entry = function->getEntryBlock();
  return IRBuilder<>(&entry, entry.begin())
      .CreateAlloca(b.getInt64Ty(), number(count));
}

void LevelFunction::begin(StringRef suffix, Type *result,
                          ArrayRef<Type *> parameters) {
  function = Function::Create(
      FunctionType::get(result, parameters, false), Function::InternalLinkage,
      levelName(interface.signature.entry + suffix.str(), level), module);
  b.SetInsertPoint(BasicBlock::Create(module.getContext(), "", function));
  arguments.clear();
  copyBytes.clear();
}

void LevelFunction::leaveUnless(Value *condition, int64_t status) {
  auto *leave = BasicBlock::Create(module.getContext(), "", function);
  auto *stay = BasicBlock::Create(module.getContext(), "", function);
  b.CreateCondBr(condition, stay, leave);
  b.SetInsertPoint(leave);
  b.CreateRet(ConstantInt::getSigned(function->getReturnType(), status));
  b.SetInsertPoint(stay);
}

/// The descriptor of a tensor; leaves with `status` when it cannot be read.
LevelFunction::Descriptor
LevelFunction::tensor(const ValueInfo &info, Value *argument, int64_t status) {
  int64_t rank = info.shape.size();
  Value *words = slots(3 + 2 * rank);
  SmallVector<uint64_t> shape(info.shape.begin(), info.shape.end());
  Constant *sizes = ConstantDataArray::get(module.getContext(), shape);
  auto *wanted = new GlobalVariable(module, sizes->getType(), true,
                                    GlobalValue::PrivateLinkage, sizes);
  FunctionCallee read = module.getOrInsertFunction(
      "attn.tensor", b.getInt64Ty(), b.getPtrTy(), b.getInt64Ty(),
      b.getInt64Ty(), b.getPtrTy(), b.getPtrTy());
  Value *bytes =
      b.CreateCall(read, {argument, number(rank), number(dtypeBytes(info.type)),
                          wanted, words});
  leaveUnless(b.CreateICmpSGE(bytes, number(0)), status);
  return {words, bytes};
}

Value *LevelFunction::rowMajor(const ValueInfo &info, Value *argument,
                               int64_t status) {
  Descriptor descriptor = tensor(info, argument, status);
  leaveUnless(b.CreateICmpEQ(descriptor.copyBytes, number(0)), status);
  return descriptor.words;
}

Value *LevelFunction::vectorOf(Value *data, Value *count) {
  Value *descriptor = slots(5);
  Value *fields[] = {data, data, number(0), count, number(1)};
  for (auto [i, field] : enumerate(fields))
    b.CreateStore(field, b.CreateConstGEP1_64(b.getInt64Ty(), descriptor, i));
  return descriptor;
}

Value *LevelFunction::scalar(const ValueInfo &info, Value *argument,
                             Type *wanted) {
  if (argument->getType() == wanted)
    return argument;
  if (wanted->isIntegerTy(1))
    return b.CreateIsNotNull(argument);
  return b.CreateBitCast(argument, wanted);
}

void LevelFunction::readInputs(Function *callee) {
  for (auto [i, info] : enumerate(interface.signature.arguments)) {
    Value *argument = function->getArg(i);
    Value *bytes = number(0);
    if (info.isScalar) {
      Type *wanted = callee->getFunctionType()->getParamType(i);
      arguments.push_back(scalar(info, argument, wanted));
    } else {
      Descriptor descriptor = tensor(info, argument, i + 1);
      arguments.push_back(descriptor.words);
      bytes = descriptor.copyBytes;
    }
    copyBytes.push_back(bytes);
  }
  checkRules();
}

void LevelFunction::readWeights(Function *callee) {
  auto next = function->arg_begin();
  for (auto [i, info] : enumerate(interface.signature.arguments)) {
    if (info.isWeight) {
      Value *argument = &*next++;
      arguments.push_back(
          info.isScalar ? scalar(info, argument,
                                 callee->getFunctionType()->getParamType(i))
                        : rowMajor(info, argument, i + 1));
    } else if (info.isScalar) {
      arguments.push_back(
          Constant::getNullValue(callee->getFunctionType()->getParamType(i)));
    } else {
      int64_t words = 3 + 2 * info.shape.size();
      Value *nothing = slots(words);
      b.CreateMemSet(nothing, b.getInt8(0), 8 * words, Align(8));
      arguments.push_back(nothing);
    }
  }
}

Value *LevelFunction::sizeOf(const SizeTerm &term) {
  if (term.isNumber())
    return number(term.value);
  return b.CreateLoad(b.getInt64Ty(),
                      b.CreateConstGEP1_64(b.getInt64Ty(),
                                           arguments[term.argument],
                                           3 + term.dim));
}

/// The ties between the sizes of several arguments.
void LevelFunction::checkRules() {
  for (const SizeRule &rule : interface.signature.rules) {
    Value *size = sizeOf(rule.size), *other = sizeOf(rule.other), *ok;
    switch (rule.relation) {
    case SizeRule::Equal:
      ok = b.CreateICmpEQ(size, other);
      break;
    case SizeRule::AtLeast:
      ok = b.CreateICmpSGE(size, other);
      break;
    case SizeRule::MultipleOf: {
      // Of 0 only 0 is a multiple.
      Value *zero = b.CreateICmpEQ(other, number(0));
      Value *divisor = b.CreateSelect(zero, number(1), other);
      Value *divides = b.CreateICmpEQ(b.CreateSRem(size, divisor), number(0));
      ok = b.CreateSelect(zero, b.CreateICmpEQ(size, number(0)), divides);
      break;
    }
    }
    const SizeTerm &wrong = rule.size.isNumber() ? rule.other : rule.size;
    leaveUnless(ok, wrong.argument + 1);
  }
}

Value *LevelFunction::ownWorkspace() {
  Value *bytes = b.CreateCall(inner("_workspace"), arguments);
  Value *some = b.CreateBinaryIntrinsic(Intrinsic::smax, bytes, number(0));
  Value *more = b.CreateBinaryIntrinsic(Intrinsic::sadd_sat, some, number(63));
  return b.CreateAnd(more, number(-64));
}

Value *LevelFunction::wholeWorkspace(Value *own) {
  for (Value *bytes : copyBytes)
    own = b.CreateBinaryIntrinsic(Intrinsic::sadd_sat, own, bytes);
  return own;
}

void LevelFunction::straighten(Value *workspace, Value *own) {
  FunctionCallee copy = module.getOrInsertFunction(
      "attn.straighten", b.getVoidTy(), b.getPtrTy(), b.getInt64Ty(),
      b.getInt64Ty(), b.getPtrTy(), b.getPtrTy());
  Value *place = b.CreatePtrAdd(workspace, own);
  for (auto [i, info] : enumerate(interface.signature.arguments)) {
    if (info.isScalar)
      continue;
    auto *copies = BasicBlock::Create(module.getContext(), "", function);
    auto *stays = BasicBlock::Create(module.getContext(), "", function);
    b.CreateCondBr(b.CreateICmpEQ(copyBytes[i], number(0)), stays, copies);
    b.SetInsertPoint(copies);
    b.CreateCall(copy, {function->getArg(i), number(info.shape.size()),
                        number(dtypeBytes(info.type)), arguments[i], place});
    b.CreateBr(stays);
    b.SetInsertPoint(stays);
    place = b.CreatePtrAdd(place, copyBytes[i]);
  }
}

} // namespace attn
