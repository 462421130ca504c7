//===- Math.cpp - Elementary functions of a kernel ------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ex2.approx and lg2.approx (PTX ISA: 2 ulp, absolute 2^-22) and what can be
// said with them; the others as arithmetic. No device library is needed.
//
//===----------------------------------------------------------------------===//

#include "Math.h"

#include "attn/Math/MathApprox.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;

static Value callUnary(ImplicitLocOpBuilder &b, StringRef intrinsic, Value x) {
  return LLVM::CallIntrinsicOp::create(b, b.getF32Type(),
                                       b.getStringAttr(intrinsic), x)
      .getResult(0);
}

static Value constant(ImplicitLocOpBuilder &b, double value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(float(value)));
}

static constexpr double kLog2e = 1.4426950408889634;
static constexpr double kLn2 = 0.6931471805599453;

Value attn::nvvm::emitExp2(ImplicitLocOpBuilder &b, Value x) {
  return callUnary(b, "llvm.nvvm.ex2.approx.ftz.f", x);
}

static Value emitLog2(ImplicitLocOpBuilder &b, Value x) {
  return callUnary(b, "llvm.nvvm.lg2.approx.f", x);
}

Value attn::nvvm::emitReciprocal(ImplicitLocOpBuilder &b, Value x) {
  return callUnary(b, "llvm.nvvm.rcp.approx.ftz.f", x);
}

static Value emitExp(ImplicitLocOpBuilder &b, Value x) {
  return emitExp2(b, arith::MulFOp::create(b, x, constant(b, kLog2e)));
}

static Value emitLog(ImplicitLocOpBuilder &b, Value x) {
  return arith::MulFOp::create(b, emitLog2(b, x), constant(b, kLn2));
}

/// 1 - 2 / (1 + e^2x): exact limits on both sides; near 0 the error is
/// absolute, 2^-23. tanh.approx has 2^-11 and would show in the scores.
static Value emitTanh(ImplicitLocOpBuilder &b, Value x) {
  Value scaled = arith::MulFOp::create(b, x, constant(b, 2 * kLog2e));
  Value one = constant(b, 1.0);
  Value denominator = arith::AddFOp::create(b, emitExp2(b, scaled), one);
  Value quotient = emitReciprocal(b, denominator);
  return math::FmaOp::create(b, quotient, constant(b, -2.0), one);
}

namespace {
template <typename OpTy, Value (*Emit)(ImplicitLocOpBuilder &, Value)>
struct Replace : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, Emit(b, op.getOperand()));
    return success();
  }
};

/// x / y as x * rcp.approx(y), 2 ulp: the exact division has a branch, and a
/// divisor that is the same for all elements is inverted once.
struct ReplaceDivision : OpRewritePattern<arith::DivFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::DivFOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, op.getLhs(),
                                               emitReciprocal(b, op.getRhs()));
    return success();
  }
};
} // namespace

void attn::nvvm::populateFastMathPatterns(RewritePatternSet &patterns) {
  patterns.add<Replace<math::Exp2Op, emitExp2>, Replace<math::ExpOp, emitExp>,
               Replace<math::Log2Op, emitLog2>, Replace<math::LogOp, emitLog>,
               Replace<math::TanhOp, emitTanh>>(patterns.getContext(),
                                                /*benefit=*/10);
  patterns.add<ReplaceDivision>(patterns.getContext());
}
