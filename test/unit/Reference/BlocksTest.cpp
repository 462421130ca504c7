//===- BlocksTest.cpp - Projections, rope, norm and the whole block -------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Blocks.h"

#include <cmath>
#include <random>

#include "gtest/gtest.h"

using namespace attn::reference;

namespace {

const Precision inFloat = Precision::forInputs(Dtype::F32);

std::vector<double> random(int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<double> data(static_cast<size_t>(count));
  for (double &x : data) {
    x = roundTo(Dtype::F32, normal(generator));
  }
  return data;
}

TEST(Project, WeightsAreOutByIn) {
  const double x[] = {1.0, 2.0}, w[] = {10.0, 20.0, 30.0, 40.0, 50.0, 60.0};
  const double bias[] = {0.5, 0.25, 0.125};
  const Values y = project(Values::exact(x, 2), 1, {w, bias, 3, 2}, inFloat);
  EXPECT_EQ(y.value, (std::vector<double>{50.5, 110.25, 170.125}));
  EXPECT_GT(y.error[0], 0.0);
  EXPECT_LT(y.error[0], 1e-4);
}

TEST(Rope, HalvesAndPairs) {
  // One row of D = 5, R = 4: a quarter turn of the first pair, none of the
  // second; the last channel stays.
  const double c[] = {0.0, 1.0}, s[] = {1.0, 0.0};
  const double x[] = {1.0, 2.0, 3.0, 4.0, 5.0};
  const HeadLayout layout = {1, 1, 1, 5, false};
  Values half = Values::exact(x, 5);
  rotate(half, layout, {c, s, 2, 0, false}, inFloat);
  EXPECT_EQ(half.value, (std::vector<double>{-3.0, 2.0, 1.0, 4.0, 5.0}));
  Values pairs = Values::exact(x, 5);
  rotate(pairs, layout, {c, s, 2, 0, true}, inFloat);
  EXPECT_EQ(pairs.value, (std::vector<double>{-2.0, 1.0, 3.0, 4.0, 5.0}));
  EXPECT_EQ(pairs.error[4], 0.0);
}

TEST(Rope, AnglesBelongToPositions) {
  // Two heads of two positions, in both layouts.
  const double c[] = {1.0, 0.0}, s[] = {0.0, 1.0};
  const double x[] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0};
  Values heads = Values::exact(x, 8);
  rotate(heads, {1, 2, 2, 2, false}, {c, s, 1, 0, false}, inFloat);
  EXPECT_EQ(heads.value, (std::vector<double>{1, 2, -4, 3, 5, 6, -8, 7}));
  Values rows = Values::exact(x, 8);
  rotate(rows, {1, 2, 2, 2, true}, {c, s, 1, 0, false}, inFloat);
  EXPECT_EQ(rows.value, (std::vector<double>{1, 2, 3, 4, -6, 5, -8, 7}));
}

TEST(Normalize, RootOfTheMeanSquare) {
  const double x[] = {3.0, 4.0}, gamma[] = {1.0, 2.0};
  Values y = Values::exact(x, 2);
  normalize(y, 2, gamma, 0.0, inFloat);
  EXPECT_NEAR(y.value[0], 3.0 / std::sqrt(12.5), 1e-15);
  EXPECT_NEAR(y.value[1], 8.0 / std::sqrt(12.5), 1e-15);
  Values zero = Values::exact(std::vector<double>(2, 0.0).data(), 2);
  normalize(zero, 2, gamma, 1e-6, inFloat);
  EXPECT_EQ(zero.value[0], 0.0);
}

/// A block whose context is its input.
Block makeBlock(const std::vector<double> &x, const std::vector<double> &w,
                int64_t rows, int64_t width, int64_t heads, int64_t kvHeads) {
  const int64_t dim = width / heads, kvWidth = dim * kvHeads;
  Block block;
  block.batch = 1;
  block.queries = block.keys = rows;
  block.queryHeads = heads;
  block.keyHeads = kvHeads;
  block.x = block.context = Values::exact(x.data(), rows * width);
  block.query = {w.data(), nullptr, width, width};
  block.key = {w.data() + 100, nullptr, kvWidth, width};
  block.value = {w.data() + 200, nullptr, kvWidth, width};
  block.output = {w.data() + 300, nullptr, width, width};
  block.attention.scale = 0.5;
  block.attention.precision = inFloat;
  return block;
}

TEST(Block, ErrorsCoverRoundedOperands) {
  // A block on operands perturbed by one rounding must stay within its bound.
  const int64_t rows = 9, width = 8;
  const std::vector<double> w = random(2000, 11);
  const std::vector<double> x = random(rows * width, 12);
  Block exact = makeBlock(x, w, rows, width, 4, 2);
  const BlockResult wanted = attendBlock(exact, true);
  EXPECT_EQ(wanted.output.value.size(), static_cast<size_t>(rows * width));
  EXPECT_EQ(wanted.weights.value.size(), static_cast<size_t>(4 * rows * rows));

  std::vector<double> close = w;
  std::mt19937 generator(13);
  for (double &v : close) {
    v *= 1.0 + (generator() % 2 ? 1.0 : -1.0) * 0.5 * unitRoundoff(Dtype::F32);
  }
  const BlockResult found =
      attendBlock(makeBlock(x, close, rows, width, 4, 2), true);
  for (size_t i = 0; i < found.output.value.size(); ++i) {
    const double error =
        std::abs(found.output.value[i] - wanted.output.value[i]);
    EXPECT_GT(error, 0.0);
    EXPECT_LE(error, wanted.output.error[i]);
    // The bound is a bound of roundings, not of everything.
    EXPECT_LT(wanted.output.error[i], 1e-2);
  }
  for (size_t i = 0; i < found.weights.value.size(); ++i) {
    EXPECT_LE(std::abs(found.weights.value[i] - wanted.weights.value[i]),
              wanted.weights.error[i]);
  }
}

TEST(Block, OneKeyPassesItsValueThrough) {
  const std::vector<double> w = random(2000, 14), x = random(4, 15);
  const Block block = makeBlock(x, w, 1, 4, 2, 2);
  const BlockResult found = attendBlock(block, false);
  const Values v = project(block.x, 1, block.value, inFloat);
  const Values y = project(v, 1, block.output, inFloat);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(found.output.value[i], y.value[i], 1e-14);
  }
  EXPECT_TRUE(found.weights.value.empty());
}

} // namespace
