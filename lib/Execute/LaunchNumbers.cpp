//===- LaunchNumbers.cpp - Sizes and scalars as expressions ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One walk over the host function; every op is either a number, a buffer, a
// view, or refused.
//
//===----------------------------------------------------------------------===//

#include "lib/Execute/LaunchNumbers.h"
#include "attn/Execute/Signature.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using llvm::Expected;
namespace json = llvm::json;

namespace attn {
namespace {

std::optional<int64_t> fold(StringRef op, int64_t a, int64_t b) {
  int64_t result = 0;
  if (op == "add")
    return llvm::AddOverflow(a, b, result) ? std::nullopt
                                           : std::optional(result);
  if (op == "sub")
    return llvm::SubOverflow(a, b, result) ? std::nullopt
                                           : std::optional(result);
  if (op == "mul")
    return llvm::MulOverflow(a, b, result) ? std::nullopt
                                           : std::optional(result);
  if (op == "min")
    return std::min(a, b);
  if (op == "max")
    return std::max(a, b);
  if (b <= 0)
    return std::nullopt;
  if (op == "floordiv")
    return llvm::divideFloorSigned(a, b);
  if (op == "ceildiv")
    return llvm::divideCeilSigned(a, b);
  return llvm::mod(a, b);
}

/// The expression of an integer op of arith, or an empty name.
StringRef integerOp(Operation *op) {
  return TypeSwitch<Operation *, StringRef>(op)
      .Case<arith::AddIOp>([](auto) { return "add"; })
      .Case<arith::SubIOp>([](auto) { return "sub"; })
      .Case<arith::MulIOp>([](auto) { return "mul"; })
      // Sizes are not negative, where these agree with the signed ones.
      .Case<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(
          [](auto) { return "floordiv"; })
      .Case<arith::CeilDivSIOp, arith::CeilDivUIOp>(
          [](auto) { return "ceildiv"; })
      .Case<arith::RemSIOp, arith::RemUIOp>([](auto) { return "mod"; })
      .Case<arith::MinSIOp, arith::MinUIOp>([](auto) { return "min"; })
      .Case<arith::MaxSIOp, arith::MaxUIOp>([](auto) { return "max"; })
      .Case<arith::AndIOp, arith::OrIOp>([](auto logic) {
        bool isTruth = logic.getType().isInteger(1);
        bool isAnd = isa<arith::AndIOp>(logic.getOperation());
        return isTruth ? (isAnd ? "min" : "max") : "";
      })
      .Default(StringRef());
}

StringRef floatOp(Operation *op) {
  return TypeSwitch<Operation *, StringRef>(op)
      .Case<arith::AddFOp>([](auto) { return "add"; })
      .Case<arith::SubFOp>([](auto) { return "sub"; })
      .Case<arith::MulFOp>([](auto) { return "mul"; })
      .Case<arith::DivFOp>([](auto) { return "div"; })
      .Default(StringRef());
}

/// A truth value is 0 or 1: lhs < rhs and the like of integers, sizes among the
/// unsigned.
Number compare(arith::CmpIPredicate predicate, Number lhs, Number rhs) {
  auto atMost = [](Number a, Number b) { // a <= b
    Number more = combine("add", combine("sub", std::move(b), std::move(a)), 1);
    return combine("min", combine("max", std::move(more), 0), 1);
  };
  auto no = [](Number truth) { return combine("sub", 1, std::move(truth)); };
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return combine("min", atMost(lhs, rhs), atMost(rhs, lhs));
  case arith::CmpIPredicate::ne:
    return no(combine("min", atMost(lhs, rhs), atMost(rhs, lhs)));
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::ule:
    return atMost(lhs, rhs);
  case arith::CmpIPredicate::sge:
  case arith::CmpIPredicate::uge:
    return atMost(rhs, lhs);
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::ult:
    return no(atMost(rhs, lhs));
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::ugt:
    return no(atMost(lhs, rhs));
  }
  llvm_unreachable("all predicates are listed");
}

SmallVector<Number, 4> rowMajor(ArrayRef<Number> sizes) {
  SmallVector<Number, 4> strides(sizes.size(), Number(1));
  for (size_t i = sizes.size(); i-- > 1;)
    strides[i - 1] = combine("mul", strides[i], sizes[i]);
  return strides;
}

} // namespace

Number leaf(StringRef kind, int64_t argument) {
  return json::Array{kind, argument};
}

Number leaf(StringRef kind, int64_t argument, int64_t dim) {
  return json::Array{kind, argument, dim};
}

Number combine(StringRef op, Number lhs, Number rhs) {
  std::optional<int64_t> a = lhs.getAsInteger(), b = rhs.getAsInteger();
  if (a && b)
    if (std::optional<int64_t> value = fold(op, *a, *b))
      return *value;
  if (op == "add" && a == 0)
    return rhs;
  if ((op == "add" || op == "sub") && b == 0)
    return lhs;
  if (op == "mul" && (a == 0 || b == 0))
    return 0;
  if (op == "mul" && a == 1)
    return rhs;
  if ((op == "mul" || op == "floordiv" || op == "ceildiv") && b == 1)
    return lhs;
  return json::Array{op, std::move(lhs), std::move(rhs)};
}

llvm::Error launchError(Operation *op, const Twine &why) {
  std::string place;
  if (auto loc = op->getLoc()->findInstanceOf<FileLineColLoc>())
    place = (loc.getFilename().getValue() + ":" + Twine(loc.getLine()) + ":" +
             Twine(loc.getColumn()) + ": ")
                .str();
  return llvm::createStringError(
      llvm::inconvertibleErrorCode(),
      place + "'" + op->getName().getStringRef() +
          "' in the host part of a GPU entry: " + why);
}

Expected<int64_t> elementBytes(Type type) {
  if (std::optional<Dtype> dtype = dtypeOf(type))
    return dtypeBytes(*dtype);
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "elements of type " + text +
                                     " have no size on the GPU");
}

llvm::Error LaunchNumbers::addArgument(Value argument, int64_t index) {
  auto type = dyn_cast<MemRefType>(argument.getType());
  if (!type) {
    numbers.try_emplace(argument, leaf("scalar", index));
    return llvm::Error::success();
  }
  BufferView view;
  view.index = index;
  view.elementType = type.getElementType();
  for (auto [i, size] : llvm::enumerate(type.getShape()))
    view.sizes.push_back(ShapedType::isDynamic(size) ? leaf("size", index, i)
                                                     : Number(size));
  if (type.getLayout().isIdentity()) {
    view.strides = rowMajor(view.sizes);
  } else {
    // The caller's strides; where the type fixes one it has been checked.
    for (int64_t i = 0; i < type.getRank(); ++i)
      view.strides.push_back(leaf("stride", index, i));
  }
  views.try_emplace(argument, std::move(view));
  return llvm::Error::success();
}

Expected<Number> LaunchNumbers::number(Value value) const {
  auto it = numbers.find(value);
  if (it != numbers.end())
    return it->second;
  if (Operation *op = value.getDefiningOp())
    return launchError(op, "expected a number that follows from the sizes and "
                           "scalars of the arguments");
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "a tensor is used as a number");
}

Expected<Number> LaunchNumbers::number(OpFoldResult value) const {
  if (auto attribute = dyn_cast<Attribute>(value))
    return Number(cast<IntegerAttr>(attribute).getInt());
  return number(cast<Value>(value));
}

Expected<const BufferView *> LaunchNumbers::view(Value value) const {
  auto it = views.find(value);
  if (it != views.end())
    return &it->second;
  if (Operation *op = value.getDefiningOp())
    return launchError(op, "expected a view of an argument or of an alloc");
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "a number is used as a tensor");
}

Expected<Number> LaunchNumbers::affine(AffineExpr expr, unsigned numDims,
                                       ArrayRef<Number> operands) const {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return Number(constant.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return operands[dim.getPosition()];
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return operands[numDims + symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Expected<Number> lhs = affine(binary.getLHS(), numDims, operands);
  if (!lhs)
    return lhs.takeError();
  Expected<Number> rhs = affine(binary.getRHS(), numDims, operands);
  if (!rhs)
    return rhs.takeError();
  StringRef op = expr.getKind() == AffineExprKind::Add        ? "add"
                 : expr.getKind() == AffineExprKind::Mul      ? "mul"
                 : expr.getKind() == AffineExprKind::Mod      ? "mod"
                 : expr.getKind() == AffineExprKind::FloorDiv ? "floordiv"
                                                              : "ceildiv";
  return combine(op, std::move(*lhs), std::move(*rhs));
}

Expected<bool> LaunchNumbers::addOp(Operation *op) {
  Expected<bool> done = addNumberOp(op);
  if (!done || *done)
    return done;
  return addViewOp(op);
}

Expected<bool> LaunchNumbers::addNumberOp(Operation *op) {
  auto define = [&](Expected<Number> value) -> Expected<bool> {
    if (!value)
      return value.takeError();
    numbers.try_emplace(op->getResult(0), std::move(*value));
    return true;
  };
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (auto integer = dyn_cast<IntegerAttr>(constant.getValue()))
      return define(Number(integer.getInt()));
    if (auto real = dyn_cast<FloatAttr>(constant.getValue()))
      return define(Number(real.getValueAsDouble()));
    return false;
  }
  if (auto constant = dyn_cast<LLVM::ConstantOp>(op)) {
    if (auto integer = dyn_cast<IntegerAttr>(constant.getValue()))
      return define(Number(integer.getInt()));
    if (auto real = dyn_cast<FloatAttr>(constant.getValue()))
      return define(Number(real.getValueAsDouble()));
    return false;
  }
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    Expected<const BufferView *> source = view(dim.getSource());
    if (!source)
      return source.takeError();
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!index || *index < 0 || *index >= int64_t((*source)->sizes.size()))
      return launchError(op, "expected a constant dimension");
    return define((*source)->sizes[*index]);
  }
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    SmallVector<Number> operands;
    for (Value operand : apply.getMapOperands()) {
      Expected<Number> value = number(operand);
      if (!value)
        return value.takeError();
      operands.push_back(std::move(*value));
    }
    AffineMap map = apply.getAffineMap();
    return define(affine(map.getResult(0), map.getNumDims(), operands));
  }
  if (auto cmp = dyn_cast<arith::CmpIOp>(op)) {
    Expected<Number> lhs = number(cmp.getLhs());
    if (!lhs)
      return lhs.takeError();
    Expected<Number> rhs = number(cmp.getRhs());
    if (!rhs)
      return rhs.takeError();
    return define(
        compare(cmp.getPredicate(), std::move(*lhs), std::move(*rhs)));
  }
  // Ranges are checked where a number is used, so casts change nothing.
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp,
          arith::ExtUIOp, arith::TruncIOp, arith::SIToFPOp, arith::ExtFOp,
          arith::TruncFOp>(op) &&
      !isBuffer(op->getOperand(0)))
    return define(number(op->getOperand(0)));
  StringRef name = integerOp(op).empty() ? floatOp(op) : integerOp(op);
  if (name.empty())
    return false;
  Expected<Number> lhs = number(op->getOperand(0));
  if (!lhs)
    return lhs.takeError();
  Expected<Number> rhs = number(op->getOperand(1));
  if (!rhs)
    return rhs.takeError();
  if (!floatOp(op).empty())
    return define(Number(
        json::Array{("f" + name).str(), std::move(*lhs), std::move(*rhs)}));
  return define(combine(name, std::move(*lhs), std::move(*rhs)));
}

} // namespace attn
