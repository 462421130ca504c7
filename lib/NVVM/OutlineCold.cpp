//===- OutlineCold.cpp - Cold paths of a kernel as functions --------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A path that is hardly ever taken must not cost the main loop registers, nor
// move its code: with more than 32 blocks in a kernel LLVM merges addresses of
// the two roles, and ptxas then keeps the descriptors of the products in other
// than uniform registers. So the path becomes a function, which computes what
// it can from the kernel's parameters and the thread's own registers instead of
// having it kept for it.
//
//===----------------------------------------------------------------------===//

#include "FragmentLowering.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;

namespace {

/// What a path uses from above it.
struct Captures {
  llvm::SetVector<Operation *> computed; ///< again in the function, in order
  llvm::SetVector<Value> passed;

  void add(Value value) {
    Operation *op = value.getDefiningOp();
    bool isConstant = op && op->hasTrait<OpTrait::ConstantLike>();
    bool isInteger = value.getType().isIntOrIndex();
    if (!op || !isPure(op) || op->getNumRegions() != 0 ||
        !(isConstant || isInteger)) {
      passed.insert(value);
      return;
    }
    for (Value operand : op->getOperands())
      add(operand);
    computed.insert(op);
  }
};

} // namespace

/// A parameter cannot be an index.
static Type parameterType(Value value) {
  Type type = value.getType();
  return type.isIndex() ? IntegerType::get(type.getContext(), 32) : type;
}

static LLVM::LLVMFuncOp makeFunction(ThreadBuilder &b, Block *path,
                                     const Captures &captures,
                                     LLVM::LLVMFuncOp kernel, StringRef name) {
  SmallVector<Type> types =
      llvm::map_to_vector(captures.passed.getArrayRef(), parameterType);
  b.setInsertionPointAfter(kernel);
  auto function = LLVM::LLVMFuncOp::create(
      b, name,
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                  types),
      LLVM::Linkage::Internal);
  function.setNoInline(true);
  function.setPassthroughAttr(b.getStrArrayAttr({"cold"}));
  b.setInsertionPointToStart(function.addEntryBlock(b));
  IRMapping map;
  for (auto [value, argument] :
       llvm::zip_equal(captures.passed, function.getArguments()))
    map.map(value,
            value.getType().isIndex() ? b.toIndex(argument) : Value(argument));
  for (Operation *op : captures.computed)
    b.clone(*op, map);
  for (Operation &op : path->without_terminator())
    b.clone(op, map);
  LLVM::ReturnOp::create(b, ValueRange());
  return function;
}

static void outline(LLVM::LLVMFuncOp kernel, scf::IfOp branch, StringRef name) {
  Captures captures;
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(branch.getThenRegion(), used);
  llvm::for_each(used, [&](Value value) { captures.add(value); });
  Block *path = branch.thenBlock();
  ThreadBuilder b(branch.getLoc(), branch);
  LLVM::LLVMFuncOp function = makeFunction(b, path, captures, kernel, name);
  Operation *end = path->getTerminator();
  while (&path->front() != end)
    end->getPrevNode()->erase();
  b.setInsertionPoint(end);
  Values arguments = llvm::map_to_vector(captures.passed, [&](Value value) {
    return value.getType().isIndex() ? b.narrow(value) : value;
  });
  LLVM::CallOp::create(b, function, arguments);
}

void attn::nvvm::outlineColdPaths(LLVM::LLVMFuncOp kernel) {
  SmallVector<scf::IfOp> branches;
  kernel.walk([&](scf::IfOp branch) {
    if (branch->removeDiscardableAttr(kColdAttr))
      branches.push_back(branch);
  });
  for (auto [i, branch] : llvm::enumerate(branches))
    outline(kernel, branch, (kernel.getName() + "_cold_" + Twine(i)).str());
}
