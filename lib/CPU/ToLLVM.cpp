//===- ToLLVM.cpp - The last conversion -----------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One conversion with the upstream patterns and the one for parallel calls,
// which wants the LLVM types of its operands for the struct that carries them
// to the threads.
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"

#include "mlir/Analysis/DataLayoutAnalysis.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace attn {
#define GEN_PASS_DEF_CPUTOLLVMPASS
#include "attn/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

constexpr llvm::StringLiteral kParallelFor = "attn_rt_parallel_for";

struct ParallelCallLowering : ConvertOpToLLVMPattern<ParallelCallOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(ParallelCallOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    // The callee takes memrefs as func-to-llvm passes them: one value per
    // descriptor field.
    SmallVector<Value> fields;
    for (auto [arg, converted] : llvm::zip(op.getArgs(), adaptor.getArgs())) {
      if (auto type = dyn_cast<MemRefType>(arg.getType())) {
        SmallVector<Value> unpacked;
        MemRefDescriptor::unpack(rewriter, loc, converted.front(), type,
                                 unpacked);
        llvm::append_range(fields, unpacked);
      } else {
        llvm::append_range(fields, converted);
      }
    }
    auto module = op->getParentOfType<ModuleOp>();
    auto context = LLVM::LLVMStructType::getLiteral(
        rewriter.getContext(), llvm::to_vector(ValueRange(fields).getTypes()));
    LLVM::LLVMFuncOp thunk =
        createThunk(rewriter, loc, module, op.getCallee(), context);
    LLVM::LLVMFuncOp runtime = getRuntime(rewriter, loc, module);

    Value packed = storeContext(rewriter, op, context, fields);
    Value address = LLVM::AddressOfOp::create(rewriter, loc, thunk);
    LLVM::CallOp::create(
        rewriter, loc, runtime,
        ValueRange{address, adaptor.getCount().front(), packed});
    rewriter.eraseOp(op);
    return success();
  }

private:
  Type getPointer(OpBuilder &b) const {
    return LLVM::LLVMPointerType::get(b.getContext());
  }

  /// The context struct on the stack of the function (not of a loop body).
  Value storeContext(ConversionPatternRewriter &rewriter, Operation *op,
                     LLVM::LLVMStructType type, ValueRange fields) const {
    Location loc = op->getLoc();
    Value memory;
    {
      OpBuilder::InsertionGuard guard(rewriter);
      Operation *function = op->getParentOp();
      while (!function->hasTrait<OpTrait::IsIsolatedFromAbove>())
        function = function->getParentOp();
      rewriter.setInsertionPointToStart(&function->getRegion(0).front());
      Value one = LLVM::ConstantOp::create(rewriter, loc,
                                           rewriter.getI64IntegerAttr(1));
      memory = LLVM::AllocaOp::create(rewriter, loc, getPointer(rewriter), type,
                                      one);
    }
    for (auto [i, field] : llvm::enumerate(fields)) {
      Value slot =
          LLVM::GEPOp::create(rewriter, loc, getPointer(rewriter), type, memory,
                              ArrayRef<LLVM::GEPArg>{0, (int32_t)i});
      LLVM::StoreOp::create(rewriter, loc, field, slot);
    }
    return memory;
  }

  /// `void thunk(i64 index, ptr context)`: unpacks and calls.
  LLVM::LLVMFuncOp createThunk(ConversionPatternRewriter &rewriter,
                               Location loc, ModuleOp module, StringRef callee,
                               LLVM::LLVMStructType context) const {
    OpBuilder::InsertionGuard guard(rewriter);
    std::string name = (callee + "_thunk").str();
    // Calls of one callee pass the same types.
    if (auto existing = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
      return existing;
    rewriter.setInsertionPointToEnd(module.getBody());
    Type index = rewriter.getI64Type();
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(getContext()), {index, getPointer(rewriter)});
    auto thunk = LLVM::LLVMFuncOp::create(rewriter, loc, name, type,
                                          LLVM::Linkage::Internal);
    rewriter.setInsertionPointToStart(thunk.addEntryBlock(rewriter));
    SmallVector<Value> args = {thunk.getArgument(0)};
    for (auto [i, field] : llvm::enumerate(context.getBody())) {
      Value slot = LLVM::GEPOp::create(rewriter, loc, getPointer(rewriter),
                                       context, thunk.getArgument(1),
                                       ArrayRef<LLVM::GEPArg>{0, (int32_t)i});
      args.push_back(LLVM::LoadOp::create(rewriter, loc, field, slot));
    }
    LLVM::CallOp::create(rewriter, loc, TypeRange(), callee, args);
    LLVM::ReturnOp::create(rewriter, loc, ValueRange());
    return thunk;
  }

  LLVM::LLVMFuncOp getRuntime(ConversionPatternRewriter &rewriter, Location loc,
                              ModuleOp module) const {
    if (auto existing = module.lookupSymbol<LLVM::LLVMFuncOp>(kParallelFor))
      return existing;
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(module.getBody());
    Type pointer = getPointer(rewriter);
    auto type =
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(getContext()),
                                    {pointer, rewriter.getI64Type(), pointer});
    return LLVM::LLVMFuncOp::create(rewriter, loc, kParallelFor, type);
  }
};

/// The bits of `x` as vector<32xbf16>, as which the intrinsics know them.
Value asBF16(OpBuilder &b, Location loc, Value x) {
  Type pairs = VectorType::get({32}, b.getBF16Type());
  return LLVM::BitcastOp::create(b, loc, pairs, x);
}

struct BF16DotLowering : ConvertOpToLLVMPattern<BF16DotOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(BF16DotOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        op, adaptor.getAcc().getType(),
        rewriter.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
        ValueRange{adaptor.getAcc(), asBF16(rewriter, loc, adaptor.getX()),
                   asBF16(rewriter, loc, adaptor.getY())});
    return success();
  }
};

struct BF16PackLowering : ConvertOpToLLVMPattern<BF16PackOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(BF16PackOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    // All of lo, then all of hi.
    Value halves =
        LLVM::CallIntrinsicOp::create(
            rewriter, loc, VectorType::get({32}, rewriter.getBF16Type()),
            rewriter.getStringAttr("llvm.x86.avx512bf16.cvtne2ps2bf16.512"),
            ValueRange{adaptor.getHi(), adaptor.getLo()})
            .getResult(0);
    SmallVector<int32_t> order;
    for (int32_t lane = 0; lane < 16; ++lane)
      order.append({lane, lane + 16});
    Value pairs =
        LLVM::ShuffleVectorOp::create(rewriter, loc, halves, halves, order);
    rewriter.replaceOpWithNewOp<LLVM::BitcastOp>(op, adaptor.getLo().getType(),
                                                 pairs);
    return success();
  }
};

/// Functions that only this module calls: LLVM may inline and drop them.
void makePrivateInternal(ModuleOp module) {
  for (auto func : module.getOps<func::FuncOp>())
    if (func.isPrivate() && !func.isExternal())
      func->setAttr(
          "llvm.linkage",
          LLVM::LinkageAttr::get(module.getContext(), LLVM::Linkage::Internal));
}

/// Callers enter through the C interface. Behind it the function with one
/// argument per field of a descriptor, hundreds for a model, goes away by
/// inlining: code generation is quadratic in such calls.
void makeWrappedInternal(ModuleOp module) {
  for (auto func : module.getOps<LLVM::LLVMFuncOp>()) {
    auto wrapper = module.lookupSymbol<LLVM::LLVMFuncOp>(
        ("_mlir_ciface_" + func.getName()).str());
    if (!wrapper || wrapper.isExternal() || func.isExternal())
      continue;
    func.setLinkage(LLVM::Linkage::Internal);
    func.setAlwaysInline(true);
  }
}

struct CPUToLLVMPass final : attn::impl::CPUToLLVMPassBase<CPUToLLVMPass> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    makePrivateInternal(getOperation());
    const auto &layouts = getAnalysis<DataLayoutAnalysis>();
    LowerToLLVMOptions options(context, layouts.getAtOrAbove(getOperation()));
    LLVMTypeConverter converter(context, options, &layouts);
    RewritePatternSet patterns(context);
    SymbolTableCollection symbols;
    populateFuncToLLVMConversionPatterns(converter, patterns, &symbols);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns,
                                                   &symbols);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    index::populateIndexToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns,
                                         /*approximateLog1p=*/false);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    patterns.add<ParallelCallLowering, BF16DotLowering, BF16PackLowering>(
        converter);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp>();
    if (failed(
            applyFullConversion(getOperation(), target, std::move(patterns))))
      return signalPassFailure();
    makeWrappedInternal(getOperation());
  }
};
} // namespace
