//===- MathApproxPatterns.cpp - math ops as arithmetic --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Math/MathApprox.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"

#include <functional>

using namespace mlir;
using namespace attn;

namespace {

/// `type` with another element type.
Type withElement(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(element);
  return element;
}

/// The number `value` as a scalar or a vector.
Value splat(ImplicitLocOpBuilder &b, Type type, TypedAttr value) {
  if (auto vector = dyn_cast<VectorType>(type))
    value = DenseElementsAttr::get(vector, Attribute(value));
  return arith::ConstantOp::create(b, value);
}

SmallVector<Value> extended(ImplicitLocOpBuilder &b, Type wide,
                            ValueRange operands) {
  return llvm::map_to_vector(operands, [&](Value x) -> Value {
    return arith::ExtFOp::create(b, wide, x);
  });
}

/// An op that MathApprox knows in f64, and in f32 if `inFloat`. An f32 is
/// widened if not; f16 and bf16 always go through f32.
template <typename OpTy>
struct Approximate : OpRewritePattern<OpTy> {
  using Function =
      std::function<Value(MathApprox &, ValueRange, bool wasFloat)>;
  Approximate(MLIRContext *context, Function function, bool inFloat)
      : OpRewritePattern<OpTy>(context), function(std::move(function)),
        inFloat(inFloat) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type type = op.getType(), element = getElementTypeOrSelf(type);
    ValueRange operands = op->getOperands();
    bool isFloat = element.isF32();
    if (element.isF64() || (isFloat && inFloat)) {
      MathApprox approx(b, type);
      rewriter.replaceOp(op, function(approx, operands, /*wasFloat=*/false));
      return success();
    }
    if (!isFloat && !element.isF16() && !element.isBF16())
      return rewriter.notifyMatchFailure(op, "neither f16, bf16, f32 nor f64");
    Type wide =
        withElement(type, isFloat ? Type(b.getF64Type()) : b.getF32Type());
    SmallVector<Value> wider = extended(b, wide, operands);
    Value y;
    if (isFloat) {
      MathApprox approx(b, wide);
      y = function(approx, wider, /*wasFloat=*/true);
    } else {
      y = OpTy::create(b, wide, wider);
    }
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, type, y);
    return success();
  }

  Function function;
  bool inFloat;
};

/// x^n for an integer n.
struct PowerOfInteger : OpRewritePattern<math::FPowIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FPowIOp op,
                                PatternRewriter &rewriter) const override {
    // An integer of 32 bits is no f32.
    Type type = op.getType(), wide = withElement(type, rewriter.getF64Type());
    Value x = op.getLhs();
    if (type != wide)
      x = arith::ExtFOp::create(rewriter, op.getLoc(), wide, x);
    Value power =
        arith::SIToFPOp::create(rewriter, op.getLoc(), wide, op.getRhs());
    Value y = math::PowFOp::create(rewriter, op.getLoc(), x, power);
    if (type != wide)
      y = arith::TruncFOp::create(rewriter, op.getLoc(), type, y);
    rewriter.replaceOp(op, y);
    return success();
  }
};

/// x^n among integers of one width, wrapping, by squares: a step per bit. Of
/// x^-n only 1 and -1 are whole.
struct IntegerPower : OpRewritePattern<math::IPowIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::IPowIOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type type = op.getType();
    Type element = getElementTypeOrSelf(type);
    unsigned bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
    auto constant = [&](const APInt &value) {
      return splat(b, type, b.getIntegerAttr(element, value));
    };
    auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
      return arith::CmpIOp::create(b, predicate, x, y);
    };
    Value zero = constant(APInt(bits, 0)), one = constant(APInt(bits, 1));
    Value square = op.getLhs(), rest = op.getRhs(), y = one;
    for (unsigned bit = 0; bit < bits; ++bit) {
      Value isOdd = compare(arith::CmpIPredicate::ne,
                            arith::AndIOp::create(b, rest, one), zero);
      Value times = arith::MulIOp::create(b, y, square);
      y = arith::SelectOp::create(b, isOdd, times, y);
      if (bit + 1 == bits)
        break;
      square = arith::MulIOp::create(b, square, square);
      rest = arith::ShRUIOp::create(b, rest, one);
    }
    // 1 / x of the units: x^n of a negative n has the parity of n as well.
    Value x = op.getLhs();
    Value isUnit =
        arith::OrIOp::create(b, compare(arith::CmpIPredicate::eq, x, one),
                             compare(arith::CmpIPredicate::eq, x,
                                     constant(APInt::getAllOnes(bits))));
    Value isNegative = compare(arith::CmpIPredicate::slt, op.getRhs(), zero);
    Value fraction = arith::SelectOp::create(b, isUnit, y, zero);
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, isNegative, fraction, y);
    return success();
  }
};

/// math.isinf and math.isnormal by the magnitude; a NaN is neither.
template <typename OpTy>
struct Classify : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type type = op.getOperand().getType();
    const llvm::fltSemantics &format =
        cast<FloatType>(getElementTypeOrSelf(type)).getFloatSemantics();
    auto constant = [&](const APFloat &value) {
      return splat(b, type, b.getFloatAttr(getElementTypeOrSelf(type), value));
    };
    Value size = math::AbsFOp::create(b, op.getOperand());
    Value infinity = constant(APFloat::getInf(format));
    if constexpr (std::is_same_v<OpTy, math::IsInfOp>) {
      rewriter.replaceOpWithNewOp<arith::CmpFOp>(op, arith::CmpFPredicate::OEQ,
                                                 size, infinity);
    } else {
      Value least = constant(APFloat::getSmallestNormalized(format));
      Value isLarge =
          arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, size, least);
      Value isFinite =
          arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, size, infinity);
      rewriter.replaceOpWithNewOp<arith::AndIOp>(op, isLarge, isFinite);
    }
    return success();
  }
};

struct Clamp : OpRewritePattern<math::ClampFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ClampFOp op,
                                PatternRewriter &rewriter) const override {
    Value x = arith::MaximumFOp::create(rewriter, op.getLoc(), op.getValue(),
                                        op.getMin());
    rewriter.replaceOpWithNewOp<arith::MinimumFOp>(op, x, op.getMax());
    return success();
  }
};

struct SineAndCosine : OpRewritePattern<math::SincosOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::SincosOp op,
                                PatternRewriter &rewriter) const override {
    Value x = op.getOperand();
    Value sine = math::SinOp::create(rewriter, op.getLoc(), x);
    Value cosine = math::CosOp::create(rewriter, op.getLoc(), x);
    rewriter.replaceOp(op, {sine, cosine});
    return success();
  }
};

struct Patterns {
  RewritePatternSet &set;

  template <typename OpTy>
  void add(Value (MathApprox::*function)(Value), bool inFloat = false) {
    set.add<Approximate<OpTy>>(
        set.getContext(),
        [function](MathApprox &approx, ValueRange x, bool) {
          return (approx.*function)(x[0]);
        },
        inFloat);
  }
  template <typename OpTy>
  void add(Value (MathApprox::*function)(Value, bool)) {
    set.add<Approximate<OpTy>>(
        set.getContext(),
        [function](MathApprox &approx, ValueRange x, bool wasFloat) {
          return (approx.*function)(x[0], wasFloat);
        },
        false);
  }
  template <typename OpTy>
  void add(Value (MathApprox::*function)(Value, Value)) {
    set.add<Approximate<OpTy>>(
        set.getContext(),
        [function](MathApprox &approx, ValueRange x, bool) {
          return (approx.*function)(x[0], x[1]);
        },
        false);
  }
  template <typename OpTy>
  void add(Value (MathApprox::*function)(Value, Value, bool)) {
    set.add<Approximate<OpTy>>(
        set.getContext(),
        [function](MathApprox &approx, ValueRange x, bool wasFloat) {
          return (approx.*function)(x[0], x[1], wasFloat);
        },
        false);
  }
};

} // namespace

void attn::populateMathApproxPatterns(RewritePatternSet &set) {
  Patterns patterns{set};
  patterns.add<math::ExpOp>(&MathApprox::exp, true);
  patterns.add<math::Exp2Op>(&MathApprox::exp2, true);
  patterns.add<math::LogOp>(&MathApprox::log, true);
  patterns.add<math::TanhOp>(&MathApprox::tanh, true);
  patterns.add<math::ErfOp>(&MathApprox::erf, true);
  patterns.add<math::Log2Op>(&MathApprox::log2);
  patterns.add<math::Log10Op>(&MathApprox::log10);
  patterns.add<math::Log1pOp>(&MathApprox::log1p);
  patterns.add<math::ExpM1Op>(&MathApprox::expm1);
  patterns.add<math::SinhOp>(&MathApprox::sinh);
  patterns.add<math::CoshOp>(&MathApprox::cosh);
  patterns.add<math::AsinhOp>(&MathApprox::asinh);
  patterns.add<math::AcoshOp>(&MathApprox::acosh);
  patterns.add<math::AtanhOp>(&MathApprox::atanh);
  patterns.add<math::AsinOp>(&MathApprox::asin);
  patterns.add<math::AcosOp>(&MathApprox::acos);
  patterns.add<math::AtanOp>(&MathApprox::atan);
  patterns.add<math::CbrtOp>(&MathApprox::cbrt);
  patterns.add<math::ErfcOp>(&MathApprox::erfc);
  patterns.add<math::SinOp>(&MathApprox::sin);
  patterns.add<math::CosOp>(&MathApprox::cos);
  patterns.add<math::TanOp>(&MathApprox::tan);
  patterns.add<math::Atan2Op>(&MathApprox::atan2);
  patterns.add<math::PowFOp>(&MathApprox::pow);
  patterns.add<arith::RemFOp>(&MathApprox::rem);
  set.add<Clamp, Classify<math::IsInfOp>, Classify<math::IsNormalOp>,
          IntegerPower, PowerOfInteger, SineAndCosine>(set.getContext());
}
