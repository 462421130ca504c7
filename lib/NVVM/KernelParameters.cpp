//===- KernelParameters.cpp - A kernel and what it is given ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelParameters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace attn::nvvm;

KernelParameters::KernelParameters(Operation *source, gpu::GPUModuleOp module,
                                   StringRef name, int64_t threads,
                                   unsigned indexBits)
    : b(source->getLoc(), source->getContext()), host(source->getLoc(), source),
      source(source), threads(threads), indexBits(indexBits) {
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

bool KernelParameters::isInside(Value value) {
  return source->isAncestor(value.getParentRegion()->getParentOp());
}

Value KernelParameters::parameter(Value hostValue, Type type,
                                  bool isTensorMap) {
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

/// What a list of launches cannot say, and is computed again in the kernel: the
/// list knows integers, and floats that are arguments.
static bool isOfKernel(Operation *op, Type type) {
  auto isNumber = [](Type operand) { return operand.isIntOrIndexOrFloat(); };
  return op && isa<FloatType>(type) && op->getNumRegions() == 0 && isPure(op) &&
         llvm::all_of(op->getOperandTypes(), isNumber);
}

/// Behind the ops of the entry that make `operands`.
static void setInsertionPointBehind(OpBuilder &b, Block &entry,
                                    ValueRange operands) {
  b.setInsertionPointToStart(&entry);
  Operation *last = nullptr;
  for (Value operand : operands)
    if (Operation *op = operand.getDefiningOp();
        op && (!last || last->isBeforeInBlock(op)))
      last = op;
  if (last)
    b.setInsertionPointAfter(last);
}

Value KernelParameters::scalar(Value value) {
  if (!value.getType().isIntOrIndexOrFloat()) {
    source->emitOpError("expects numbers and buffers as the values of a "
                        "kernel, but got ")
        << value.getType();
    return nullptr;
  }
  if (Value known = scalars.lookup(value))
    return known;
  OpBuilder::InsertionGuard guard(b);
  Block &entry = kernel.getBody().front();
  Operation *op = value.getDefiningOp();
  Value inKernel;
  if (op && op->hasTrait<OpTrait::ConstantLike>()) {
    b.setInsertionPointToStart(&entry);
    inKernel = b.clone(*op)->getResult(0);
  } else if (isOfKernel(op, value.getType())) {
    IRMapping map;
    for (Value operand : op->getOperands())
      map.map(operand, scalar(operand));
    setInsertionPointBehind(
        b, entry, llvm::map_to_vector(op->getOperands(), [&](Value operand) {
          return map.lookup(operand);
        }));
    inKernel = b.clone(*op, map)->getResult(0);
  } else if (value.getType().isIndex()) {
    // Cast on the host, where an index always has 64 bits.
    Type type = b.getIntegerType(indexBits);
    Value cast = arith::IndexCastOp::create(host, type, value);
    Value argument = parameter(cast, type);
    b.setInsertionPointToStart(&entry);
    inKernel = arith::IndexCastOp::create(b, b.getIndexType(), argument);
  } else if (value.getType().isInteger(1)) {
    Value cast = arith::ExtUIOp::create(host, host.getI32Type(), value);
    Value argument = parameter(cast, b.getI32Type());
    b.setInsertionPointToStart(&entry);
    inKernel = arith::TruncIOp::create(b, b.getI1Type(), argument);
  } else {
    inKernel = parameter(value, value.getType());
  }
  scalars[value] = inKernel;
  return inKernel;
}

Value KernelParameters::size(Value buffer, int64_t dim) {
  auto type = cast<MemRefType>(buffer.getType());
  if (!type.isDynamicDim(dim))
    return arith::ConstantIndexOp::create(b, type.getDimSize(dim));
  Value &onHost = sizes[{buffer, dim}];
  if (!onHost)
    onHost = memref::DimOp::create(host, buffer, dim);
  return scalar(onHost);
}

Value KernelParameters::stride(ImplicitLocOpBuilder &at, Value buffer,
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

Value KernelParameters::addressOf(ImplicitLocOpBuilder &at, Value buffer,
                                  ValueRange indices) {
  auto type = cast<MemRefType>(buffer.getType());
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

Value KernelParameters::loadElement(ImplicitLocOpBuilder &at, Type element,
                                    Value pointer) {
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

void KernelParameters::storeElement(ImplicitLocOpBuilder &at, Value value,
                                    Value pointer) {
  if (value.getType().isIndex())
    value = arith::IndexCastOp::create(at, at.getI64Type(), value);
  else if (value.getType().isInteger(1))
    value = arith::ExtUIOp::create(at, at.getI8Type(), value);
  LLVM::StoreOp::create(at, value, pointer);
}

void KernelParameters::launch(gpu::KernelDim3 grid, int64_t sharedBytes) {
  LLVM::ReturnOp::create(b, ValueRange());
  kernel.setFunctionType(LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()),
      llvm::to_vector(kernel.getBody().front().getArgumentTypes())));
  kernel.setAllArgAttrs(attributes);
  Value one = arith::ConstantIndexOp::create(host, 1);
  gpu::KernelDim3 block{arith::ConstantIndexOp::create(host, threads), one,
                        one};
  Value shared = arith::ConstantOp::create(
      host, host.getI32IntegerAttr(int32_t(sharedBytes)));
  auto symbol = SymbolRefAttr::get(
      kernel->getParentOfType<gpu::GPUModuleOp>().getNameAttr(),
      {FlatSymbolRefAttr::get(kernel.getNameAttr())});
  gpu::LaunchFuncOp::create(host, symbol, grid, block, shared, operands);
  source->erase();
}
