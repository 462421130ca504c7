//===- RandomMask.h - Mask regions to analyse -------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes random mask regions and interprets them one key at a time.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_ANALYSIS_RANDOMMASK_H
#define ATTN_TEST_UNIT_ANALYSIS_RANDOMMASK_H

#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "gtest/gtest.h"

#include <random>
#include <string>

namespace attn::test {

/// What the regions capture, by value.
struct Captured {
  int64_t s = 0;           ///< %s[] : index
  int64_t wide = 0;        ///< %wide[] : i64
  int32_t narrow = 0;      ///< %narrow[] : i32
  int32_t lens[2] = {};    ///< %lens[b]
  int64_t offsets[2] = {}; ///< %offsets[h floordiv 2]
  bool flag = false;       ///< %flag[] : i1
  /// %doc[n], which the analysis cannot know.
  static int32_t doc(int64_t n) { return n % 3; }
};

constexpr int64_t kMaxKeys = 40;

inline std::string moduleText(const Captured &c, llvm::StringRef body) {
  std::string docs;
  for (int64_t n = 0; n < kMaxKeys; ++n)
    docs += (n ? ", " : "") + std::to_string(Captured::doc(n));
  auto text = [](auto value) { return std::to_string(value); };
  return "func.func @f(%q: tensor<2x4x?x8xf32>, %k: tensor<2x4x?x8xf32>) -> "
         "tensor<2x4x?x8xf32> {\n"
         "%scale = arith.constant 1.0 : f32\n"
         "%s = arith.constant " +
         text(c.s) +
         " : index\n"
         "%wide = arith.constant " +
         text(c.wide) +
         " : i64\n"
         "%narrow = arith.constant " +
         text(c.narrow) +
         " : i32\n"
         "%flag = arith.constant " +
         (c.flag ? "true" : "false") +
         "\n"
         "%lens = arith.constant dense<[" +
         text(c.lens[0]) + ", " + text(c.lens[1]) +
         "]> : tensor<2xi32>\n"
         "%offsets = arith.constant dense<[" +
         text(c.offsets[0]) + ", " + text(c.offsets[1]) +
         "]> : tensor<2xi64>\n"
         "%doc = arith.constant dense<[" +
         docs +
         "]> : tensor<40xi32>\n"
         "%o = attn.sdpa %q, %k, %k scale(%scale) captures(%s[] : index, "
         "%wide[] : i64, %narrow[] : i32, %flag[] : i1, %lens[b] : "
         "tensor<2xi32>, %offsets[h floordiv 2] : tensor<2xi64>, %doc[n] : "
         "tensor<40xi32>) : tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32>, "
         "tensor<2x4x?x8xf32> -> tensor<2x4x?x8xf32>\n"
         "mask(%b, %h, %m, %n, %cs, %cwide, %cnarrow, %cflag, %clen, %coffset, "
         "%cdoc) {\n" +
         body.str() + "}\nreturn %o : tensor<2x4x?x8xf32>\n}\n";
}

/// Runs a mask region for one key, with the arithmetic of its types.
class Interpreter {
public:
  Interpreter(const Captured &c, int64_t b, int64_t h, int64_t m, int64_t n)
      : arguments{b,
                  h,
                  m,
                  n,
                  c.s,
                  c.wide,
                  c.narrow,
                  c.flag,
                  c.lens[b],
                  c.offsets[h / 2],
                  Captured::doc(n)} {}

  bool run(mlir::Region &mask) {
    return eval(llvm::cast<YieldOp>(mask.front().back()).getValue()) != 0;
  }

private:
  static int64_t wrap(int64_t value, mlir::Type type) {
    unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
    if (width == 1)
      return value & 1;
    return llvm::APInt(64, uint64_t(value)).trunc(width).getSExtValue();
  }

  int64_t eval(mlir::Value value) {
    if (auto argument = llvm::dyn_cast<mlir::BlockArgument>(value))
      return arguments[argument.getArgNumber()];
    mlir::Operation *op = value.getDefiningOp();
    if (auto constant = llvm::dyn_cast<mlir::arith::ConstantOp>(op))
      return wrap(*mlir::getConstantIntValue(value), value.getType());
    auto in = [&](unsigned i) { return eval(op->getOperand(i)); };
    if (llvm::isa<mlir::arith::SelectOp>(op))
      return in(0) ? in(1) : in(2);
    if (auto cmp = llvm::dyn_cast<mlir::arith::CmpIOp>(op)) {
      unsigned width = cmp.getLhs().getType().isIndex()
                           ? 64
                           : cmp.getLhs().getType().getIntOrFloatBitWidth();
      return mlir::arith::applyCmpPredicate(
          cmp.getPredicate(), llvm::APInt(width, in(0), true, true),
          llvm::APInt(width, in(1), true, true));
    }
    uint64_t left = in(0);
    uint64_t right = op->getNumOperands() > 1 ? in(1) : 0;
    uint64_t result = 0;
    if (llvm::isa<mlir::arith::AddIOp>(op))
      result = left + right;
    else if (llvm::isa<mlir::arith::SubIOp>(op))
      result = left - right;
    else if (llvm::isa<mlir::arith::MulIOp>(op))
      result = left * right;
    else if (llvm::isa<mlir::arith::AndIOp>(op))
      result = left & right;
    else if (llvm::isa<mlir::arith::OrIOp>(op))
      result = left | right;
    else if (llvm::isa<mlir::arith::XOrIOp>(op))
      result = left ^ right;
    else if (llvm::isa<mlir::arith::IndexCastOp, mlir::arith::ExtSIOp,
                       mlir::arith::TruncIOp>(op))
      result = left;
    else
      ADD_FAILURE() << "no rule for " << op->getName().getStringRef().str();
    return wrap(result, value.getType());
  }

  int64_t arguments[11];
};

/// Writes random mask regions.
class Generator {
public:
  explicit Generator(unsigned seed) : random(seed) {}

  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  }
  /// Mostly small, sometimes close to where the type ends or a power of two.
  int64_t number(int64_t largest) {
    int64_t kind = pick(0, 11), sign = pick(0, 1) ? 1 : -1;
    if (kind == 0)
      return sign * (largest - pick(0, 3));
    if (kind == 1)
      return sign * (largest >> pick(1, 12));
    return pick(-30, 30);
  }
  Captured captured() {
    Captured c;
    c.s = number(INT64_MAX);
    c.wide = number(INT64_MAX);
    c.narrow = number(INT32_MAX);
    c.flag = pick(0, 1);
    for (int i : {0, 1}) {
      c.lens[i] = number(INT32_MAX);
      c.offsets[i] = number(INT64_MAX);
    }
    return c;
  }
  std::string mask() {
    text.clear();
    next = 0;
    std::string result = predicate(3);
    return text + "attn.yield " + result + " : i1\n";
  }

private:
  std::string emit(const std::string &op) {
    std::string name = "%v" + std::to_string(next++);
    text += name + " = " + op + "\n";
    return name;
  }
  std::string cast(const std::string &value, const std::string &from,
                   const std::string &to) {
    if (from == to)
      return value;
    bool isIndex = from == "index" || to == "index";
    const char *op = isIndex         ? "arith.index_cast "
                     : from == "i32" ? "arith.extsi "
                                     : "arith.trunci ";
    return emit(op + value + " : " + from + " to " + to);
  }
  std::string leaf(const std::string &type) {
    switch (pick(0, 10)) {
    case 0:
      return cast("%b", "index", type);
    case 1:
      return cast("%h", "index", type);
    case 2:
      return cast("%cs", "index", type);
    case 3:
      return cast("%cwide", "i64", type);
    case 4:
      return cast("%cnarrow", "i32", type);
    case 5:
      return cast("%clen", "i32", type);
    case 6:
      return cast("%coffset", "i64", type);
    case 7:
      return pick(0, 3) ? cast("%m", "index", type)
                        : cast("%cdoc", "i32", type);
    case 8:
      return cast("%m", "index", type);
    default:
      return cast("%n", "index", type);
    }
  }
  std::string constant(const std::string &type) {
    int64_t value = number(type == "i32" ? INT32_MAX : INT64_MAX);
    return emit("arith.constant " + std::to_string(value) + " : " + type);
  }
  std::string affine(const std::string &type, int depth) {
    if (depth == 0 || pick(0, 2) == 0)
      return pick(0, 3) ? leaf(type) : constant(type);
    std::string left = affine(type, depth - 1);
    if (pick(0, 3) == 0)
      return emit("arith.muli " + left + ", " + constant(type) + " : " + type);
    const char *op = pick(0, 1) ? "arith.addi " : "arith.subi ";
    return emit(op + left + ", " + affine(type, depth - 1) + " : " + type);
  }
  std::string predicate(int depth) {
    int64_t kind = pick(0, 9);
    if (depth > 0 && kind < 5) {
      std::string left = predicate(depth - 1), right = predicate(depth - 1);
      if (kind == 4)
        return emit("arith.select " + predicate(depth - 1) + ", " + left +
                    ", " + right + " : i1");
      static const char *ops[] = {"arith.andi ", "arith.ori ", "arith.andi ",
                                  "arith.xori "};
      if (kind == 3)
        right = emit("arith.constant " +
                     std::string(pick(0, 2) ? "true" : "false"));
      return emit(ops[kind] + left + ", " + right + " : i1");
    }
    if (kind == 5)
      return "%cflag";
    static const char *types[] = {"index", "i64", "i32"};
    static const char *predicates[] = {"sle", "slt", "sge", "sgt",
                                       "eq",  "ne",  "ult"};
    std::string type = types[pick(0, 2)];
    std::string left = affine(type, 2), right = affine(type, 2);
    return emit("arith.cmpi " + std::string(predicates[pick(0, 6)]) + ", " +
                left + ", " + right + " : " + type);
  }

  std::mt19937 random;
  std::string text;
  int next = 0;
};

} // namespace attn::test

#endif // ATTN_TEST_UNIT_ANALYSIS_RANDOMMASK_H
