//===- NarrowConversions.cpp - Conversions that have to round once --------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A value that is rounded to f32 and then to bf16 may end a unit beside the
// nearest one: 1 + 2^-8 + 2^-40 becomes the tie 1 + 2^-8. Rounded to odd on the
// way, it never becomes a tie that it was not, and the second rounding goes as
// if it were the first. Source: Boldo and Melquiond, Emulation of FMA and
// correctly rounded sums: proved algorithms using rounding to odd (2008).
//
//===----------------------------------------------------------------------===//

#include "lib/CPU/NarrowConversions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attn;

/// `type` with other elements: a scalar or a vector.
static Type withElement(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(element);
  return element;
}

static Value integer(ImplicitLocOpBuilder &b, Type type, uint64_t value) {
  unsigned width = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  TypedAttr attr = b.getIntegerAttr(getElementTypeOrSelf(type),
                                    APInt(width, value, /*isSigned=*/false));
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(b, attr);
}

/// An f64 in f32: the neighbour with an odd last bit where none is exact.
static Value toOddF32(ImplicitLocOpBuilder &b, Value x) {
  Type f32 = withElement(x.getType(), b.getF32Type());
  Type i32 = withElement(x.getType(), b.getI32Type());
  Value nearest = arith::TruncFOp::create(b, f32, x);
  Value back = arith::ExtFOp::create(b, x.getType(), nearest);
  Value bits = arith::BitcastOp::create(b, i32, nearest);
  Value one = integer(b, i32, 1), zero = integer(b, i32, 0);
  Value even = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                     arith::AndIOp::create(b, bits, one), zero);
  // False for NaN, which stays.
  Value inexact = arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, back, x);
  // Away from zero, or back from it; from infinity to the largest number.
  Value below = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT,
                                      math::AbsFOp::create(b, back),
                                      math::AbsFOp::create(b, x));
  Value step =
      arith::SelectOp::create(b, below, one, integer(b, i32, 0xFFFFFFFF));
  Value other = arith::AddIOp::create(b, bits, step);
  Value odd = arith::SelectOp::create(
      b, arith::AndIOp::create(b, even, inexact), other, bits);
  return arith::BitcastOp::create(b, f32, odd);
}

/// An i64 whose conversion to f64 is exact, or odd in its last bit: from 2^53
/// on, the low 11 bits are replaced by whether there were any.
template <typename OpTy>
static Value withoutLowBits(ImplicitLocOpBuilder &b, Value x) {
  constexpr bool isSigned = std::is_same_v<OpTy, arith::SIToFPOp>;
  Type type = x.getType();
  Value zero = integer(b, type, 0), lowBits = integer(b, type, 0x7FF);
  Value low = arith::AndIOp::create(b, x, lowBits);
  Value any = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, low, zero);
  Value sticky = arith::SelectOp::create(b, any, integer(b, type, 0x800), zero);
  Value jammed =
      arith::OrIOp::create(b, arith::XOrIOp::create(b, x, low), sticky);
  Value magnitude = x;
  if (isSigned)
    magnitude = math::AbsIOp::create(b, x);
  Value exact = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, magnitude,
                                      integer(b, type, uint64_t(1) << 53));
  return arith::SelectOp::create(b, exact, x, jammed);
}

namespace {

struct WidenBF16ToF64 : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const override {
    Type to = op.getType();
    if (!getElementTypeOrSelf(op.getIn()).isBF16() ||
        !getElementTypeOrSelf(to).isF64())
      return rewriter.notifyMatchFailure(op, "not bf16 to f64");
    Value step = arith::ExtFOp::create(rewriter, op.getLoc(),
                                       withElement(to, rewriter.getF32Type()),
                                       op.getIn());
    rewriter.replaceOpWithNewOp<arith::ExtFOp>(op, to, step);
    return success();
  }
};

/// To f16 as well: that would be a call of a function where the machine lacks
/// it.
struct NarrowF64 : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn()).isF64() ||
        !(getElementTypeOrSelf(op.getType()).isBF16() ||
          getElementTypeOrSelf(op.getType()).isF16()))
      return rewriter.notifyMatchFailure(op, "not f64 to bf16 or f16");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(),
                                                 toOddF32(b, op.getIn()));
    return success();
  }
};

/// Integers that f32 does not hold go through f64.
template <typename OpTy>
struct NarrowIntegerToBF16 : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    Type from = op.getIn().getType();
    unsigned width = getElementTypeOrSelf(from).getIntOrFloatBitWidth();
    if (!getElementTypeOrSelf(op.getType()).isBF16() || width <= 24)
      return rewriter.notifyMatchFailure(op, "exact in f32");
    if (width > 64)
      return rewriter.notifyMatchFailure(op, "wider than 64 bits");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = op.getIn();
    if (width > 53) {
      Type i64 = withElement(from, b.getI64Type());
      if (width < 64 && std::is_same_v<OpTy, arith::SIToFPOp>)
        x = arith::ExtSIOp::create(b, i64, x);
      else if (width < 64)
        x = arith::ExtUIOp::create(b, i64, x);
      x = withoutLowBits<OpTy>(b, x);
    }
    Value wide = OpTy::create(b, withElement(from, b.getF64Type()), x);
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(), wide);
    return success();
  }
};

} // namespace

void attn::populateNarrowConversionPatterns(RewritePatternSet &patterns) {
  patterns.add<WidenBF16ToF64, NarrowF64, NarrowIntegerToBF16<arith::SIToFPOp>,
               NarrowIntegerToBF16<arith::UIToFPOp>>(patterns.getContext());
}
