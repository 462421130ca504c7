//===- GeneralKernel.cpp - What linalg left, one element per thread -------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The way of everything that has no kernel of its own: each linalg op on
// buffers is a launch. The threads of the grid share out the elements of the
// parallel dimensions; a thread walks the others in the order of the op, so
// that a result's bits do not depend on the grid. Sums stay in registers until
// their end.
//
//===----------------------------------------------------------------------===//

#include "KernelParameters.h"
#include "Kernels.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;

static constexpr int64_t kThreads = 256;
/// Beyond, a thread has several elements.
static constexpr int64_t kMostBlocks = 65536;

namespace {
class GeneralKernel : public KernelParameters {
public:
  GeneralKernel(linalg::GenericOp op, gpu::GPUModuleOp module, StringRef name)
      : KernelParameters(op, module, name, kThreads, kGeneralIndexBits), op(op),
        position(op.getNumLoops()) {
    kernel->setAttr(kGeneralAttr, b.getUnitAttr());
  }

  LogicalResult emit();

private:
  LogicalResult check();
  Value sizeOf(unsigned dim);
  Value numElements();
  void place(Value element);
  LogicalResult computeElement();
  FailureOr<SmallVector<Value>> reduce(ArrayRef<unsigned> dims,
                                       ValueRange carried);
  FailureOr<SmallVector<Value>> inlineBody(ValueRange carried);
  LogicalResult cloneBlock(Block &block, IRMapping &map);
  LogicalResult cloneOp(Operation &inner, IRMapping &map);
  Value lookUp(Value value, IRMapping &map);
  Value addressOfOperand(OpOperand &operand);
  Value wide(Value value) {
    return arith::IndexCastOp::create(b, b.getI64Type(), value);
  }

  linalg::GenericOp op;
  SmallVector<OpFoldResult> sizes; ///< of the loops, on the host
  SmallVector<Value> position;     ///< of the element, per loop, in the kernel
  SmallVector<unsigned> parallel, reduction;
};
} // namespace

/// Threads must not write the same element.
LogicalResult GeneralKernel::check() {
  op.getParallelDims(parallel);
  op.getReductionDims(reduction);
  for (OpOperand &init : op.getDpsInitsMutable()) {
    AffineMap map = op.getMatchingIndexingMap(&init);
    auto isFunctionOf = [&](unsigned dim) { return map.isFunctionOfDim(dim); };
    if (!map.isProjectedPermutation() ||
        !llvm::all_of(parallel, isFunctionOf) ||
        llvm::any_of(reduction, isFunctionOf))
      return op.emitOpError("expects one element of each result per step of "
                            "the parallel loops, but got the map ")
             << AffineMapAttr::get(map);
  }
  for (Value operand : op->getOperands())
    if (isa<RankedTensorType>(operand.getType()))
      return op.emitOpError("expects buffers, but got ") << operand.getType();
  return success();
}

Value GeneralKernel::sizeOf(unsigned dim) {
  if (std::optional<int64_t> constant = getConstantIntValue(sizes[dim]))
    return arith::ConstantIndexOp::create(b, *constant);
  return scalar(cast<Value>(sizes[dim]));
}

/// On the host.
Value GeneralKernel::numElements() {
  Value total = arith::ConstantIndexOp::create(host, 1);
  for (unsigned dim : parallel)
    total = host.createOrFold<arith::MulIOp>(
        total, getValueOrCreateConstantIndexOp(host, op.getLoc(), sizes[dim]));
  return total;
}

/// Of the element with this number (i64); the last loop is the fastest.
void GeneralKernel::place(Value element) {
  for (unsigned dim : llvm::reverse(parallel)) {
    Value size = wide(sizeOf(dim));
    position[dim] = arith::IndexCastOp::create(
        b, b.getIndexType(), arith::RemUIOp::create(b, element, size));
    element = arith::DivUIOp::create(b, element, size);
  }
}

Value GeneralKernel::addressOfOperand(OpOperand &operand) {
  SmallVector<Value> indices;
  for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults())
    indices.push_back(
        affine::expandAffineExpr(b, op.getLoc(), expr, position, {}));
  return addressOf(b, operand.get(), indices);
}

//===----------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------===//

Value GeneralKernel::lookUp(Value value, IRMapping &map) {
  if (Value known = map.lookupOrNull(value))
    return known;
  // A value of the body that is not mapped was refused before.
  return isInside(value) ? Value() : scalar(value);
}

LogicalResult GeneralKernel::cloneOp(Operation &inner, IRMapping &map) {
  if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
    map.map(index.getResult(), position[index.getDim()]);
    return success();
  }
  if (auto dim = dyn_cast<memref::DimOp>(inner))
    if (std::optional<int64_t> number = dim.getConstantIndex();
        number && !isInside(dim.getSource())) {
      map.map(dim.getResult(), size(dim.getSource(), *number));
      return success();
    }
  // What nested code does is checked op by op.
  auto load = dyn_cast<memref::LoadOp>(inner);
  if (load ? isInside(load.getMemRef())
      : inner.getNumRegions() == 0
          ? !isMemoryEffectFree(&inner)
          : !inner.hasTrait<OpTrait::HasRecursiveMemoryEffects>())
    return inner.emitOpError("in linalg on a GPU: expects scalar code without "
                             "effects");
  SmallVector<Value> operands;
  for (Value operand :
       load ? ValueRange(load.getIndices()) : ValueRange(inner.getOperands())) {
    operands.push_back(lookUp(operand, map));
    if (!operands.back())
      return failure();
  }
  if (load) {
    Value pointer = addressOf(b, load.getMemRef(), operands);
    map.map(load.getResult(), loadElement(b, load.getType(), pointer));
    return success();
  }
  Operation *copy = inner.cloneWithoutRegions(map);
  copy->setOperands(operands);
  b.insert(copy);
  map.map(inner.getResults(), copy->getResults());
  for (auto [from, to] :
       llvm::zip_equal(inner.getRegions(), copy->getRegions()))
    for (Block &block : from) {
      OpBuilder::InsertionGuard guard(b);
      SmallVector<Location> locs(block.getNumArguments(), op.getLoc());
      Block *body =
          b.createBlock(&to, to.end(), block.getArgumentTypes(), locs);
      map.map(block.getArguments(), body->getArguments());
      if (failed(cloneBlock(block, map)))
        return failure();
    }
  return success();
}

LogicalResult GeneralKernel::cloneBlock(Block &block, IRMapping &map) {
  for (Operation &inner : block)
    if (!isa<linalg::YieldOp>(inner) && failed(cloneOp(inner, map)))
      return failure();
  return success();
}

/// What the op's body yields at `position`, given the results so far.
FailureOr<SmallVector<Value>> GeneralKernel::inlineBody(ValueRange carried) {
  IRMapping map;
  for (OpOperand *input : op.getDpsInputOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(input);
    if (argument.use_empty())
      continue;
    bool isBuffer = isa<MemRefType>(input->get().getType());
    Value value =
        isBuffer ? loadElement(b, argument.getType(), addressOfOperand(*input))
                 : scalar(input->get());
    if (!value)
      return failure();
    map.map(argument, value);
  }
  map.map(op.getRegionOutputArgs(), carried);
  if (failed(cloneBlock(*op.getBlock(), map)))
    return failure();
  SmallVector<Value> results;
  for (Value value : op.getBlock()->getTerminator()->getOperands()) {
    results.push_back(lookUp(value, map));
    if (!results.back())
      return failure();
  }
  return results;
}

/// The op's loops over `dims`, and its body in them.
FailureOr<SmallVector<Value>> GeneralKernel::reduce(ArrayRef<unsigned> dims,
                                                    ValueRange carried) {
  if (dims.empty())
    return inlineBody(carried);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  LogicalResult done = success();
  auto loop = scf::ForOp::create(
      b, zero, sizeOf(dims.front()), one, carried,
      [&](OpBuilder &, Location, Value step, ValueRange inner) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(step.getParentBlock());
        position[dims.front()] = step;
        FailureOr<SmallVector<Value>> next = reduce(dims.drop_front(), inner);
        done = success(succeeded(next));
        scf::YieldOp::create(b, failed(next) ? inner : ValueRange(*next));
      });
  if (failed(done))
    return failure();
  return SmallVector<Value>(loop.getResults());
}

LogicalResult GeneralKernel::computeElement() {
  SmallVector<Value> pointers, before;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    Type element = getElementTypeOrSelf(init.get().getType());
    pointers.push_back(addressOfOperand(init));
    // A loop of no steps leaves what was there.
    bool isRead = op.payloadUsesValueFromOperand(&init) || !reduction.empty();
    before.push_back(isRead ? loadElement(b, element, pointers.back())
                            : Value());
  }
  for (auto [value, init] : llvm::zip(before, op.getDpsInits()))
    if (!value)
      value = arith::ConstantOp::create(
          b, b.getZeroAttr(getElementTypeOrSelf(init.getType())));
  FailureOr<SmallVector<Value>> after = reduce(reduction, before);
  if (failed(after))
    return failure();
  for (auto [value, pointer] : llvm::zip_equal(*after, pointers))
    storeElement(b, value, pointer);
  return success();
}

LogicalResult GeneralKernel::emit() {
  if (failed(check()))
    return failure();
  for (Range range : cast<linalg::LinalgOp>(op.getOperation())
                         .createLoopRanges(host, op.getLoc()))
    sizes.push_back(range.size);
  Value total = numElements();
  Value last =
      parameter(arith::IndexCastOp::create(host, host.getI64Type(), total),
                b.getI64Type());
  auto extend = [&](Value value) -> Value {
    return arith::ExtUIOp::create(b, b.getI64Type(), value);
  };
  Type i32 = b.getI32Type();
  Value threads = arith::ConstantOp::create(b, b.getI64IntegerAttr(kThreads));
  Value block = extend(NVVM::BlockIdXOp::create(b, i32));
  Value first =
      arith::AddIOp::create(b, arith::MulIOp::create(b, block, threads),
                            extend(NVVM::ThreadIdXOp::create(b, i32)));
  Value step = arith::MulIOp::create(
      b, extend(NVVM::GridDimXOp::create(b, i32)), threads);
  LogicalResult done = success();
  scf::ForOp::create(b, first, last, step, ValueRange(),
                     [&](OpBuilder &, Location, Value element, ValueRange) {
                       OpBuilder::InsertionGuard guard(b);
                       b.setInsertionPointToEnd(element.getParentBlock());
                       place(element);
                       done = computeElement();
                       scf::YieldOp::create(b);
                     });
  if (failed(done))
    return failure();
  AffineMap ceil = AffineMap::get(
      0, 1, getAffineSymbolExpr(0, host.getContext()).ceilDiv(kThreads));
  Value blocks = affine::AffineApplyOp::create(host, ceil, total);
  Value most = arith::ConstantIndexOp::create(host, kMostBlocks);
  Value one = arith::ConstantIndexOp::create(host, 1);
  launch({arith::MinSIOp::create(host, blocks, most), one, one},
         /*sharedBytes=*/0);
  return success();
}

LogicalResult attn::nvvm::emitGeneralKernel(linalg::GenericOp op,
                                            gpu::GPUModuleOp module,
                                            StringRef name) {
  return GeneralKernel(op, module, name).emit();
}
