//===- Interpreter.cpp - Runs score and mask regions one element at a time ===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Interpreter.h"

#include "attn/Dialect/Attn/IR/Attn.h"

#include <algorithm>

using namespace mlir;
using namespace attn;

unsigned RegionProgram::slotOf(Value value) {
  auto [found, isNew] = slots.try_emplace(value, values.size());
  if (isNew)
    values.emplace_back();
  return found->second;
}

llvm::Error RegionProgram::addStep(Operation &op) {
  Attribute constant;
  if (op.hasTrait<OpTrait::ConstantLike>() && op.getNumResults() == 1)
    constant = op.getAttr("value");
  if (std::optional<Scalar> value =
          constant ? scalarOf(constant) : std::nullopt) {
    const unsigned slot = slotOf(op.getResult(0));
    values[slot] = *value;
    return llvm::Error::success();
  }
  Compute compute = findCompute(op);
  if (!compute)
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "the interpreter of regions does not know '" +
            op.getName().getStringRef() + "' on these types");
  Step step;
  step.compute = std::move(compute);
  for (Value operand : op.getOperands())
    step.operands.push_back(slotOf(operand));
  step.result = slotOf(op.getResult(0));
  steps.push_back(std::move(step));
  return llvm::Error::success();
}

llvm::Expected<RegionProgram> RegionProgram::translate(Region &region) {
  RegionProgram program;
  if (!region.hasOneBlock())
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "the interpreter of regions expects one "
                                   "block");
  for (BlockArgument argument : region.getArguments())
    program.slotOf(argument);
  for (Operation &op : region.front()) {
    if (auto yield = dyn_cast<YieldOp>(op)) {
      program.yielded = program.slotOf(yield.getValue());
      continue;
    }
    if (llvm::Error failed = program.addStep(op))
      return std::move(failed);
  }
  return program;
}

Scalar RegionProgram::run(ArrayRef<Scalar> arguments) {
  assert(arguments.size() <= values.size() && "too many region arguments");
  llvm::copy(arguments, values.begin());
  const Scalar *operands[maxOperands];
  for (const Step &step : steps) {
    for (auto [i, slot] : llvm::enumerate(step.operands))
      operands[i] = &values[slot];
    values[step.result] = step.compute(operands);
  }
  return values[yielded];
}
