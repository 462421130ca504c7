//===- RandomMask.h - Mask regions to analyse -------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes random mask regions and interprets them one key at a time. `rich` ones
// have all that a test of blocks understands, others what a range does.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_ANALYSIS_RANDOMMASK_H
#define ATTN_TEST_UNIT_ANALYSIS_RANDOMMASK_H

#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "gtest/gtest.h"

#include <random>
#include <string>

namespace attn::test {

constexpr int64_t kMaxKeys = 40;

/// What the regions capture, by value.
struct Captured {
  int64_t s = 0;           ///< %s[] : index
  int64_t wide = 0;        ///< %wide[] : i64
  int32_t narrow = 0;      ///< %narrow[] : i32
  int32_t lens[2] = {};    ///< %lens[b]
  int64_t offsets[2] = {}; ///< %offsets[h floordiv 2]
  bool flag = false;       ///< %flag[] : i1
  /// What depends on a key or a query: %doc[n], %pad[n], %mine[m].
  int32_t doc[kMaxKeys] = {};
  bool pad[kMaxKeys] = {};
  int64_t mine[kMaxKeys] = {};
};

inline std::string moduleText(const Captured &c, llvm::StringRef body) {
  auto text = [](auto value) { return std::to_string(value); };
  auto list = [&](const auto &values) {
    std::string all;
    for (auto value : values)
      all += (all.empty() ? "" : ", ") + text(value);
    return all;
  };
  std::string pads;
  for (bool pad : c.pad)
    pads += std::string(pads.empty() ? "" : ", ") + (pad ? "true" : "false");
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
         list(c.doc) +
         "]> : tensor<40xi32>\n"
         "%pad = arith.constant dense<[" +
         pads +
         "]> : tensor<40xi1>\n"
         "%mine = arith.constant dense<[" +
         list(c.mine) +
         "]> : tensor<40xi64>\n"
         "%o = attn.sdpa %q, %k, %k scale(%scale) captures(%s[] : index, "
         "%wide[] : i64, %narrow[] : i32, %flag[] : i1, %lens[b] : "
         "tensor<2xi32>, %offsets[h floordiv 2] : tensor<2xi64>, %doc[n] : "
         "tensor<40xi32>, %pad[n] : tensor<40xi1>, %mine[m] : tensor<40xi64>) "
         ": tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32>, "
         "tensor<2x4x?x8xf32> -> tensor<2x4x?x8xf32>\n"
         "mask(%b, %h, %m, %n, %cs, %cwide, %cnarrow, %cflag, %clen, %coffset, "
         "%cdoc, %cpad, %cmine) {\n" +
         body.str() + "}\nreturn %o : tensor<2x4x?x8xf32>\n}\n";
}

/// Runs a mask region for one key, with the arithmetic of its types.
class Interpreter {
public:
  Interpreter(const Captured &c, int64_t b, int64_t h, int64_t m, int64_t n)
      : arguments{b,        h,        m,        n,         c.s,
                  c.wide,   c.narrow, c.flag,   c.lens[b], c.offsets[h / 2],
                  c.doc[n], c.pad[n], c.mine[m]} {}

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

  /// Divisions and what else is defined on bits alone.
  static std::optional<llvm::APInt> divide(mlir::Operation *op, llvm::APInt x,
                                           llvm::APInt y) {
    using namespace mlir::arith;
    if (llvm::isa<DivSIOp>(op))
      return x.sdiv(y);
    if (llvm::isa<RemSIOp>(op))
      return x.srem(y);
    if (llvm::isa<FloorDivSIOp>(op))
      return llvm::APIntOps::RoundingSDiv(x, y, llvm::APInt::Rounding::DOWN);
    if (llvm::isa<CeilDivSIOp>(op))
      return llvm::APIntOps::RoundingSDiv(x, y, llvm::APInt::Rounding::UP);
    if (llvm::isa<DivUIOp>(op))
      return x.udiv(y);
    if (llvm::isa<CeilDivUIOp>(op))
      return llvm::APIntOps::RoundingUDiv(x, y, llvm::APInt::Rounding::UP);
    if (llvm::isa<RemUIOp>(op))
      return x.urem(y);
    if (llvm::isa<MinUIOp>(op))
      return llvm::APIntOps::umin(x, y);
    if (llvm::isa<MaxUIOp>(op))
      return llvm::APIntOps::umax(x, y);
    return std::nullopt;
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
    mlir::Type from = op->getOperand(0).getType();
    unsigned width = from.isIndex() ? 64 : from.getIntOrFloatBitWidth();
    llvm::APInt x(width, left, true, true), y(width, right, true, true);
    uint64_t result = 0;
    if (std::optional<llvm::APInt> known = divide(op, x, y))
      return wrap(known->getSExtValue(), value.getType());
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
    else if (llvm::isa<mlir::arith::MinSIOp>(op))
      result = std::min<int64_t>(left, right);
    else if (llvm::isa<mlir::arith::MaxSIOp>(op))
      result = std::max<int64_t>(left, right);
    else if (llvm::isa<mlir::arith::ShLIOp>(op))
      result = left << right;
    else if (llvm::isa<mlir::arith::ShRSIOp>(op))
      result = int64_t(left) >> right;
    else if (llvm::isa<mlir::math::AbsIOp>(op))
      result = int64_t(left) < 0 ? -left : left;
    else if (llvm::isa<mlir::arith::ExtUIOp, mlir::arith::IndexCastUIOp>(op))
      result = x.getZExtValue();
    else if (llvm::isa<mlir::arith::IndexCastOp, mlir::arith::ExtSIOp,
                       mlir::arith::TruncIOp>(op))
      result = width == 1 ? -left : left;
    else
      ADD_FAILURE() << "no rule for " << op->getName().getStringRef().str();
    return wrap(result, value.getType());
  }

  int64_t arguments[13];
};

/// Writes random mask regions.
class Generator {
public:
  explicit Generator(unsigned seed, bool rich = false)
      : random(seed), rich(rich) {}

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
    // Documents of random lengths, padding at the end, rows of their own.
    int32_t document = pick(0, 2);
    int64_t end = pick(0, 2 * kMaxKeys);
    bool isWild = pick(0, 7) == 0;
    for (int64_t i = 0; i < kMaxKeys; ++i) {
      document += pick(0, 9) == 0;
      c.doc[i] = isWild ? number(INT32_MAX) : document;
      c.pad[i] = i < end;
      c.mine[i] = isWild ? number(INT64_MAX) : document;
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
      return pick(0, 3)           ? cast("%m", "index", type)
             : rich && pick(0, 1) ? cast("%cmine", "i64", type)
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
  std::string binary(const std::string &name, const std::string &left,
                     const std::string &right, const std::string &type) {
    return emit(name + " " + left + ", " + right + " : " + type);
  }
  std::string small(const std::string &type, int64_t low, int64_t high) {
    return emit("arith.constant " + std::to_string(pick(low, high)) + " : " +
                type);
  }
  /// A divisor that is never 0: small, or a captured number.
  std::string divisor(const std::string &type) {
    if (pick(0, 3))
      return small(type, 1, 12);
    return binary("arith.maxsi", leaf(type), small(type, 1, 4), type);
  }
  /// Arithmetic that is not affine.
  std::string integer(const std::string &type, int depth) {
    if (!rich || depth == 0 || pick(0, 2) == 0)
      return affine(type, depth);
    std::string x = integer(type, depth - 1);
    static const char *divisions[] = {
        "arith.floordivsi", "arith.divsi", "arith.ceildivsi", "arith.remsi",
        "arith.remui",      "arith.divui", "arith.ceildivui"};
    static const char *pairs[] = {"arith.minsi", "arith.maxsi", "arith.addi",
                                  "arith.subi",  "arith.muli",  "arith.minui",
                                  "arith.maxui"};
    switch (pick(0, 8)) {
    case 0:
    case 1:
    case 2:
      return binary(divisions[pick(0, 6)], x, divisor(type), type);
    case 3: {
      std::string by = divisor(type);
      std::string whole = binary("arith.floordivsi", x, by, type);
      return binary("arith.subi", x, binary("arith.muli", whole, by, type),
                    type);
    }
    case 4:
      return binary(pairs[pick(0, 6)], x, integer(type, depth - 1), type);
    case 5: {
      std::string condition = predicate(0);
      return emit("arith.select " + condition + ", " + x + ", " +
                  integer(type, depth - 1) + " : " + type);
    }
    case 6: {
      int64_t bits = (int64_t(1) << pick(0, 5)) - 1;
      return binary(
          "arith.andi", x,
          emit("arith.constant " + std::to_string(bits) + " : " + type), type);
    }
    case 7:
      return binary(pick(0, 1) ? "arith.shli" : "arith.shrsi", x,
                    small(type, 0, 6), type);
    default:
      return emit("math.absi " + x + " : " + type);
    }
  }
  /// A number that comes from a truth value or through unsigned casts.
  std::string converted(const std::string &type) {
    if (pick(0, 1)) {
      std::string truth = predicate(0);
      if (type == "index")
        return emit((pick(0, 1) ? "arith.index_cast " : "arith.index_castui ") +
                    truth + " : i1 to index");
      return emit((pick(0, 1) ? "arith.extsi " : "arith.extui ") + truth +
                  " : i1 to " + type);
    }
    std::string narrow = integer("i32", 1);
    if (type == "i32")
      return narrow;
    return emit((type == "index" ? "arith.index_castui " : "arith.extui ") +
                narrow + " : i32 to " + type);
  }
  std::string predicate(int depth) {
    int64_t kind = pick(0, 9);
    if (rich && kind == 6 && pick(0, 1))
      return "%cpad";
    if (rich && depth > 0 && kind == 7 && pick(0, 1)) {
      std::string left = predicate(depth - 1), right = predicate(depth - 1);
      static const char *ops[] = {"arith.xori ", "arith.cmpi eq, ",
                                  "arith.cmpi ne, "};
      return emit(ops[pick(0, 2)] + left + ", " + right + " : i1");
    }
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
    static const char *predicates[] = {"sle", "slt", "sge", "sgt", "eq",
                                       "ne",  "ult", "ule", "ugt", "uge"};
    std::string type = types[pick(0, 2)];
    std::string left = rich && pick(0, 9) == 0 ? converted(type)
                                               : integer(type, 2),
                right = integer(type, 2);
    return emit("arith.cmpi " + std::string(predicates[pick(0, rich ? 9 : 6)]) +
                ", " + left + ", " + right + " : " + type);
  }

  std::mt19937 random;
  bool rich;
  std::string text;
  int next = 0;
};

} // namespace attn::test

#endif // ATTN_TEST_UNIT_ANALYSIS_RANDOMMASK_H
