//===- Loops.cpp - linalg on memrefs to loops that LLVM vectorises --------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream's loops keep the accumulator of a reduction in memory, where LLVM
// has to prove that nothing else points to it. Here an innermost reduction is
// carried by the loop, and its sum may be reassociated, so that it becomes
// vector code; everything else is a nest of loads, the body, and stores. What
// an inner loop does not change is loaded outside of it: the row that a gather
// copies has an address there that LLVM can compare with the destination's.
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_CPULOOPSPASS
#include "attn/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// Emits the loops of one op.
class LoopNest {
public:
  explicit LoopNest(linalg::LinalgOp op)
      : op(op), b(op.getLoc(), op), body(op.getBlock()) {
    for (Range range : op.createLoopRanges(b, b.getLoc()))
      bounds.push_back(
          getValueOrCreateConstantIndexOp(b, b.getLoc(), range.size));
    zero = arith::ConstantIndexOp::create(b, 0);
    one = arith::ConstantIndexOp::create(b, 1);
    numOuter = bounds.size() - countCarriedLoops();
  }

  void emit() {
    loadInputs();
    emitLoops(0);
  }

private:
  unsigned countCarriedLoops();
  void emitLoops(unsigned depth);
  SmallVector<Value> emitCarried(unsigned depth, ValueRange accumulators);
  SmallVector<Value> emitBody(ValueRange accumulators);
  SmallVector<Value> getIndices(OpOperand &operand);
  unsigned loopsAround(OpOperand &input);
  void loadInputs();
  SmallVector<Value> loadInits();
  void storeResults(ValueRange results);

  linalg::LinalgOp op;
  ImplicitLocOpBuilder b;
  Block *body;
  SmallVector<Value> bounds, ivs;
  IRMapping mapping; ///< From the body to what has been emitted.
  Value zero, one;
  unsigned numOuter; ///< Loops outside of the carried ones.
};

} // namespace

/// The innermost reduction loops that no result is indexed by.
unsigned LoopNest::countCarriedLoops() {
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  unsigned count = 0;
  for (int d = iterators.size() - 1; d >= 0; --d, ++count) {
    if (iterators[d] != utils::IteratorType::reduction)
      break;
    for (OpOperand &init : op.getDpsInitsMutable())
      if (op.getMatchingIndexingMap(&init).isFunctionOfDim(d))
        return count;
  }
  return count;
}

SmallVector<Value> LoopNest::getIndices(OpOperand &operand) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  // Outside of the carried loops their indices do not matter.
  SmallVector<OpFoldResult> dims = getAsOpFoldResult(ivs);
  dims.resize(bounds.size(), b.getIndexAttr(0));
  SmallVector<Value> indices;
  for (AffineExpr result : map.getResults()) {
    OpFoldResult index = affine::makeComposedFoldedAffineApply(
        b, b.getLoc(), AffineMap::get(map.getNumDims(), 0, result), dims);
    indices.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), index));
  }
  return indices;
}

SmallVector<Value> LoopNest::loadInits() {
  SmallVector<Value> values;
  // The value before is only read where the body looks at it.
  for (OpOperand &init : op.getDpsInitsMutable())
    values.push_back(
        op.payloadUsesValueFromOperand(&init)
            ? memref::LoadOp::create(b, init.get(), getIndices(init))
                  .getResult()
            : Value());
  return values;
}

void LoopNest::storeResults(ValueRange results) {
  for (auto [result, init] : llvm::zip(results, op.getDpsInitsMutable()))
    memref::StoreOp::create(b, result, init.get(), getIndices(init));
}

/// How many loops an input is loaded in: as few as its indices allow. Computed
/// indices are known to be within bounds in the innermost loop only.
unsigned LoopNest::loopsAround(OpOperand &input) {
  AffineMap map = op.getMatchingIndexingMap(&input);
  if (!map.isProjectedPermutation())
    return bounds.size();
  unsigned count = 0;
  for (AffineExpr result : map.getResults())
    count = std::max(count, cast<AffineDimExpr>(result).getPosition() + 1);
  return count;
}

/// Loads the inputs that the loop just entered was the last to change. No
/// result is stored to them: bufferization keeps what is read apart from what
/// is written at other indices.
void LoopNest::loadInputs() {
  for (OpOperand *input : op.getDpsInputOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(input);
    if (argument.use_empty() || loopsAround(*input) != ivs.size())
      continue;
    Value value = input->get();
    if (isa<MemRefType>(value.getType()))
      value = memref::LoadOp::create(b, value, getIndices(*input));
    mapping.map(argument, value);
  }
}

/// The body for the current indices, on these values of the results.
SmallVector<Value> LoopNest::emitBody(ValueRange accumulators) {
  for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), accumulators))
    if (value)
      mapping.map(op.getMatchingBlockArgument(&init), value);
  for (Operation &inner : body->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      mapping.map(index.getResult(), ivs[index.getDim()]);
      continue;
    }
    Operation *clone = b.clone(inner, mapping);
    clone->walk([&](linalg::IndexOp index) {
      index.replaceAllUsesWith(ivs[index.getDim()]);
      index.erase();
    });
  }
  return llvm::map_to_vector(
      body->getTerminator()->getOperands(),
      [&](Value value) { return mapping.lookupOrDefault(value); });
}

/// Allows to sum in any order: v = acc + x, as the accumulator's only use.
static void allowReassociation(Value accumulator, Value next) {
  if (!accumulator.hasOneUse())
    return;
  auto add = next.getDefiningOp<arith::AddFOp>();
  if (!add || *accumulator.getUsers().begin() != add)
    return;
  add.setFastmath(add.getFastmath() | arith::FastMathFlags::reassoc);
}

SmallVector<Value> LoopNest::emitCarried(unsigned depth,
                                         ValueRange accumulators) {
  if (depth == bounds.size())
    return emitBody(accumulators);
  auto loop = scf::ForOp::create(b, zero, bounds[depth], one, accumulators);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  ivs.push_back(loop.getInductionVar());
  loadInputs();
  SmallVector<Value> next = emitCarried(depth + 1, loop.getRegionIterArgs());
  ivs.pop_back();
  scf::YieldOp::create(b, next);
  if (depth + 1 == bounds.size())
    for (auto [accumulator, value] : llvm::zip(loop.getRegionIterArgs(), next))
      allowReassociation(accumulator, value);
  return SmallVector<Value>(loop.getResults());
}

void LoopNest::emitLoops(unsigned depth) {
  if (depth < numOuter) {
    auto loop = scf::ForOp::create(b, zero, bounds[depth], one);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    ivs.push_back(loop.getInductionVar());
    loadInputs();
    emitLoops(depth + 1);
    ivs.pop_back();
    return;
  }
  SmallVector<Value> inits = loadInits();
  if (numOuter == bounds.size()) {
    storeResults(emitBody(inits));
    return;
  }
  // A result that does not read itself is still carried: its last value counts.
  for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), inits))
    if (!value)
      value = memref::LoadOp::create(b, init.get(), getIndices(init));
  storeResults(emitCarried(depth, inits));
}

namespace {
struct CPULoopsPass final : attn::impl::CPULoopsPassBase<CPULoopsPass> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    for (linalg::LinalgOp op : ops) {
      if (!op.hasPureBufferSemantics()) {
        op.emitOpError("is still on tensors; expected it on memrefs");
        return signalPassFailure();
      }
      LoopNest(op).emit();
      op.erase();
    }
  }
};
} // namespace
