//===- ToLLVM.cpp - attn-nvvm-to-llvm: what is left in kernels ------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One conversion with one type converter per kernel.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Math.h"

#include "attn/Math/MathApprox.h"
#include "attn/NVVM/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_NVVMTOLLVMPASS
#include "attn/NVVM/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;

/// Elementary functions to instructions and arithmetic: no device library is
/// linked. A tensor-core kernel takes the approximate instructions, whose error
/// P hides; what was computed exactly elsewhere stays exact in the general way.
static LogicalResult lowerMath(LLVM::LLVMFuncOp kernel) {
  RewritePatternSet patterns(kernel.getContext());
  if (!kernel->hasAttr(kGeneralAttr))
    populateFastMathPatterns(patterns);
  populateMathApproxPatterns(patterns);
  return applyPatternsGreedily(kernel, std::move(patterns));
}

/// Structured code and index maps first.
static LogicalResult prepare(gpu::GPUModuleOp module) {
  MLIRContext *context = module.getContext();
  for (auto kernel : module.getOps<LLVM::LLVMFuncOp>())
    if (failed(lowerMath(kernel)))
      return failure();
  RewritePatternSet structured(context);
  populateAffineToStdConversionPatterns(structured);
  populateSCFToControlFlowConversionPatterns(structured);
  arith::populateCeilFloorDivExpandOpsPatterns(structured);
  ConversionTarget target(*context);
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  target.addIllegalDialect<affine::AffineDialect, scf::SCFDialect>();
  target.addIllegalOp<arith::CeilDivSIOp, arith::CeilDivUIOp,
                      arith::FloorDivSIOp>();
  return applyPartialConversion(module, target, std::move(structured));
}

static LogicalResult convert(LLVM::LLVMFuncOp kernel) {
  MLIRContext *context = kernel.getContext();
  bool isGeneral = bool(kernel->removeDiscardableAttr(kGeneralAttr));
  LowerToLLVMOptions options(context);
  options.overrideIndexBitwidth(isGeneral ? kGeneralIndexBits
                                          : kTensorCoreIndexBits);
  LLVMTypeConverter types(context, options);
  RewritePatternSet patterns(context);
  arith::populateArithToLLVMConversionPatterns(types, patterns);
  cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
  populateMathToLLVMConversionPatterns(types, patterns);
  populateVectorToLLVMConversionPatterns(types, patterns);
  LLVMConversionTarget target(*context);
  target.addLegalDialect<NVVM::NVVMDialect>();
  return applyPartialConversion(kernel, target, std::move(patterns));
}

namespace {
struct NVVMToLLVMPass final : attn::impl::NVVMToLLVMPassBase<NVVMToLLVMPass> {
  void runOnOperation() override {
    for (auto module : getOperation().getOps<gpu::GPUModuleOp>())
      if (failed(prepare(module)) ||
          llvm::any_of(module.getOps<LLVM::LLVMFuncOp>(),
                       [](auto kernel) { return failed(convert(kernel)); }))
        return signalPassFailure();
  }
};
} // namespace
