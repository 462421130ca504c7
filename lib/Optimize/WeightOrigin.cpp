//===- WeightOrigin.cpp - What is known before the first call -------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightOrigin.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace attn;

WeightOrigin::WeightOrigin(ModuleOp module) {
  module.walk(
      [this](func::CallOp call) { calls[call.getCallee()].push_back(call); });
}

bool WeightOrigin::isWeight(Value value) {
  // A value that depends on itself, in a loop or by recursion, is none.
  auto [place, isNew] = known.try_emplace(value, false);
  if (!isNew)
    return place->second;
  bool isWeight = decide(value);
  known[value] = isWeight;
  return isWeight;
}

bool WeightOrigin::decide(Value value) {
  if (Operation *op = value.getDefiningOp()) {
    if (matchPattern(op, m_Constant()))
      return true;
    llvm::SetVector<Value> needed;
    needed.insert(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), needed);
    return isMemoryEffectFree(op) && areWeights(needed.getArrayRef());
  }
  auto argument = cast<BlockArgument>(value);
  auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  if (!func || argument.getOwner() != &func.front())
    return false;
  unsigned number = argument.getArgNumber();
  if (func.getArgAttr(number, AttnDialect::getWeightArgName()))
    return true;
  auto own = calls.find(func.getSymName());
  return func.isPrivate() && own != calls.end() &&
         llvm::all_of(own->second, [&](func::CallOp call) {
           return isWeight(call.getOperand(number));
         });
}

StringRef WeightOrigin::whyUnknown(ValueRange weights, ValueRange biases) {
  if (areWeights(weights) && areWeights(biases))
    return "";
  return "its weights are known at the call alone, for want of attn.weight";
}
