//===- EmulationMatrix.cpp - Matrix instructions for the emulator ---------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ldmatrix, stmatrix, mma.sync and wgmma. Operands and results travel through
// the function's slots.
//
//===----------------------------------------------------------------------===//

#include "lib/NVVM/Emulation.h"

using namespace mlir;
using namespace attn::emulation;

/// The numbers of Abi.h.
enum MultiplicandType { kF16, kBF16, kTF32 };

LogicalResult Rewriter::rewriteMatrix(Operation *op) {
  if (auto load = dyn_cast<NVVM::LdMatrixOp>(op)) {
    if (load.getShape().getM() != 8 || load.getShape().getN() != 8 ||
        load.getEltType() != NVVM::LdStMatrixEltType::B16)
      return op->emitOpError("of another shape than m8n8.b16 is not known to "
                             "the emulator");
    bool transposed = load.getLayout() == NVVM::MMALayout::col;
    call("ldmatrix", {slot(0), sharedAddress(load.getPtr()),
                      constant(load.getNum()), constant(transposed)});
    replace(op, loadStruct(load.getType(), 0));
    return success();
  }
  if (auto store = dyn_cast<NVVM::StMatrixOp>(op)) {
    if (store.getShape().getM() != 8 || store.getShape().getN() != 8 ||
        store.getEltType() != NVVM::LdStMatrixEltType::B16)
      return op->emitOpError("of another shape than m8n8.b16 is not known to "
                             "the emulator");
    bool transposed = store.getLayout() == NVVM::MMALayout::col;
    storeSlots(store.getSources());
    call("stmatrix",
         {sharedAddress(store.getPtr()), slot(0),
          constant(store.getSources().size()), constant(transposed)});
    return erase(op);
  }
  if (auto mma = dyn_cast<NVVM::MmaOp>(op))
    return rewriteMma(mma);
  if (isa<NVVM::WgmmaFenceAlignedOp>(op)) {
    call("wgmma_fence", {});
    return erase(op);
  }
  if (isa<NVVM::WgmmaGroupSyncAlignedOp>(op)) {
    call("wgmma_commit", {});
    return erase(op);
  }
  if (auto wait = dyn_cast<NVVM::WgmmaWaitGroupSyncOp>(op)) {
    call("wgmma_wait", {slot(0), constant(0), constant(wait.getGroup())});
    return erase(op);
  }
  if (auto wgmma = dyn_cast<NVVM::WgmmaMmaAsyncOp>(op))
    return rewriteWgmma(wgmma);
  return op->emitOpError("is not known to the emulator");
}

LogicalResult Rewriter::rewriteMma(NVVM::MmaOp op) {
  auto refuse = [&](const Twine &what) {
    return op.emitOpError("with ")
           << what << " is not known to the emulator: expects m16n8k8 or "
           << "m16n8k16 of f16 or bf16, or m16n8k4 or m16n8k8 of tf32, with "
              "f32 accumulators";
  };
  int64_t k = op.getShape().getK();
  if (op.getShape().getM() != 16 || op.getShape().getN() != 8)
    return refuse("this shape");
  std::optional<NVVM::MMATypes> type = op.getMultiplicandAPtxType();
  if (type != op.getMultiplicandBPtxType())
    return refuse("two types of multiplicands");
  for (Value c : op.getOperandC())
    if (!c.getType().isF32())
      return refuse("these accumulators");
  int32_t number;
  if (type == NVVM::MMATypes::tf32 && (k == 4 || k == 8))
    number = kTF32;
  else if (type == NVVM::MMATypes::bf16 && (k == 8 || k == 16))
    number = kBF16;
  else if (type == NVVM::MMATypes::f16 && (k == 8 || k == 16))
    number = kF16;
  else
    return refuse("these multiplicands");
  SmallVector<Value> operands(op.getOperandA());
  llvm::append_range(operands, op.getOperandB());
  unsigned firstC = operands.size();
  llvm::append_range(operands, op.getOperandC());
  storeSlots(operands);
  call("mma_sync", {slot(0), constant(k), constant(number)});
  replace(op, loadStruct(op.getType(), firstC));
  return success();
}

LogicalResult Rewriter::rewriteWgmma(NVVM::WgmmaMmaAsyncOp op) {
  NVVM::WGMMATypes type = op.getTypeA();
  if (type != op.getTypeB() ||
      (type != NVVM::WGMMATypes::f16 && type != NVVM::WGMMATypes::bf16) ||
      op.getTypeD() != NVVM::WGMMATypes::f32)
    return op.emitOpError("of these types is not known to the emulator: "
                          "expects f16 or bf16 with f32 accumulators");
  auto packed = cast<LLVM::LLVMStructType>(op.getInouts().getType());
  unsigned count = packed.getBody().size();
  auto sign = [](NVVM::WGMMAScaleIn scale) {
    return scale == NVVM::WGMMAScaleIn::neg ? -1 : 1;
  };
  bool scaleD = op.getScaleD() == NVVM::WGMMAScaleOut::one;
  // Accumulators that the instruction overwrites need not be anything.
  if (scaleD)
    for (unsigned i = 0; i < count; ++i)
      storeSlots(
          LLVM::ExtractValueOp::create(b, loc, op.getInouts(), i).getResult(),
          i);
  // K-major is `row` for A and `col` for B.
  int32_t layout = (op.getLayoutA() == NVVM::MMALayout::col ? 1 : 0) |
                   (op.getLayoutB() == NVVM::MMALayout::row ? 2 : 0);
  call("wgmma_ss", {slot(0), constant(op.getShape().getN()),
                    constant(type == NVVM::WGMMATypes::bf16 ? kBF16 : kF16),
                    op.getDescriptorA(), op.getDescriptorB(), constant(scaleD),
                    constant(sign(op.getScaleA())),
                    constant(sign(op.getScaleB())), constant(layout)});
  replace(op, loadStruct(op.getType(), 0));
  return success();
}
