//===- KernelOutline.cpp - From a parallel loop to a kernel ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelOutline.h"
#include "Kernels.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "attn/Dialect/Frag/IR/Frag.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;

KernelOutline::KernelOutline(scf::ForallOp loop, gpu::GPUModuleOp module,
                             StringRef name, int64_t threads, bool forward)
    : KernelParameters(loop, module, name, threads, kTensorCoreIndexBits),
      loop(loop), forward(forward) {}

Value KernelOutline::tasksAlong(unsigned dim) {
  Type i32 = b.getI32Type();
  OpFoldResult bound = loop.getMixedUpperBound()[dim];
  Value size;
  if (std::optional<int64_t> constant = getConstantIntValue(bound))
    size = arith::ConstantOp::create(b, b.getI32IntegerAttr(*constant));
  else
    size = arith::IndexCastOp::create(b, i32, get(cast<Value>(bound)));
  int64_t step = *getConstantIntValue(loop.getMixedStep()[dim]);
  Value rows = arith::ConstantOp::create(b, b.getI32IntegerAttr(step));
  Value more = arith::ConstantOp::create(b, b.getI32IntegerAttr(step - 1));
  return arith::DivUIOp::create(b, arith::AddIOp::create(b, size, more), rows);
}

Value KernelOutline::numTasks() {
  Value heads = arith::MulIOp::create(b, tasksAlong(0), tasksAlong(1));
  return arith::MulIOp::create(b, heads, tasksAlong(2));
}

/// Values of the loop's body are computed again for (batch, head, tile).
void KernelOutline::enter(Value batch, Value head, Value tile) {
  map = IRMapping();
  Type i32 = b.getI32Type();
  if (!forward) {
    Value one = arith::ConstantOp::create(b, b.getI32IntegerAttr(1));
    Value last = arith::SubIOp::create(b, tasksAlong(2), one);
    tile = arith::SubIOp::create(b, last, tile);
  }
  int64_t group = *getConstantIntValue(loop.getMixedStep()[2]);
  Value rows = arith::ConstantOp::create(b, i32, b.getI32IntegerAttr(group));
  Value ids[] = {batch, head, arith::MulIOp::create(b, tile, rows)};
  for (auto [iv, id] : llvm::zip_equal(loop.getInductionVars(), ids))
    map.map(iv, arith::IndexCastOp::create(b, b.getIndexType(), id));
}

/// Whether y and z of a grid hold all heads and all batches: what the types do
/// not say is taken to be few, as counting rounds costs the loops instructions.
bool KernelOutline::fitsGrid() {
  SmallVector<OpFoldResult> bounds = loop.getMixedUpperBound();
  return llvm::all_of(ArrayRef(bounds).take_front(2), [](OpFoldResult bound) {
    return getConstantIntValue(bound).value_or(1) <= kMostBlocksAcross;
  });
}

/// Where they do not, heads and batches beyond are further rounds of tiles in
/// x. Counted instead of divided: a division makes ptxas spend 90 instructions
/// more on a masked block.
Value KernelOutline::enterBlockTask() {
  Type i32 = b.getI32Type();
  Value batch = NVVM::BlockIdZOp::create(b, i32);
  Value head = NVVM::BlockIdYOp::create(b, i32);
  Value tile = NVVM::BlockIdXOp::create(b, i32);
  if (fitsGrid()) {
    enter(batch, head, tile);
    return Value();
  }
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  };
  auto compare = [&](arith::CmpIPredicate predicate, Value x,
                     Value y) -> Value {
    return arith::CmpIOp::create(b, predicate, x, y);
  };
  using arith::CmpIPredicate;
  Value tiles = tasksAlong(2), heads = tasksAlong(1), batches = tasksAlong(0);
  Value zero = number(0), across = number(kMostBlocksAcross);
  auto rounds = scf::WhileOp::create(
      b, TypeRange{i32, i32, i32}, ValueRange{tile, zero, zero},
      [&](OpBuilder &, Location, ValueRange x) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(x[0].getParentBlock());
        scf::ConditionOp::create(b, compare(CmpIPredicate::uge, x[0], tiles),
                                 x);
      },
      [&](OpBuilder &, Location, ValueRange x) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(x[0].getParentBlock());
        Value next = arith::AddIOp::create(b, x[1], across);
        Value isLast = compare(CmpIPredicate::uge, next, heads);
        Value more = arith::SelectOp::create(b, isLast, across, zero);
        scf::YieldOp::create(
            b, ValueRange{arith::SubIOp::create(b, x[0], tiles),
                          arith::SelectOp::create(b, isLast, zero, next),
                          arith::AddIOp::create(b, x[2], more)});
      });
  head = arith::AddIOp::create(b, head, rounds.getResult(1));
  batch = arith::AddIOp::create(b, batch, rounds.getResult(2));
  Value exists =
      arith::AndIOp::create(b, compare(CmpIPredicate::ult, head, heads),
                            compare(CmpIPredicate::ult, batch, batches));
  // A block beyond computes nothing, but reads what belongs to its head.
  enter(arith::SelectOp::create(b, exists, batch, zero),
        arith::SelectOp::create(b, exists, head, zero), rounds.getResult(0));
  return exists;
}

void KernelOutline::enterTask(Value task) {
  Value tiles = tasksAlong(2), heads = tasksAlong(1);
  Value rest = arith::DivUIOp::create(b, task, tiles);
  enter(arith::DivUIOp::create(b, rest, heads),
        arith::RemUIOp::create(b, rest, heads),
        arith::RemUIOp::create(b, task, tiles));
}

Value KernelOutline::get(Value value) {
  if (Value known = map.lookupOrNull(value))
    return known;
  if (!isInside(value)) {
    Value inKernel = scalar(value);
    if (inKernel)
      map.map(value, inKernel);
    return inKernel;
  }
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast_or_null<memref::DimOp>(op))
    if (std::optional<int64_t> number = dim.getConstantIndex();
        number && !isInside(dim.getSource()))
      return size(dim.getSource(), *number);
  SmallVector<Value> inputs;
  if (auto load = dyn_cast_or_null<memref::LoadOp>(op)) {
    for (Value index : load.getIndices())
      if (inputs.push_back(get(index)); !inputs.back())
        return nullptr;
    Value loaded = this->load(b, load.getMemRef(), inputs);
    map.map(value, loaded);
    return loaded;
  }
  if (!op || !isPure(op) || op->getNumRegions() != 0 ||
      !value.getType().isIntOrIndexOrFloat()) {
    if (op)
      op->emitError("expects pure scalar code in a task, but found '")
          << op->getName() << "'";
    return nullptr;
  }
  for (Value operand : op->getOperands())
    if (!get(operand))
      return nullptr;
  return b.clone(*op, map)->getResult(cast<OpResult>(value).getResultNumber());
}

Value KernelOutline::tensorMap(Value source, AffineMap layout,
                               int64_t boxRows) {
  auto type = cast<MemRefType>(source.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (isInside(source) || failed(type.getStridesAndOffset(strides, offset)) ||
      strides[getLayoutPosition(layout, 3)] != 1) {
    loop.emitOpError("expects heads whose channels are neighbours in memory, "
                     "in a buffer from above the loop, but got ")
        << type;
    return nullptr;
  }
  Value &known = maps[{source, boxRows}];
  if (known)
    return known;
  Value ordered = source;
  if (!layout.isIdentity()) {
    SmallVector<unsigned> order;
    for (unsigned d = 0; d < 4; ++d)
      order.push_back(getLayoutPosition(layout, d));
    ordered = memref::TransposeOp::create(
        host, source,
        AffineMapAttr::get(
            AffineMap::getPermutationMap(order, host.getContext())));
  }
  Value described = frag::TensorMapOp::create(
      host, ordered, host.getDenseI64ArrayAttr({frag::kPanelColumns, boxRows}));
  return known =
             parameter(described, LLVM::LLVMPointerType::get(b.getContext()),
                       /*isTensorMap=*/true);
}

Value KernelOutline::elementPointer(ImplicitLocOpBuilder &at, Value buffer,
                                    ValueRange indices) {
  auto type = cast<MemRefType>(buffer.getType());
  if (isInside(buffer)) {
    auto view = buffer.getDefiningOp<memref::SubViewOp>();
    if (!view || view.getSourceType().getRank() != type.getRank() ||
        !view.hasUnitStride()) {
      loop.emitOpError("expects views of buffers without strides, but got ")
          << type;
      return nullptr;
    }
    SmallVector<Value> shifted;
    for (auto [index, offset] :
         llvm::zip_equal(indices, view.getMixedOffsets())) {
      Value begin =
          isa<Attribute>(offset)
              ? arith::ConstantIndexOp::create(b, *getConstantIntValue(offset))
                    .getResult()
              : get(cast<Value>(offset));
      if (!begin)
        return nullptr;
      shifted.push_back(at.createOrFold<arith::AddIOp>(begin, index));
    }
    return elementPointer(at, view.getSource(), shifted);
  }
  return addressOf(at, buffer, indices);
}

Value KernelOutline::load(ImplicitLocOpBuilder &at, Value buffer,
                          ValueRange indices) {
  Value pointer = elementPointer(at, buffer, indices);
  if (!pointer)
    return nullptr;
  return loadElement(at, cast<MemRefType>(buffer.getType()).getElementType(),
                     pointer);
}

void KernelOutline::finish(int64_t sharedBytes, int64_t blocks) {
  auto bound = [&](unsigned dim) -> Value {
    Value size = getValueOrCreateConstantIndexOp(
        host, host.getLoc(), loop.getMixedUpperBound()[dim]);
    int64_t step = *getConstantIntValue(loop.getMixedStep()[dim]);
    if (step == 1)
      return size;
    AffineMap map = AffineMap::get(
        0, 1, getAffineSymbolExpr(0, host.getContext()).ceilDiv(step));
    return affine::AffineApplyOp::create(host, map, size);
  };
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(host, value);
  };
  if (blocks)
    return launch({constant(blocks), constant(1), constant(1)}, sharedBytes);
  gpu::KernelDim3 grid{bound(2), bound(1), bound(0)};
  if (fitsGrid())
    return launch(grid, sharedBytes);
  AffineMap across = AffineMap::get(
      0, 1,
      getAffineSymbolExpr(0, host.getContext()).ceilDiv(kMostBlocksAcross));
  for (Value *size : {&grid.y, &grid.z}) {
    Value rounds = affine::AffineApplyOp::create(host, across, *size);
    grid.x = arith::MulIOp::create(host, grid.x, rounds);
    *size = arith::MinSIOp::create(host, *size, constant(kMostBlocksAcross));
  }
  launch(grid, sharedBytes);
}
