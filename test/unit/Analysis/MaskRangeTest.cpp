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

#include "RandomMask.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace attn;
using namespace attn::test;

namespace {

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
