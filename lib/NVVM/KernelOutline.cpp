//===- KernelOutline.cpp - From a parallel loop to a kernel ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelOutline.h"

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
    : b(loop.getLoc(), loop.getContext()), loop(loop), threads(threads),
      forward(forward), host(loop.getLoc(), loop) {
  b.setInsertionPointToEnd(module.getBody());
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {});
  kernel = LLVM::LLVMFuncOp::create(b, name, type);
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  kernel->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), b.getUnitAttr());
  // Without the number of threads ptxas ignores setmaxnreg.
  kernel->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(),
                  b.getDenseI32ArrayAttr({int32_t(threads)}));
  kernel->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                  b.getI32IntegerAttr(1));
  b.setInsertionPointToStart(kernel.addEntryBlock(b));
}

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

void KernelOutline::enterBlockTask() {
  Type i32 = b.getI32Type();
  enter(NVVM::BlockIdZOp::create(b, i32), NVVM::BlockIdYOp::create(b, i32),
        NVVM::BlockIdXOp::create(b, i32));
}

void KernelOutline::enterTask(Value task) {
  Value tiles = tasksAlong(2), heads = tasksAlong(1);
  Value rest = arith::DivUIOp::create(b, task, tiles);
  enter(arith::DivUIOp::create(b, rest, heads),
        arith::RemUIOp::create(b, rest, heads),
        arith::RemUIOp::create(b, task, tiles));
}

bool KernelOutline::isInLoop(Value value) {
  return loop->isAncestor(value.getParentRegion()->getParentOp());
}

Value KernelOutline::parameter(Value hostValue, Type type, bool isTensorMap) {
  Value &known = parameters[hostValue];
  if (known)
    return known;
  NamedAttrList attrs;
  if (isTensorMap) {
    attrs.set(LLVM::LLVMDialect::getByValAttrName(),
              TypeAttr::get(LLVM::LLVMArrayType::get(b.getI8Type(), 128)));
    attrs.set(LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(64));
    attrs.set(NVVM::NVVMDialect::getGridConstantAttrName(), b.getUnitAttr());
  }
  operands.push_back(hostValue);
  attributes.push_back(attrs.getDictionary(b.getContext()));
  return known = kernel.getBody().front().addArgument(type, b.getLoc());
}

/// A number from above the loop, at the kernel's entry.
Value KernelOutline::scalarParameter(Value value) {
  OpBuilder::InsertionGuard guard(b);
  Block &entry = kernel.getBody().front();
  if (Operation *op = value.getDefiningOp();
      op && op->hasTrait<OpTrait::ConstantLike>()) {
    b.setInsertionPointToStart(&entry);
    return b.clone(*op)->getResult(0);
  }
  if (!value.getType().isIndex())
    return parameter(value, value.getType());
  // Cast on the host: an index is 64 bits wide there and 32 here.
  Value &narrow = parameters[value];
  if (!narrow) {
    Value cast = arith::IndexCastOp::create(host, host.getI32Type(), value);
    Value argument = parameter(cast, b.getI32Type());
    b.setInsertionPointToStart(&entry);
    narrow = arith::IndexCastOp::create(b, b.getIndexType(), argument);
    parameters[value] = narrow;
  }
  return parameters[value];
}

Value KernelOutline::size(Value buffer, int64_t dim) {
  auto type = cast<MemRefType>(buffer.getType());
  if (!type.isDynamicDim(dim))
    return arith::ConstantIndexOp::create(b, type.getDimSize(dim));
  Value &onHost = sizes[{buffer, dim}];
  if (!onHost)
    onHost = memref::DimOp::create(host, buffer, dim);
  return get(onHost);
}

/// Elements from one index of dimension `dim` to the next, i64.
Value KernelOutline::stride(ImplicitLocOpBuilder &at, Value buffer,
                            int64_t dim) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (succeeded(type.getStridesAndOffset(strides, offset)) &&
      !ShapedType::isDynamic(strides[dim]))
    return arith::ConstantOp::create(at, at.getI64IntegerAttr(strides[dim]));
  Value &onHost = this->strides[{buffer, dim}];
  if (!onHost) {
    auto parts = memref::ExtractStridedMetadataOp::create(host, buffer);
    onHost = arith::IndexCastOp::create(host, host.getI64Type(),
                                        parts.getStrides()[dim]);
  }
  return parameter(onHost, at.getI64Type());
}

Value KernelOutline::get(Value value) {
  if (Value known = map.lookupOrNull(value))
    return known;
  if (!isInLoop(value)) {
    if (!value.getType().isIntOrIndexOrFloat()) {
      loop.emitOpError("expects numbers and buffers as the values of a kernel, "
                       "but got ")
          << value.getType();
      return nullptr;
    }
    Value inKernel = scalarParameter(value);
    map.map(value, inKernel);
    return inKernel;
  }
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast_or_null<memref::DimOp>(op))
    if (std::optional<int64_t> number = dim.getConstantIndex();
        number && !isInLoop(dim.getSource()))
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
  if (isInLoop(source) || failed(type.getStridesAndOffset(strides, offset)) ||
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
  if (isInLoop(buffer)) {
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
  // In 64 bits: a bias may have more than 2^31 elements.
  Type wide = at.getI64Type();
  bool isRowMajor = type.getLayout().isIdentity();
  Value offset;
  for (auto [dim, index] : llvm::enumerate(indices)) {
    Value step = arith::IndexCastOp::create(at, wide, index);
    if (!isRowMajor)
      step = arith::MulIOp::create(at, step, stride(at, buffer, dim));
    else if (offset)
      offset = arith::MulIOp::create(
          at, offset, arith::IndexCastOp::create(at, wide, size(buffer, dim)));
    offset =
        offset ? arith::AddIOp::create(at, offset, step).getResult() : step;
  }
  auto pointer = LLVM::LLVMPointerType::get(at.getContext(), 1);
  Value base = parameter(buffer, pointer);
  if (!offset)
    return base;
  Type element = type.getElementType();
  if (element.isIndex())
    element = wide;
  else if (element.isInteger(1))
    element = at.getI8Type();
  return LLVM::GEPOp::create(at, pointer, element, base,
                             ArrayRef<LLVM::GEPArg>{offset});
}

Value KernelOutline::load(ImplicitLocOpBuilder &at, Value buffer,
                          ValueRange indices) {
  Value pointer = elementPointer(at, buffer, indices);
  if (!pointer)
    return nullptr;
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  if (element.isIndex())
    return arith::IndexCastOp::create(
        at, element, LLVM::LoadOp::create(at, at.getI64Type(), pointer));
  if (element.isInteger(1)) {
    Value byte = LLVM::LoadOp::create(at, at.getI8Type(), pointer);
    Value zero = arith::ConstantOp::create(at, at.getI8IntegerAttr(0));
    return arith::CmpIOp::create(at, arith::CmpIPredicate::ne, byte, zero);
  }
  return LLVM::LoadOp::create(at, element, pointer);
}

void KernelOutline::finish(int64_t sharedBytes, int64_t blocks) {
  LLVM::ReturnOp::create(b, ValueRange());
  kernel.setFunctionType(LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()),
      llvm::to_vector(kernel.getBody().front().getArgumentTypes())));
  kernel.setAllArgAttrs(attributes);

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
  // Batch and head apart: each may be 65535, and with both in x a kernel would
  // divide, after which ptxas needs 90 instructions more for a masked block.
  gpu::KernelDim3 grid =
      blocks ? gpu::KernelDim3{constant(blocks), constant(1), constant(1)}
             : gpu::KernelDim3{bound(2), bound(1), bound(0)};
  gpu::KernelDim3 block{constant(threads), constant(1), constant(1)};
  Value shared = arith::ConstantOp::create(
      host, host.getI32IntegerAttr(int32_t(sharedBytes)));
  auto symbol = SymbolRefAttr::get(
      kernel->getParentOfType<gpu::GPUModuleOp>().getNameAttr(),
      {FlatSymbolRefAttr::get(kernel.getNameAttr())});
  gpu::LaunchFuncOp::create(host, symbol, grid, block, shared, operands);
  loop.erase();
}
