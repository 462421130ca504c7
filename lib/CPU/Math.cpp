//===- Math.cpp - math ops that are no instructions, as arithmetic --------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is left of the math dialect after this is an instruction everywhere, so
// that compiled code needs no libm.
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"
#include "attn/Math/MathApprox.h"
#include "lib/CPU/NarrowConversions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "llvm/ADT/MapVector.h"

namespace attn {
#define GEN_PASS_DEF_CPUMATHPASS
#include "attn/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// The functions that take hundreds of instructions: kilobytes for a vector.
bool isLong(Operation *op) {
  return isa<math::PowFOp, math::SinOp, math::CosOp, math::TanOp,
             math::SincosOp, math::Atan2Op>(op);
}

/// A kernel has a rule's code many times: for each vector of queries, and where
/// the maximum is taken. Long functions of vectors then stand in the module
/// once, and are called.
void outlineLongFunctions(ModuleOp module) {
  constexpr size_t manyUses = 4;
  // Of one name, type and flags.
  using Kind = std::tuple<OperationName, Type, Attribute>;
  llvm::MapVector<Kind, SmallVector<Operation *>> uses;
  module.walk([&](Operation *op) {
    if (isLong(op) && isa<VectorType>(op->getResult(0).getType()))
      uses[{op->getName(), op->getResult(0).getType(), op->getAttrDictionary()}]
          .push_back(op);
  });
  SymbolTable symbols(module);
  for (auto &[kind, ops] : uses) {
    if (ops.size() < manyUses)
      continue;
    Operation *first = ops.front();
    OpBuilder b(module.getContext());
    auto func = func::FuncOp::create(
        b, first->getLoc(),
        ("attn_" + std::get<OperationName>(kind).stripDialect()).str(),
        b.getFunctionType(first->getOperandTypes(), first->getResultTypes()));
    func.setPrivate();
    func->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
    symbols.insert(func);
    Block *body = func.addEntryBlock();
    b.setInsertionPointToStart(body);
    Operation *copy = b.clone(*first);
    copy->setOperands(body->getArguments());
    func::ReturnOp::create(b, first->getLoc(), copy->getResults());
    for (Operation *op : ops) {
      b.setInsertionPoint(op);
      auto call =
          func::CallOp::create(b, op->getLoc(), func, op->getOperands());
      op->replaceAllUsesWith(call.getResults());
      op->erase();
    }
  }
}

/// A number of another format, such as one of 8 bits, has no instructions.
LogicalResult checkFormats(ModuleOp module) {
  auto isKnown = [](Type type) {
    type = getElementTypeOrSelf(type);
    return !isa<FloatType>(type) || type.isF16() || type.isBF16() ||
           type.isF32() || type.isF64();
  };
  WalkResult result = module.walk([&](Operation *op) {
    if (!isa_and_nonnull<arith::ArithDialect, math::MathDialect>(
            op->getDialect()))
      return WalkResult::advance();
    for (TypeRange types :
         {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
      for (Type type : types)
        if (!isKnown(type)) {
          op->emitOpError() << "expects numbers of f16, bf16, f32 or f64, but "
                               "got "
                            << getElementTypeOrSelf(type);
          return WalkResult::interrupt();
        }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

struct CPUMathPass final : attn::impl::CPUMathPassBase<CPUMathPass> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    if (failed(checkFormats(getOperation())))
      return signalPassFailure();
    outlineLongFunctions(getOperation());
    RewritePatternSet patterns(context);
    populateMathApproxPatterns(patterns);
    populateNarrowConversionPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
