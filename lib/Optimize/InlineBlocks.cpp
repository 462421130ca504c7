//===- InlineBlocks.cpp - Blocks come to where their weights are known ----===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A layer that is written once and called with several sets of weights holds
// one attn.mha; what is decided by weights needs one for each set.
//
//===----------------------------------------------------------------------===//

#include "attn/Optimize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Transforms/Inliner.h"

namespace attn {
#define GEN_PASS_DEF_OPTIMIZEINLINEBLOCKSPASS
#include "attn/Optimize/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static bool isConstantTensor(Value value) {
  return isa<RankedTensorType>(value.getType()) &&
         matchPattern(value, m_Constant());
}

/// The arguments of `func` of which the keys and values of each of its blocks
/// with a context are made; none of a block for which more is needed.
static std::vector<SmallVector<unsigned>> keyArguments(func::FuncOp func) {
  std::vector<SmallVector<unsigned>> all;
  func.walk([&](MhaOp op) {
    if (!op.getSource())
      return;
    SmallVector<Value> values{op.getSource(), op.getWeights()[1],
                              op.getWeights()[2]};
    if (!op.getBiases().empty())
      values.append({op.getBiases()[1], op.getBiases()[2]});
    SmallVector<unsigned> numbers;
    for (Value value : values)
      if (auto argument = dyn_cast<BlockArgument>(value);
          argument && argument.getOwner() == &func.front())
        numbers.push_back(argument.getArgNumber());
    if (numbers.size() == values.size())
      all.push_back(numbers);
  });
  return all;
}

/// Keys and values that another call of the same function makes too, or each
/// turn of a loop: attn-split-heads-share-projections makes them once.
static bool sharesKeys(func::CallOp call, func::FuncOp callee,
                       ArrayRef<func::CallOp> calls) {
  for (const SmallVector<unsigned> &numbers : keyArguments(callee)) {
    auto loop = call->getParentOfType<LoopLikeOpInterface>();
    if (loop && llvm::all_of(numbers, [&](unsigned i) {
          return loop.isDefinedOutsideOfLoop(call.getOperand(i));
        }))
      return true;
    for (func::CallOp other : calls)
      if (other != call && other.getCallee() == call.getCallee() &&
          llvm::all_of(numbers, [&](unsigned i) {
            return other.getOperand(i) == call.getOperand(i);
          }))
        return true;
  }
  return false;
}

static SmallVector<func::CallOp> callsIn(func::FuncOp func) {
  SmallVector<func::CallOp> calls;
  func.walk([&](func::CallOp call) { calls.push_back(call); });
  return calls;
}

namespace {
struct OptimizeInlineBlocksPass final
    : attn::impl::OptimizeInlineBlocksPassBase<OptimizeInlineBlocksPass> {
  using Base::Base;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    auto calleeOf = [&](func::CallOp call) {
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      return callee && !callee.isExternal() ? callee : nullptr;
    };
    // Callees first. By hand, because chains of calls may be long.
    llvm::SetVector<func::FuncOp> entered, ready;
    for (auto root : getOperation().getOps<func::FuncOp>()) {
      SmallVector<func::FuncOp> path{root};
      while (!path.empty()) {
        func::FuncOp func = path.back();
        if (entered.insert(func))
          for (func::CallOp call : callsIn(func))
            if (func::FuncOp callee = calleeOf(call);
                callee && !entered.contains(callee))
              path.push_back(callee);
        if (func != path.back())
          continue;
        path.pop_back();
        if (ready.insert(func))
          inlineInto(func, calleeOf, ready);
      }
    }
  }

private:
  /// A callee that is not ready calls `func`, itself or through others.
  void inlineInto(func::FuncOp func,
                  function_ref<func::FuncOp(func::CallOp)> calleeOf,
                  const llvm::SetVector<func::FuncOp> &ready) {
    SmallVector<func::CallOp> calls = callsIn(func), chosen;
    for (func::CallOp call : calls) {
      func::FuncOp callee = calleeOf(call);
      if (!callee || callee == func || !ready.contains(callee) ||
          !holdsBlock(callee) ||
          (!all && llvm::none_of(call.getOperands(), isConstantTensor) &&
           !sharesKeys(call, callee, calls)))
        continue;
      chosen.push_back(call);
    }
    for (func::CallOp call : chosen) {
      func::FuncOp callee = calleeOf(call);
      InlinerInterface interface(&getContext());
      if (succeeded(inlineCall(interface, InlinerConfig().getCloneCallback(),
                               call, callee, &callee.getBody())))
        call.erase();
    }
  }

  static bool holdsBlock(func::FuncOp func) {
    return func.walk([](MhaOp) { return WalkResult::interrupt(); })
        .wasInterrupted();
  }
};
} // namespace
