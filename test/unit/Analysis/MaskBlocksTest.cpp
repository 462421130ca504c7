//===- MaskBlocksTest.cpp - Classes of blocks against brute force ---------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random mask regions, interpreted key by key, against the class that is
// emitted for each block of keys. The seed is drawn anew in each run;
// --gtest_random_seed=N repeats one. With constant operands everything that is
// emitted folds to constants.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskBlocks.h"
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

constexpr int64_t kBlock = 8;

/// How many blocks were visited, or not asked for the mask, and how many had
/// to be.
struct Count {
  int64_t found = 0, exact = 0, all = 0;

  double ratio() const { return exact ? double(found) / exact : 1.0; }
};

class MaskBlocksTest : public testing::Test {
protected:
  MaskBlocksTest() {
    context.loadDialect<affine::AffineDialect, arith::ArithDialect, AttnDialect,
                        func::FuncDialect, math::MathDialect,
                        tensor::TensorDialect>();
  }

  void parse(const Captured &captured, StringRef body) {
    this->captured = captured;
    std::string text = moduleText(captured, body);
    module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << text;
    module->walk([&](SdpaOp found) { op = found; });
  }

  Value number(OpBuilder &builder, Type type, int64_t value) {
    return arith::ConstantOp::create(builder, op.getLoc(),
                                     builder.getIntegerAttr(type, value));
  }

  /// The smallest and largest element over positions [first, end).
  template <typename T>
  CaptureBounds bounds(OpBuilder &builder, const T *elements, int64_t first,
                       int64_t end) {
    auto [least, most] = std::minmax_element(elements + first, elements + end);
    Type type =
        builder.getIntegerType(std::is_same_v<T, bool> ? 1 : 8 * sizeof(T));
    return {number(builder, type, *least), number(builder, type, *most)};
  }

  /// (some, all) as emitted.
  std::pair<bool, bool> classOf(int64_t b, int64_t h, int64_t m0, int64_t m1,
                                int64_t n0, int64_t n1) {
    OpBuilder builder(op);
    auto index = [&](int64_t value) {
      return number(builder, builder.getIndexType(), value);
    };
    SmallVector<CaptureBounds> captures;
    auto same = [&](Type type, int64_t value) {
      Value element = number(builder, type, value);
      captures.push_back({element, element});
    };
    Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
    same(builder.getIndexType(), captured.s);
    same(i64, captured.wide);
    same(i32, captured.narrow);
    same(builder.getI1Type(), captured.flag);
    same(i32, captured.lens[b]);
    same(i64, captured.offsets[h / 2]);
    captures.push_back(bounds(builder, captured.doc, n0, n1));
    captures.push_back(bounds(builder, captured.pad, n0, n1));
    captures.push_back(bounds(builder, captured.mine, m0, m1));
    auto yield = cast<YieldOp>(op.getMask().front().getTerminator());
    BlockClass result = buildBlockClass(
        builder, op.getLoc(), yield.getValue(),
        {index(b), index(h), index(m0), index(m1), index(n0), index(n1)},
        captures);
    auto truth = [](Value value) {
      std::optional<int64_t> constant = getConstantIntValue(value);
      EXPECT_TRUE(constant) << "a class that does not fold";
      return constant.value_or(1) != 0;
    };
    return {truth(result.some), truth(result.all)};
  }

  /// Checks and counts the blocks of one group, inside what bounds leave.
  void check(int64_t b, int64_t h, int64_t m0, int64_t m1, int64_t n) {
    for (int64_t n0 = 0; n0 < n; n0 += kBlock) {
      int64_t n1 = std::min(n0 + kBlock, n);
      bool some = false, all = true;
      for (int64_t m = m0; m < m1; ++m)
        for (int64_t key = n0; key < n1; ++key) {
          bool keeps = Interpreter(captured, b, h, m, key).run(op.getMask());
          some |= keeps;
          all &= keeps;
        }
      auto [maySome, mustAll] = classOf(b, h, m0, m1, n0, n1);
      EXPECT_TRUE(maySome || !some) << "block " << n0 << " is lost";
      EXPECT_TRUE(!mustAll || all) << "block " << n0 << " is not kept by all";
      visited.found += maySome;
      visited.exact += some;
      masked.found += maySome && !mustAll;
      masked.exact += some && !all;
      ++visited.all;
    }
  }

  void report(const char *what) {
    std::cout << what << ": " << visited.found << " of " << visited.all
              << " blocks visited, at least " << visited.exact << " ("
              << visited.ratio() << "); " << masked.found
              << " masked, at least " << masked.exact << " (" << masked.ratio()
              << ")" << std::endl;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  SdpaOp op;
  Captured captured;
  Count visited, masked;
};

TEST_F(MaskBlocksTest, RandomPredicates) {
  unsigned seed = GTEST_FLAG_GET(random_seed);
  if (seed == 0)
    seed = std::random_device()() % 99999 + 1;
  std::cout << "--gtest_random_seed=" << seed << std::endl;
  Generator generator(seed, /*rich=*/true);
  for (int i = 0; i < 10000; ++i) {
    std::string body = generator.mask();
    Captured captured = generator.captured();
    parse(captured, body);
    int64_t m0 = generator.pick(0, 30);
    check(generator.pick(0, 1), generator.pick(0, 3), m0,
          m0 + generator.pick(1, 6), generator.pick(1, kMaxKeys));
    if (HasFailure()) {
      ADD_FAILURE() << "seed " << seed << "\n" << moduleText(captured, body);
      return;
    }
  }
  report("random predicates");
  // Understanding nothing would be right as well.
  EXPECT_LT(visited.ratio(), 1.5);
}

/// Masks that people write: nothing is visited, or masked, in vain.
TEST_F(MaskBlocksTest, ExactWhereItMatters) {
  struct {
    const char *name, *body;
  } cases[] = {
      {"documents", "%d = arith.trunci %cmine : i64 to i32\n"
                    "%k = arith.cmpi eq, %d, %cdoc : i32\n"
                    "attn.yield %k : i1\n"},
      {"padding", "attn.yield %cpad : i1\n"},
      {"chunks", "%c = arith.constant 8 : index\n"
                 "%x = arith.floordivsi %m, %c : index\n"
                 "%y = arith.floordivsi %n, %c : index\n"
                 "%k = arith.cmpi eq, %x, %y : index\n"
                 "attn.yield %k : i1\n"},
      {"dilated by blocks", "%c = arith.constant 8 : index\n"
                            "%two = arith.constant 2 : index\n"
                            "%x = arith.floordivsi %m, %c : index\n"
                            "%y = arith.floordivsi %n, %c : index\n"
                            "%d = arith.subi %x, %y : index\n"
                            "%r = arith.remsi %d, %two : index\n"
                            "%zero = arith.constant 0 : index\n"
                            "%k = arith.cmpi eq, %r, %zero : index\n"
                            "attn.yield %k : i1\n"},
      {"first keys and a window", "%four = arith.constant 4 : index\n"
                                  "%first = arith.cmpi slt, %n, %four : index\n"
                                  "%d = arith.subi %m, %n : index\n"
                                  "%near = arith.cmpi ult, %d, %four : index\n"
                                  "%k = arith.ori %first, %near : i1\n"
                                  "attn.yield %k : i1\n"},
      {"prefix", "%p = arith.index_cast %clen : i32 to index\n"
                 "%in = arith.cmpi slt, %n, %p : index\n"
                 "%past = arith.cmpi sle, %n, %m : index\n"
                 "%k = arith.ori %in, %past : i1\n"
                 "attn.yield %k : i1\n"},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.name);
    Captured captured;
    captured.lens[0] = 13;
    captured.lens[1] = 24;
    for (int64_t i = 0; i < kMaxKeys; ++i) {
      captured.doc[i] = captured.mine[i] = 100 + i / 16;
      captured.pad[i] = i < 29;
    }
    parse(captured, c.body);
    visited = masked = {};
    for (int64_t b : {0, 1})
      for (int64_t m0 = 0; m0 < kMaxKeys; m0 += 4)
        check(b, 0, m0, m0 + 4, kMaxKeys);
    report(c.name);
    EXPECT_EQ(visited.found, visited.exact);
    EXPECT_EQ(masked.found, masked.exact);
    EXPECT_LT(visited.found, visited.all);
    EXPECT_EQ(getOpenParts(op).empty(), StringRef(c.name) == "prefix");
  }
}

/// Where bounds say all, no block is asked.
TEST_F(MaskBlocksTest, BoundsSuffice) {
  parse({}, "%d = arith.subi %n, %m : index\n"
            "%w = arith.constant -8 : index\n"
            "%near = arith.cmpi sge, %d, %w : index\n"
            "%past = arith.cmpi sle, %n, %m : index\n"
            "%both = arith.andi %near, %past : i1\n"
            "%len = arith.index_cast %clen : i32 to index\n"
            "%in = arith.cmpi slt, %n, %len : index\n"
            "%k = arith.andi %both, %in : i1\n"
            "attn.yield %k : i1\n");
  EXPECT_TRUE(getOpenParts(op).empty());
}

} // namespace
