//===- EmulationMemory.cpp - Loads, stores and addresses for the emulator -===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every access goes through an address that the emulator has checked. Shared
// pointers are 32-bit offsets until then. Ops of the llvm dialect that compute
// on values alone stay as they are.
//
//===----------------------------------------------------------------------===//

#include "lib/NVVM/Emulation.h"

#include "mlir/Interfaces/DataLayoutInterfaces.h"

using namespace mlir;
using namespace attn::emulation;

/// What the emulator's address functions call their access.
enum AccessKind : int32_t { kRead, kWrite, kReadWrite };

/// Memory of the function itself needs no check.
static bool isLocal(Value pointer) {
  while (auto gep = pointer.getDefiningOp<LLVM::GEPOp>())
    pointer = gep.getBase();
  return pointer.getDefiningOp<LLVM::AllocaOp>() ||
         addressSpaceOf(pointer.getType()) == kLocal ||
         addressSpaceOf(pointer.getType()) == kConstant;
}

LogicalResult Rewriter::checkAccess(Operation *op, unsigned pointer, Type type,
                                    uint64_t align, int32_t access) {
  Value address = op->getOperand(pointer);
  if (isLocal(address))
    return success();
  DataLayout layout = DataLayout::closest(op);
  uint64_t bytes = layout.getTypeSize(type);
  if (!align)
    align = layout.getTypeABIAlignment(type);
  SmallVector<Value> operands{address, constant(bytes), constant(align),
                              constant(access)};
  StringRef function;
  switch (*addressSpaceOf(address.getType())) {
  case kShared:
  case kSharedCluster:
    function = "shared_address";
    operands[0] = sharedAddress(address);
    break;
  case kGlobal:
    function = "global_address";
    break;
  case kGeneric:
    function = "generic_address";
    break;
  default:
    return op->emitOpError("in the address space of ")
           << address.getType() << " is not known to the emulator";
  }
  op->setOperand(pointer, call(function, pointerType(), operands));
  return success();
}

LogicalResult Rewriter::rewriteAddressCast(LLVM::AddrSpaceCastOp op) {
  unsigned from = *addressSpaceOf(op.getArg().getType());
  unsigned to = *addressSpaceOf(op.getType());
  auto isShared = [](unsigned space) {
    return space == kShared || space == kSharedCluster;
  };
  if (isShared(from) && to == kGeneric) {
    LLVM::LLVMFuncOp callee =
        host.declare("shared_to_generic", pointerType(), i32());
    replace(op, LLVM::CallOp::create(b, loc, callee,
                                     ValueRange(sharedAddress(op.getArg())))
                    .getResult());
    return success();
  }
  if (from == kGeneric && isShared(to)) {
    replace(op, LLVM::IntToPtrOp::create(b, loc, op.getType(),
                                         sharedAddress(op.getArg()))
                    .getResult());
    return success();
  }
  // The others are the same address here: shared to shared::cluster means this
  // block, and global, constant and local pointers are generic ones.
  replace(op, op.getArg());
  return success();
}

void Rewriter::rewriteSharedAddress(Operation *op, StringRef symbol) {
  Value offset = constant64(layout.addressOf(symbol));
  replace(op,
          LLVM::IntToPtrOp::create(b, loc, op->getResult(0).getType(), offset)
              .getResult());
}

/// Functions of LLVM's that the GPU computes approximately.
static StringRef approximation(Operation *op) {
  if (isa<LLVM::Exp2Op>(op))
    return "llvm.nvvm.ex2.approx.f";
  if (isa<LLVM::Log2Op>(op))
    return "llvm.nvvm.lg2.approx.f";
  return "";
}

/// Rounding to bf16 by the emulator: without an instruction for it LLVM calls a
/// function that not every system has.
void Rewriter::rewriteTruncation(LLVM::FPTruncOp op) {
  Value value = op.getArg();
  auto vector = dyn_cast<VectorType>(value.getType());
  LLVM::LLVMFuncOp callee =
      host.declare("f32_to_bf16", b.getI16Type(), b.getF32Type());
  auto round = [&](Value x) {
    return LLVM::CallOp::create(b, loc, callee, x).getResult();
  };
  if (!vector) {
    Value bits = round(value);
    return replace(
        op, LLVM::BitcastOp::create(b, loc, op.getType(), bits).getResult());
  }
  Value result = LLVM::UndefOp::create(
      b, loc, VectorType::get(vector.getShape(), b.getI16Type()));
  for (int64_t i = 0; i < vector.getNumElements(); ++i) {
    Value at = constant(i);
    Value element = LLVM::ExtractElementOp::create(b, loc, value, at);
    result = LLVM::InsertElementOp::create(b, loc, result, round(element), at);
  }
  replace(op,
          LLVM::BitcastOp::create(b, loc, op.getType(), result).getResult());
}

LogicalResult Rewriter::rewriteMemory(Operation *op) {
  if (auto load = dyn_cast<LLVM::LoadOp>(op))
    return checkAccess(op, 0, load.getType(), load.getAlignment().value_or(0),
                       kRead);
  if (auto store = dyn_cast<LLVM::StoreOp>(op))
    return checkAccess(op, 1, store.getValue().getType(),
                       store.getAlignment().value_or(0), kWrite);
  if (auto atomic = dyn_cast<LLVM::AtomicRMWOp>(op))
    return checkAccess(op, 0, atomic.getType(),
                       atomic.getAlignment().value_or(0), kReadWrite);
  if (auto atomic = dyn_cast<LLVM::AtomicCmpXchgOp>(op))
    return checkAccess(op, 0, atomic.getVal().getType(),
                       atomic.getAlignment().value_or(0), kReadWrite);
  if (auto cast = dyn_cast<LLVM::AddrSpaceCastOp>(op))
    return rewriteAddressCast(cast);
  if (auto gep = dyn_cast<LLVM::GEPOp>(op)) {
    // A shared address is no pointer into anything that LLVM knows.
    if (addressSpaceOf(gep.getBase().getType()) != kGlobal)
      gep.setNoWrapFlags(LLVM::GEPNoWrapFlags::none);
    return success();
  }
  if (auto address = dyn_cast<LLVM::AddressOfOp>(op)) {
    if (addressSpaceOf(address.getType()) == kShared)
      rewriteSharedAddress(op, address.getGlobalName());
    return success();
  }
  if (auto truncation = dyn_cast<LLVM::FPTruncOp>(op);
      truncation && getElementTypeOrSelf(truncation.getType()).isBF16() &&
      getElementTypeOrSelf(truncation.getArg().getType()).isF32()) {
    rewriteTruncation(truncation);
    return success();
  }
  if (StringRef intrinsic = approximation(op); !intrinsic.empty())
    return rewriteIntrinsic(op, intrinsic);
  if (isa<LLVM::MemcpyOp, LLVM::MemsetOp, LLVM::MemmoveOp,
          LLVM::MemcpyInlineOp>(op))
    return op->emitOpError("is not known to the emulator");
  return success();
}
