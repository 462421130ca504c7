//===- MaskRangeTest.cpp - Key ranges against brute force -----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random mask regions, interpreted key by key, against the emitted ranges. With
// constant operands everything that is emitted folds to constants.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskRange.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

#include <random>

using namespace mlir;
using namespace attn;

namespace {

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

std::string moduleText(const Captured &c, StringRef body) {
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

  bool run(Region &mask) {
    return eval(cast<YieldOp>(mask.front().back()).getValue()) != 0;
  }

private:
  static int64_t wrap(int64_t value, Type type) {
    unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
    if (width == 1)
      return value & 1;
    return APInt(64, uint64_t(value)).trunc(width).getSExtValue();
  }

  int64_t eval(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return arguments[argument.getArgNumber()];
    Operation *op = value.getDefiningOp();
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      return wrap(*getConstantIntValue(value), value.getType());
    auto in = [&](unsigned i) { return eval(op->getOperand(i)); };
    if (isa<arith::SelectOp>(op))
      return in(0) ? in(1) : in(2);
    if (auto cmp = dyn_cast<arith::CmpIOp>(op)) {
      unsigned width = cmp.getLhs().getType().isIndex()
                           ? 64
                           : cmp.getLhs().getType().getIntOrFloatBitWidth();
      return arith::applyCmpPredicate(cmp.getPredicate(),
                                      APInt(width, in(0), true, true),
                                      APInt(width, in(1), true, true));
    }
    uint64_t left = in(0);
    uint64_t right = op->getNumOperands() > 1 ? in(1) : 0;
    uint64_t result = 0;
    if (isa<arith::AddIOp>(op))
      result = left + right;
    else if (isa<arith::SubIOp>(op))
      result = left - right;
    else if (isa<arith::MulIOp>(op))
      result = left * right;
    else if (isa<arith::AndIOp>(op))
      result = left & right;
    else if (isa<arith::OrIOp>(op))
      result = left | right;
    else if (isa<arith::XOrIOp>(op))
      result = left ^ right;
    else if (isa<arith::IndexCastOp, arith::ExtSIOp, arith::TruncIOp>(op))
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

struct Range {
  int64_t lo, hi, fullLo, fullHi;
};

class MaskRangeTest : public testing::Test {
protected:
  MaskRangeTest() {
    context.loadDialect<affine::AffineDialect, arith::ArithDialect, AttnDialect,
                        func::FuncDialect, tensor::TensorDialect>();
  }

  void parse(const Captured &captured, StringRef body) {
    this->captured = captured;
    std::string text = moduleText(captured, body);
    module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << text;
    module->walk([&](SdpaOp found) { op = found; });
  }

  Range range(int64_t b, int64_t h, int64_t m0, int64_t m1, int64_t n) {
    OpBuilder builder(op);
    Location loc = op.getLoc();
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(builder, loc, value);
    };
    KeyRange keys = buildKeyRange(builder, loc, op, index(b), index(h),
                                  index(m0), index(m1), index(n));
    auto value = [&](Value bound) {
      std::optional<int64_t> constant = getConstantIntValue(bound);
      EXPECT_TRUE(constant) << "a bound that does not fold";
      return constant.value_or(-1);
    };
    return {value(keys.lo), value(keys.hi), value(keys.fullLo),
            value(keys.fullHi)};
  }

  /// Whether some and whether every query of the group keeps key `n`.
  std::pair<bool, bool> kept(int64_t b, int64_t h, int64_t m0, int64_t m1,
                             int64_t n) {
    bool some = false, all = true;
    for (int64_t m = m0; m < m1; ++m) {
      bool keeps = Interpreter(captured, b, h, m, n).run(op.getMask());
      some |= keeps;
      all &= keeps;
    }
    return {some, all};
  }

  /// The range is right; when `exact`, also as narrow as it can be.
  void check(int64_t b, int64_t h, int64_t m0, int64_t m1, int64_t n,
             bool exact = false) {
    Range r = range(b, h, m0, m1, n);
    EXPECT_LE(0, r.lo);
    EXPECT_LE(r.lo, r.fullLo);
    EXPECT_LE(r.fullLo, r.fullHi);
    EXPECT_LE(r.fullHi, r.hi);
    EXPECT_LE(r.hi, n);
    int64_t someCount = 0, allCount = 0;
    for (int64_t key = 0; key < n; ++key) {
      auto [some, all] = kept(b, h, m0, m1, key);
      someCount += some;
      allCount += all;
      if (some)
        EXPECT_TRUE(r.lo <= key && key < r.hi) << "key " << key << " is lost";
      if (r.fullLo <= key && key < r.fullHi)
        EXPECT_TRUE(all) << "key " << key << " is not kept by all";
    }
    solved += r.hi - r.lo < n || r.fullHi > r.fullLo;
    if (!exact)
      return;
    EXPECT_EQ(r.hi - r.lo, someCount);
    EXPECT_EQ(r.fullHi - r.fullLo, allCount);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  SdpaOp op;
  Captured captured;
  int64_t solved = 0;
};

TEST_F(MaskRangeTest, RandomPredicates) {
  Generator generator(20250611);
  for (int i = 0; i < 2000; ++i) {
    std::string body = generator.mask();
    Captured captured = generator.captured();
    SCOPED_TRACE(moduleText(captured, body));
    parse(captured, body);
    for (int j = 0; j < 4; ++j) {
      int64_t m0 = generator.pick(0, 30);
      check(generator.pick(0, 1), generator.pick(0, 3), m0,
            m0 + generator.pick(1, 6), generator.pick(0, kMaxKeys));
    }
    if (HasFailure())
      return;
  }
  // Understanding nothing would be right as well.
  EXPECT_GT(solved, 2000);
}

/// Masks whose kept keys are an interval for every group.
TEST_F(MaskRangeTest, ExactWhereItMatters) {
  struct {
    const char *name, *body;
  } cases[] = {
      {"causal", "%k = arith.cmpi sle, %n, %m : index\n"
                 "attn.yield %k : i1\n"},
      {"causal with an offset", "%d = arith.subi %n, %m : index\n"
                                "%k = arith.cmpi sle, %d, %cs : index\n"
                                "attn.yield %k : i1\n"},
      {"window and lengths", "%d = arith.subi %n, %m : index\n"
                             "%r = arith.index_cast %cnarrow : i32 to index\n"
                             "%k0 = arith.cmpi sle, %d, %r : index\n"
                             "%l = arith.constant -70 : index\n"
                             "%k1 = arith.cmpi sge, %d, %l : index\n"
                             "%len = arith.index_cast %clen : i32 to index\n"
                             "%k2 = arith.cmpi slt, %n, %len : index\n"
                             "%k3 = arith.andi %k0, %k1 : i1\n"
                             "%k = arith.andi %k3, %k2 : i1\n"
                             "attn.yield %k : i1\n"},
      {"a bound that may be off", "%zero = arith.constant 0 : index\n"
                                  "%off = arith.cmpi slt, %cs, %zero : index\n"
                                  "%in = arith.cmpi sge, %n, %cs : index\n"
                                  "%k = arith.ori %off, %in : i1\n"
                                  "attn.yield %k : i1\n"},
      {"prefix or causal", "%len = arith.index_cast %clen : i32 to index\n"
                           "%p = arith.cmpi slt, %n, %len : index\n"
                           "%c = arith.cmpi sle, %n, %m : index\n"
                           "%k = arith.ori %p, %c : i1\n"
                           "attn.yield %k : i1\n"},
      {"every second query", "%two = arith.constant 2 : index\n"
                             "%n2 = arith.muli %n, %two : index\n"
                             "%k = arith.cmpi sgt, %n2, %m : index\n"
                             "attn.yield %k : i1\n"},
      {"one key per head", "%k = arith.cmpi eq, %n, %h : index\n"
                           "attn.yield %k : i1\n"},
      {"a switch", "attn.yield %cflag : i1\n"},
  };
  for (const auto &c : cases)
    for (int64_t value : {-60, -7, 0, 1, 9, 60}) {
      SCOPED_TRACE(std::string(c.name) + " " + std::to_string(value));
      Captured captured;
      captured.s = captured.narrow = value;
      captured.lens[0] = value;
      captured.lens[1] = 12;
      captured.flag = value > 0;
      parse(captured, c.body);
      for (int64_t m0 : {0, 1, 8, 33})
        for (int64_t n : {0, 1, 13, 40})
          for (int64_t b : {0, 1})
            check(b, 2, m0, m0 + 4, n, /*exact=*/true);
    }
}

/// Products that wrap to 0 although their factors are not large.
TEST_F(MaskRangeTest, WrappingIsNotBelieved) {
  Captured captured;
  captured.narrow = 1 << 12;
  captured.wide = int64_t(1) << 40;
  parse(captured, "%f = arith.constant 1048576 : i32\n"
                  "%x = arith.muli %cnarrow, %f : i32\n"
                  "%i = arith.index_cast %n : index to i32\n"
                  "%k = arith.cmpi sge, %i, %x : i32\n"
                  "attn.yield %k : i1\n");
  check(0, 0, 0, 4, 40);
  parse(captured, "%f = arith.constant 16777216 : i64\n"
                  "%x = arith.muli %cwide, %f : i64\n"
                  "%i = arith.index_cast %n : index to i64\n"
                  "%k = arith.cmpi sge, %i, %x : i64\n"
                  "attn.yield %k : i1\n");
  check(0, 0, 0, 4, 40);
}

TEST_F(MaskRangeTest, NoMaskKeepsAll) {
  parse({}, "%k = arith.constant true\nattn.yield %k : i1\n");
  op.getMask().getBlocks().clear();
  Range r = range(0, 0, 5, 9, 17);
  EXPECT_EQ(r.lo, 0);
  EXPECT_EQ(r.hi, 17);
  EXPECT_EQ(r.fullLo, 0);
  EXPECT_EQ(r.fullHi, 17);
}

} // namespace
