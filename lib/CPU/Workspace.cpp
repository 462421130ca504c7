//===- Workspace.cpp - Buffers in memory that the caller brings -----------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An allocator in the way of every call costs time and takes locks. The buffers
// of an entry become places in its workspace argument, a place is used again
// when its buffer is dead and the next one is as large, and the sum of all
// places, computed from the inputs' sizes alone, is what `f_workspace` returns.
// Small buffers of a task lie on the thread's stack.
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_CPUWORKSPACEPASS
#include "attn/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

constexpr int64_t kAlignment = 64;
/// The largest buffer on a thread's stack.
constexpr int64_t kStackBytes = 32768;

/// Bytes as a composed expression of sizes, so that equal sizes compare equal.
struct ByteSize {
  AffineMap map;
  SmallVector<Value> operands;

  bool operator==(const ByteSize &other) const {
    return map == other.map && operands == other.operands;
  }
};

struct Place {
  ByteSize size;
  Value offset;
  unsigned lastUse; ///< Position in the body of the last op that uses it.
};

/// Gives the buffers of `f_body` places in its last argument.
struct Planner {
  Planner(func::FuncOp body, func::FuncOp workspace, func::FuncOp dims)
      : body(body), workspace(workspace), dims(dims), aliases(body) {
    for (auto [i, op] : llvm::enumerate(body.front()))
      positions[&op] = i;
  }
  void run();

private:
  ByteSize getSize(memref::AllocOp alloc);
  bool isSizeKnown(Value value);
  unsigned getLastUse(memref::AllocOp alloc);
  void place(memref::AllocOp alloc);
  Value cloneIntoWorkspace(OpBuilder &b, Value value, IRMapping &mapping);

  func::FuncOp body, workspace, dims;
  BufferViewFlowAnalysis aliases;
  llvm::DenseMap<Operation *, unsigned> positions;
  SmallVector<Place> places;
  Value end; ///< Bytes in use so far.
};

int64_t getElementBytes(MemRefType type) {
  Type element = type.getElementType();
  return element.isIndex()
             ? 8
             : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

/// The op of the function's outermost block that contains `op`.
Operation *getTopLevel(func::FuncOp func, Operation *op) {
  return func.front().findAncestorOpInBlock(*op);
}

} // namespace

/// The bytes of the buffer, rounded up to whole lines.
ByteSize Planner::getSize(memref::AllocOp alloc) {
  MLIRContext *context = alloc.getContext();
  MemRefType type = alloc.getType();
  AffineExpr bytes = getAffineConstantExpr(getElementBytes(type), context);
  SmallVector<Value> operands;
  for (auto [d, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      bytes = bytes * size;
      continue;
    }
    bytes = bytes * getAffineSymbolExpr(operands.size(), context);
    operands.push_back(alloc.getDynamicSizes()[operands.size()]);
  }
  AffineMap map = AffineMap::get(0, operands.size(),
                                 bytes.ceilDiv(kAlignment) * kAlignment);
  affine::fullyComposeAffineMapAndOperands(&map, &operands);
  affine::canonicalizeMapAndOperands(&map, &operands);
  return {simplifyAffineMap(map), operands};
}

/// True when `f_workspace` can compute the value.
bool Planner::isSizeKnown(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getOwner() == &body.front() &&
           argument.getArgNumber() < workspace.getNumArguments();
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    auto source = dyn_cast<BlockArgument>(dim.getSource());
    return source && source.getOwner() == &body.front() &&
           dim.getConstantIndex();
  }
  return isa<arith::ArithDialect, affine::AffineDialect>(op->getDialect()) &&
         op->getNumRegions() == 0 &&
         llvm::all_of(op->getOperands(),
                      [&](Value operand) { return isSizeKnown(operand); });
}

unsigned Planner::getLastUse(memref::AllocOp alloc) {
  unsigned last = positions[getTopLevel(body, alloc)];
  for (Value alias : aliases.resolve(alloc))
    for (Operation *user : alias.getUsers())
      if (Operation *top = getTopLevel(body, user))
        last = std::max(last, positions[top]);
  return last;
}

void Planner::place(memref::AllocOp alloc) {
  ByteSize size = getSize(alloc);
  // A buffer in a loop or a branch keeps its place for all of it.
  Operation *top = getTopLevel(body, alloc);
  unsigned first = positions[top], last = getLastUse(alloc);
  ImplicitLocOpBuilder b(alloc.getLoc(), top);
  auto *reused = llvm::find_if(places, [&](const Place &place) {
    return place.lastUse < first && place.size == size;
  });
  if (reused == places.end()) {
    OpFoldResult bytes = affine::makeComposedFoldedAffineApply(
        b, b.getLoc(), size.map, getAsOpFoldResult(size.operands));
    places.push_back({size, end, last});
    reused = std::prev(places.end());
    end = arith::AddIOp::create(
        b, end, getValueOrCreateConstantIndexOp(b, b.getLoc(), bytes));
  }
  reused->lastUse = last;
  b.setInsertionPoint(alloc);
  Value view =
      memref::ViewOp::create(b, alloc.getType(), body.getArguments().back(),
                             reused->offset, alloc.getDynamicSizes());
  alloc.replaceAllUsesWith(view);
  alloc.erase();
}

/// Computes a value of `f_body` from the arguments of `f_workspace`.
Value Planner::cloneIntoWorkspace(OpBuilder &b, Value value,
                                  IRMapping &mapping) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    unsigned number = cast<BlockArgument>(dim.getSource()).getArgNumber();
    if (number >= workspace.getNumArguments()) {
      // The size of an output is what f_dims says. Packed weights are static.
      unsigned position = 0;
      for (unsigned i = workspace.getNumArguments(); i < number; ++i)
        position +=
            cast<MemRefType>(body.getArgumentTypes()[i]).getNumDynamicDims();
      auto type = cast<MemRefType>(dim.getSource().getType());
      position += type.getDynamicDimIndex(*dim.getConstantIndex());
      auto call =
          func::CallOp::create(b, dim.getLoc(), dims, workspace.getArguments());
      return call.getResult(position);
    }
  }
  for (Value operand : op->getOperands())
    if (!mapping.contains(operand))
      mapping.map(operand, cloneIntoWorkspace(b, operand, mapping));
  b.clone(*op, mapping);
  return mapping.lookup(value);
}

void Planner::run() {
  SmallVector<memref::AllocOp> allocs;
  body.walk([&](memref::AllocOp alloc) {
    if (alloc->getParentOfType<scf::ForallOp>())
      return;
    // A buffer that a loop hands to its next turn is not one place.
    bool carried = llvm::any_of(aliases.resolve(alloc), [](Value alias) {
      return llvm::any_of(alias.getUsers(), [](Operation *user) {
        return isa<scf::YieldOp>(user) &&
               isa<LoopLikeOpInterface>(user->getParentOp());
      });
    });
    ByteSize size = getSize(alloc);
    Operation *top = getTopLevel(body, alloc);
    if (!carried && llvm::all_of(size.operands, [&](Value operand) {
          Operation *op = operand.getDefiningOp();
          return isSizeKnown(operand) &&
                 (!op || (op->getBlock() == &body.front() &&
                          op->isBeforeInBlock(top)));
        }))
      allocs.push_back(alloc);
  });
  OpBuilder start = OpBuilder::atBlockBegin(&body.front());
  end = arith::ConstantIndexOp::create(start, body.getLoc(), 0);
  for (memref::AllocOp alloc : allocs)
    place(alloc);

  Operation *result = workspace.front().getTerminator();
  OpBuilder b(result);
  IRMapping mapping;
  mapping.map(body.getArguments().take_front(workspace.getNumArguments()),
              workspace.getArguments());
  Value bytes = cloneIntoWorkspace(b, end, mapping);
  bytes =
      arith::IndexCastOp::create(b, result->getLoc(), b.getI64Type(), bytes);
  result->setOperand(0, bytes);
}

/// Puts small buffers on the stack of the task and frees the others where
/// their block ends.
static void settleOtherBuffers(func::FuncOp func) {
  BufferViewFlowAnalysis aliases(func);
  SmallVector<memref::AllocOp> allocs;
  func.walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
  for (memref::AllocOp alloc : allocs) {
    Operation *end = alloc->getBlock()->getTerminator();
    bool escapes = llvm::any_of(aliases.resolve(alloc), [&](Value alias) {
      return llvm::is_contained(end->getOperands(), alias);
    });
    MemRefType type = alloc.getType();
    bool small = type.hasStaticShape() &&
                 type.getNumElements() * getElementBytes(type) <= kStackBytes;
    if (small && !escapes) {
      OpBuilder b = OpBuilder::atBlockBegin(&func.front());
      // In a parallel loop each turn has its own.
      if (auto loop = alloc->getParentOfType<scf::ForallOp>())
        b.setInsertionPointToStart(loop.getBody());
      auto stack = memref::AllocaOp::create(b, alloc.getLoc(), type,
                                            b.getI64IntegerAttr(kAlignment));
      alloc.replaceAllUsesWith(stack.getResult());
      alloc.erase();
    } else if (!escapes) {
      OpBuilder b(end);
      memref::DeallocOp::create(b, alloc.getLoc(), alloc);
    }
  }
}

namespace {
struct CPUWorkspacePass final
    : attn::impl::CPUWorkspacePassBase<CPUWorkspacePass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto body : getOperation().getOps<func::FuncOp>()) {
      StringRef name = body.getName();
      if (!name.consume_back("_body"))
        continue;
      auto workspace =
          symbols.lookup<func::FuncOp>((name + "_workspace").str());
      auto dims = symbols.lookup<func::FuncOp>((name + "_dims").str());
      if (workspace && dims)
        Planner(body, workspace, dims).run();
    }
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (!func.isExternal())
        settleOtherBuffers(func);
  }
};
} // namespace
