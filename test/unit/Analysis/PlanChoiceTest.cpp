//===- PlanChoiceTest.cpp - The table of plans ----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which tiles each shape and target gets, and what a plan must not depend on.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/PlanChoice.h"

#include "mlir/IR/Builders.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace attn;

namespace {

constexpr int64_t kAny = ShapedType::kDynamic;

struct Case {
  const char *target;
  int64_t queries, headDim, valueDim;
  bool isF64;
  int64_t lanes, vectors, keyRows, valueRows, keyBlock, group;
};

constexpr Case kCases[] = {
    // AVX-512
    {"cpu:x86-64-v4", kAny, 64, 64, false, 16, 4, 4, 4, 64, 64},
    {"cpu:znver4", 48, 128, 128, false, 16, 3, 8, 8, 64, 48},
    {"cpu:x86-64-v4", 17, 64, 64, false, 16, 2, 8, 8, 64, 32},
    {"cpu:x86-64-v4", 16, 64, 64, false, 16, 1, 8, 8, 64, 16},
    {"cpu:x86-64-v4", 9, 64, 64, false, 16, 1, 8, 8, 64, 16},
    {"cpu:x86-64-v4", kAny, 64, 64, true, 8, 4, 4, 4, 64, 32},
    // AVX2: shorter blocks for long rows, of K or of V
    {"cpu:x86-64-v3", kAny, 64, 64, false, 8, 3, 4, 4, 128, 24},
    {"cpu:x86-64-v3", kAny, kAny, kAny, false, 8, 3, 4, 4, 128, 24},
    {"cpu:x86-64-v3", 1000, 65, 64, false, 8, 3, 4, 4, 64, 24},
    {"cpu:x86-64-v3", 1000, 64, 128, false, 8, 3, 4, 4, 64, 24},
    {"cpu:x86-64-v3", 16, 64, 64, false, 8, 2, 4, 4, 128, 16},
    {"cpu:x86-64-v3", 1, 64, 641, false, 8, 1, 8, 8, 64, 8},
    {"cpu:x86-64-v3", 9, 64, 64, true, 4, 3, 4, 4, 128, 12},
    // NEON
    {"cpu:armv8-a", kAny, 64, 64, false, 4, 4, 4, 4, 64, 16},
    {"cpu:armv8-a", 9, 64, 64, false, 4, 3, 4, 4, 64, 12},
    {"cpu:armv8-a", 2, 64, kAny, true, 2, 1, 8, 8, 64, 2},
};

class PlanChoiceTest : public testing::Test {
protected:
  PlanChoiceTest() { context.loadDialect<AttnDialect>(); }

  PlanAttr plan(PlanRequest request, StringRef target) {
    llvm::Expected<TargetInfo> info = TargetInfo::parse(target);
    if (!info) {
      ADD_FAILURE() << llvm::toString(info.takeError());
      return {};
    }
    return choosePlan(request, *info).plan;
  }

  MLIRContext context;
  Builder builder{&context};
};

TEST_F(PlanChoiceTest, Tiles) {
  for (const Case &c : kCases) {
    SCOPED_TRACE(std::string(c.target) + " M " + std::to_string(c.queries) +
                 " D " + std::to_string(c.headDim));
    PlanRequest request;
    request.queries = c.queries;
    request.headDim = c.headDim;
    request.valueDim = c.valueDim;
    request.elementType =
        c.isF64 ? Type(builder.getF64Type()) : Type(builder.getF32Type());
    PlanAttr found = plan(request, c.target);
    EXPECT_EQ(found, PlanAttr::get(&context, Room::CPU, Form::Flash, c.lanes,
                                   c.vectors, c.keyRows, c.valueRows,
                                   c.keyBlock, c.group, 1, 1, 0, false));
    // The half-precision types accumulate in f32.
    if (c.isF64)
      continue;
    request.elementType = builder.getF16Type();
    EXPECT_EQ(plan(request, c.target), found);
  }
}

/// bf16 in pairs of channels where the machine has such products.
TEST_F(PlanChoiceTest, MultipliesBF16InPairs) {
  auto inPairs = [&](StringRef target, Type type, int64_t headDim,
                     int64_t queries = kAny) {
    PlanRequest request;
    request.queries = queries;
    request.headDim = request.valueDim = headDim;
    request.elementType = type;
    return plan(request, target).getBf16Products();
  };
  Type bf16 = builder.getBF16Type();
  for (StringRef target : {"cpu:znver4", "cpu:znver5", "cpu:sapphirerapids"}) {
    EXPECT_TRUE(inPairs(target, bf16, 64));
    EXPECT_FALSE(inPairs(target, builder.getF16Type(), 64));
    EXPECT_FALSE(inPairs(target, builder.getF32Type(), 64));
    EXPECT_FALSE(inPairs(target, bf16, 63));
    EXPECT_FALSE(inPairs(target, bf16, kAny));
    EXPECT_FALSE(inPairs(target, bf16, 64, /*queries=*/1));
  }
  for (StringRef target : {"cpu:x86-64-v4", "cpu:znver3", "cpu:armv8-a"})
    EXPECT_FALSE(inPairs(target, bf16, 64));
}

/// Queries too few for the lanes, of sizes that are known: channels in lanes.
TEST_F(PlanChoiceTest, DecodesFewQueries) {
  auto chosen = [&](StringRef target, int64_t queries, int64_t headDim,
                    int64_t valueDim, Type type) {
    PlanRequest request;
    request.queries = queries;
    request.headDim = headDim;
    request.valueDim = valueDim;
    request.elementType = type;
    return plan(request, target);
  };
  Type f32 = builder.getF32Type(), f64 = builder.getF64Type();
  auto decode = [&](int64_t lanes, int64_t accumulators, int64_t queries) {
    return PlanAttr::get(&context, Room::CPU, Form::Decode, lanes, 1, 1,
                         accumulators, 32, queries, 1, 1, 0, false);
  };
  EXPECT_EQ(chosen("cpu:x86-64-v4", 1, 128, 64, f32), decode(16, 16, 1));
  EXPECT_EQ(chosen("cpu:x86-64-v4", 8, 1, 640, f32), decode(16, 16, 8));
  EXPECT_EQ(chosen("cpu:x86-64-v3", 8, 64, 64, f32), decode(8, 8, 8));
  EXPECT_EQ(chosen("cpu:armv8-a", 4, 64, 64, f32), decode(4, 16, 4));
  EXPECT_EQ(chosen("cpu:x86-64-v3", 4, 64, 64, f64), decode(4, 8, 4));
  for (auto [target, queries, headDim, valueDim, type] :
       {std::tuple("cpu:x86-64-v4", int64_t(9), int64_t(64), int64_t(64), f32),
        {"cpu:x86-64-v4", kAny, 64, 64, f32},
        {"cpu:x86-64-v4", 1, kAny, 64, f32},
        {"cpu:x86-64-v4", 1, 64, 641, f32},
        {"cpu:x86-64-v3", 5, 64, 64, f64},
        {"cpu:armv8-a", 5, 64, 64, f32}})
    EXPECT_EQ(chosen(target, queries, headDim, valueDim, type).getForm(),
              Form::Flash);
}

/// Everything that a tile of a register kernel holds at once has a register.
TEST_F(PlanChoiceTest, FitsTheRegisters) {
  for (auto [target, registers] :
       {std::pair<const char *, int64_t>{"cpu:x86-64-v4", 32},
        {"cpu:x86-64-v3", 16},
        {"cpu:armv8-a", 32}})
    for (int64_t queries = 1; queries < 64; ++queries) {
      PlanRequest request;
      request.queries = queries;
      request.elementType = builder.getF32Type();
      PlanAttr found = plan(request, target);
      for (int64_t rows : {found.getKeyRows(), found.getValueRows()}) {
        EXPECT_LE(rows * found.getQueryVectors() + found.getQueryVectors() + 1,
                  registers);
        // Latency 4, two units.
        EXPECT_GE(rows * found.getQueryVectors(), 8);
      }
      EXPECT_EQ(found.getKeyBlock() % found.getKeyRows(), 0);
      EXPECT_EQ(found.getQueryGroup(),
                found.getLanes() * found.getQueryVectors());
    }
}

TEST_F(PlanChoiceTest, LinalgTakesWhatItMust) {
  PlanRequest request;
  request.elementType = builder.getF32Type();
  PlanAttr unfused = PlanAttr::get(&context, Room::Linalg, Form::Unfused, 1, 1,
                                   1, 1, 1, 1, 1, 1, 0, false);
  EXPECT_EQ(plan(request, "linalg"), unfused);
  request.wantsWeights = true;
  EXPECT_EQ(plan(request, "cpu:x86-64-v4"), unfused);
  request.wantsWeights = false;
  EXPECT_NE(plan(request, "cpu:x86-64-v4"), unfused);
  request.isEmpty = true;
  EXPECT_EQ(plan(request, "cpu:x86-64-v4"), unfused);
}

/// (D, Dv, masked) -> (key block, warpgroups).
TEST_F(PlanChoiceTest, TilesForTensorCores) {
  struct Row {
    int64_t headDim, valueDim;
    bool masks;
    int64_t keyBlock, warpgroups;
  };
  for (const Row &row :
       {Row{64, 64, false, 128, 3}, Row{64, 64, true, 128, 3},
        Row{80, 80, true, 128, 2}, Row{128, 128, true, 128, 2},
        Row{128, 128, false, 176, 2}, Row{192, 128, false, 128, 2},
        Row{192, 192, true, 112, 2}, Row{256, 256, false, 80, 2}}) {
    PlanRequest request;
    request.headDim = row.headDim;
    request.valueDim = row.valueDim;
    request.masks = row.masks;
    request.elementType = builder.getBF16Type();
    PlanAttr expected = PlanAttr::get(&context, Room::NVVM, Form::Flash, 1, 1,
                                      1, 1, row.keyBlock, 64 * row.warpgroups,
                                      row.warpgroups, 2, 0, false);
    EXPECT_EQ(plan(request, "nvvm:sm_90a"), expected) << row.headDim;
    EXPECT_EQ(plan(request, "nvvm-emulation:sm_90a"), expected) << row.headDim;
    request.elementType = builder.getF32Type();
    EXPECT_EQ(plan(request, "nvvm:sm_90a").getRoom(), Room::Linalg);
  }
}

/// Rules take registers: smaller blocks, or fewer warpgroups.
TEST_F(PlanChoiceTest, RulesTakeRegistersOfTensorCores) {
  auto blocks = [&](int64_t dim, bool scores, bool masksByTensor) {
    PlanRequest request;
    request.headDim = request.valueDim = dim;
    request.scores = scores;
    request.masks = request.masksByTensor = masksByTensor;
    request.elementType = builder.getF16Type();
    PlanAttr found = plan(request, "nvvm:sm_90a");
    return std::pair(found.getKeyBlock(), found.getWarpgroups());
  };
  EXPECT_EQ(blocks(64, true, false), std::pair(int64_t(128), int64_t(3)));
  EXPECT_EQ(blocks(64, false, true), std::pair(int64_t(96), int64_t(2)));
  EXPECT_EQ(blocks(128, true, false), std::pair(int64_t(176), int64_t(2)));
  EXPECT_EQ(blocks(128, true, true), std::pair(int64_t(96), int64_t(2)));
  EXPECT_EQ(blocks(256, true, false), std::pair(int64_t(64), int64_t(2)));
  EXPECT_EQ(blocks(256, false, true), std::pair(int64_t(32), int64_t(2)));
}

} // namespace
