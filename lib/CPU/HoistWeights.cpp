//===- HoistWeights.cpp - What depends on weights alone, computed once ----===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Splits an entry in two by what it depends on: `f_prepack` runs once per set
// of weights, `f` takes what it made as further arguments. Views of weights
// stay in `f`: they cost nothing there.
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

namespace attn {
#define GEN_PASS_DEF_CPUHOISTWEIGHTSPASS
#include "attn/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// What a value depends on; the larger wins.
enum class Source { Nothing, Weights, Call };

struct Hoister {
  explicit Hoister(func::FuncOp func) : func(func) {}
  void run();

private:
  SmallVector<Value> getDependencies(Operation *op);
  void classify();
  void require(Value value);
  void outline();

  func::FuncOp func;
  llvm::DenseMap<Value, Source> sources;
  llvm::SetVector<Value> hoisted; ///< Results of f_prepack.
};

/// A view or a read that is as cheap in every call as in one.
bool isCheap(Operation *op) {
  return isa<tensor::ExtractSliceOp, tensor::CollapseShapeOp,
             tensor::ExpandShapeOp, tensor::CastOp, tensor::EmptyOp,
             tensor::DimOp, tensor::ExtractOp>(op) ||
         matchPattern(op, m_Constant());
}

} // namespace

SmallVector<Value> Hoister::getDependencies(Operation *op) {
  llvm::SetVector<Value> values;
  values.insert(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  return values.takeVector();
}

void Hoister::classify() {
  for (BlockArgument argument : func.getArguments())
    sources[argument] = func.getArgAttr(argument.getArgNumber(),
                                        AttnDialect::getWeightArgName())
                            ? Source::Weights
                            : Source::Call;
  for (Operation &op : func.front()) {
    Source source = Source::Nothing;
    // A constant tensor is a weight that is known even earlier.
    if (matchPattern(&op, m_Constant()) &&
        isa<RankedTensorType>(op.getResult(0).getType()))
      source = Source::Weights;
    for (Value value : getDependencies(&op))
      source = std::max(source, sources.lookup(value));
    if (!isMemoryEffectFree(&op))
      source = Source::Call;
    for (Value result : op.getResults())
      sources[result] = source;
  }
}

/// Notes what the call needs of a value that it uses.
void Hoister::require(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || sources.lookup(value) != Source::Weights)
    return;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (type && type.hasStaticShape() && !isCheap(op)) {
    hoisted.insert(value);
    return;
  }
  for (Value dependency : getDependencies(op))
    require(dependency);
}

/// Moves the computation of `hoisted` to `f_prepack`.
void Hoister::outline() {
  SmallVector<Type> types =
      llvm::map_to_vector(hoisted, [](Value value) { return value.getType(); });
  OpBuilder builder(func);
  Location loc = func.getLoc();
  auto prepack = func::FuncOp::create(
      builder, loc, (func.getName() + "_prepack").str(),
      builder.getFunctionType(func.getArgumentTypes(), types));
  prepack->setAttr("attn.prepack", builder.getUnitAttr());
  Block *block = prepack.addEntryBlock();

  llvm::SetVector<Operation *> needed;
  SmallVector<Value> worklist(hoisted.begin(), hoisted.end());
  while (!worklist.empty())
    if (Operation *op = worklist.pop_back_val().getDefiningOp())
      if (needed.insert(op))
        llvm::append_range(worklist, getDependencies(op));
  IRMapping mapping;
  mapping.map(func.getArguments(), block->getArguments());
  builder.setInsertionPointToStart(block);
  for (Operation &op : func.front())
    if (needed.contains(&op))
      builder.clone(op, mapping);
  func::ReturnOp::create(builder, loc,
                         llvm::map_to_vector(hoisted, [&](Value value) {
                           return mapping.lookup(value);
                         }));

  for (Value value : hoisted) {
    unsigned position = func.getNumArguments();
    (void)func.insertArgument(position, value.getType(), {}, value.getLoc());
    value.replaceAllUsesWith(func.getArgument(position));
  }
  func->setAttr("attn.packed", builder.getTypeArrayAttr(types));
}

void Hoister::run() {
  classify();
  for (Operation &op : func.front()) {
    bool inCall = op.hasTrait<OpTrait::IsTerminator>() ||
                  !isMemoryEffectFree(&op) ||
                  llvm::any_of(op.getResults(), [&](Value result) {
                    return sources.lookup(result) == Source::Call;
                  });
    if (inCall)
      for (Value value : getDependencies(&op))
        require(value);
  }
  if (!hoisted.empty())
    outline();
}

namespace {
struct CPUHoistWeightsPass final
    : attn::impl::CPUHoistWeightsPassBase<CPUHoistWeightsPass> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> entries;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (func.isPublic() && !func.isExternal() && func.getBody().hasOneBlock())
        entries.push_back(func);
    for (func::FuncOp func : entries)
      Hoister(func).run();
  }
};
} // namespace
