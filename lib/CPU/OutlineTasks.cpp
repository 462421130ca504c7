//===- OutlineTasks.cpp - Parallel loops as calls of the runtime ----------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A task is a function of its own before kernels are emitted, so that equal
// tasks (the layers of an encoder) become one function and are compiled once.
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"

namespace attn {
#define GEN_PASS_DEF_CPUOUTLINETASKSPASS
#include "attn/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// How often each dimension of the loop runs.
static SmallVector<OpFoldResult> getTripCounts(OpBuilder &b,
                                               scf::ForallOp loop) {
  SmallVector<OpFoldResult> counts;
  AffineExpr lower, upper, step;
  bindSymbols(b.getContext(), lower, upper, step);
  for (auto [lb, ub, by] :
       llvm::zip(loop.getMixedLowerBound(), loop.getMixedUpperBound(),
                 loop.getMixedStep()))
    counts.push_back(affine::makeComposedFoldedAffineApply(
        b, loop.getLoc(), (upper - lower).ceilDiv(step), {lb, ub, by}));
  return counts;
}

/// The loop's induction variables for a position in the linearised space; the
/// last dimension runs fastest.
static SmallVector<Value> delinearize(OpBuilder &b, scf::ForallOp loop,
                                      Value index,
                                      ArrayRef<OpFoldResult> counts,
                                      ArrayRef<OpFoldResult> lowers,
                                      ArrayRef<OpFoldResult> steps) {
  Location loc = loop.getLoc();
  SmallVector<Value> ivs(counts.size());
  for (int d = counts.size() - 1; d >= 0; --d) {
    Value position = index;
    if (d > 0) {
      Value count = getValueOrCreateConstantIndexOp(b, loc, counts[d]);
      position = arith::RemUIOp::create(b, loc, index, count);
      index = arith::DivUIOp::create(b, loc, index, count);
    }
    Value step = getValueOrCreateConstantIndexOp(b, loc, steps[d]);
    Value lower = getValueOrCreateConstantIndexOp(b, loc, lowers[d]);
    ivs[d] = arith::AddIOp::create(
        b, loc, arith::MulIOp::create(b, loc, position, step), lower);
  }
  return ivs;
}

namespace {

/// Outlines the parallel loops of one function.
struct Outliner {
  Outliner(func::FuncOp func, SymbolTable &symbols,
           SmallVectorImpl<func::FuncOp> &tasks)
      : func(func), symbols(symbols), tasks(tasks) {}

  void outline(scf::ForallOp loop);

private:
  func::FuncOp insertOrReuse(func::FuncOp task);

  func::FuncOp func;
  SymbolTable &symbols;
  SmallVectorImpl<func::FuncOp> &tasks;
};

} // namespace

/// Inserts the task, or finds one with the same body.
func::FuncOp Outliner::insertOrReuse(func::FuncOp task) {
  for (func::FuncOp other : tasks)
    if (other.getFunctionType() == task.getFunctionType() &&
        OperationEquivalence::isRegionEquivalentTo(
            &other.getBody(), &task.getBody(),
            OperationEquivalence::IgnoreLocations)) {
      task.erase();
      return other;
    }
  symbols.insert(task);
  tasks.push_back(task);
  return task;
}

void Outliner::outline(scf::ForallOp loop) {
  Location loc = loop.getLoc();
  IRRewriter b(loop.getContext());
  b.setInsertionPoint(loop);
  SmallVector<OpFoldResult> counts = getTripCounts(b, loop);
  Value total;
  for (OpFoldResult count : counts) {
    Value factor = getValueOrCreateConstantIndexOp(b, loc, count);
    total = total ? arith::MulIOp::create(b, loc, total, factor) : factor;
  }

  // What the task needs besides its index; constants are made again inside.
  llvm::SetVector<Value> captures;
  getUsedValuesDefinedAbove(loop.getRegion(), captures);
  SmallVector<OpFoldResult> inner(llvm::drop_begin(counts));
  for (const auto &sizes :
       {inner, loop.getMixedLowerBound(), loop.getMixedStep()})
    for (OpFoldResult size : sizes)
      if (auto value = dyn_cast<Value>(size))
        captures.insert(value);
  SmallVector<Value> constants, arguments;
  for (Value value : captures)
    (matchPattern(value, m_Constant()) ? constants : arguments)
        .push_back(value);

  SmallVector<Type> types = {b.getIndexType()};
  llvm::append_range(types, ValueRange(arguments).getTypes());
  auto task = func::FuncOp::create(loc, (func.getName() + "_task").str(),
                                   b.getFunctionType(types, {}));
  task.setPrivate();
  Block *body = task.addEntryBlock();
  IRMapping mapping;
  mapping.map(arguments, body->getArguments().drop_front());
  b.setInsertionPointToStart(body);
  for (Value constant : constants)
    b.clone(*constant.getDefiningOp(), mapping);
  auto mapped = [&](ArrayRef<OpFoldResult> list) {
    return llvm::map_to_vector(list, [&](OpFoldResult size) -> OpFoldResult {
      auto value = dyn_cast<Value>(size);
      return value ? OpFoldResult(mapping.lookupOrDefault(value)) : size;
    });
  };
  SmallVector<Value> ivs = delinearize(
      b, loop, body->getArgument(0), mapped(counts),
      mapped(loop.getMixedLowerBound()), mapped(loop.getMixedStep()));
  mapping.map(loop.getInductionVars(), ivs);
  for (Operation &op : loop.getBody()->without_terminator())
    b.clone(op, mapping);
  func::ReturnOp::create(b, loc);

  task = insertOrReuse(task);
  b.setInsertionPoint(loop);
  ParallelCallOp::create(b, loc, task.getName(), total, arguments);
  b.eraseOp(loop);
}

namespace {
struct CPUOutlineTasksPass final
    : attn::impl::CPUOutlineTasksPassBase<CPUOutlineTasksPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>()),
        tasks;
    for (func::FuncOp func : functions) {
      SmallVector<scf::ForallOp> outer, inner;
      func.walk([&](scf::ForallOp loop) {
        (loop->getParentOfType<scf::ForallOp>() ? inner : outer)
            .push_back(loop);
      });
      // A parallel loop in a task has no threads left to run on.
      IRRewriter rewriter(&getContext());
      for (scf::ForallOp loop : inner) {
        rewriter.setInsertionPoint(loop);
        if (failed(scf::forallToForLoop(rewriter, loop)))
          return signalPassFailure();
      }
      for (scf::ForallOp loop : outer) {
        if (loop.getNumResults() != 0) {
          loop.emitOpError("still has tensor results; expected it on memrefs");
          return signalPassFailure();
        }
        Outliner(func, symbols, tasks).outline(loop);
      }
    }
  }
};
} // namespace
