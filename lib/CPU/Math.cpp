//===- Math.cpp - math ops that are no instructions, as arithmetic --------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"
#include "lib/CPU/MathApprox.h"
#include "lib/CPU/NarrowConversions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_CPUMATHPASS
#include "attn/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

template <typename OpTy>
struct Approximate : OpRewritePattern<OpTy> {
  using Function = Value (MathApprox::*)(Value);
  Approximate(MLIRContext *context, Function function)
      : OpRewritePattern<OpTy>(context), function(function) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type type = op.getType(), element = getElementTypeOrSelf(type);
    Value x = op.getOperand();
    if (element.isF32() || element.isF64()) {
      rewriter.replaceOp(op, (MathApprox(b, type).*function)(x));
      return success();
    }
    if (!element.isF16() && !element.isBF16())
      return rewriter.notifyMatchFailure(op, "neither f16, bf16, f32 nor f64");
    Type wide = b.getF32Type();
    if (auto vector = dyn_cast<VectorType>(type))
      wide = vector.clone(wide);
    Value y =
        (MathApprox(b, wide).*function)(arith::ExtFOp::create(b, wide, x));
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, type, y);
    return success();
  }

  Function function;
};

struct CPUMathPass final : attn::impl::CPUMathPassBase<CPUMathPass> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<Approximate<math::ExpOp>>(context, &MathApprox::exp);
    patterns.add<Approximate<math::Exp2Op>>(context, &MathApprox::exp2);
    patterns.add<Approximate<math::LogOp>>(context, &MathApprox::log);
    patterns.add<Approximate<math::TanhOp>>(context, &MathApprox::tanh);
    patterns.add<Approximate<math::ErfOp>>(context, &MathApprox::erf);
    populateNarrowConversionPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
