//===- ApproxTest.cpp - Approximate instructions --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each is wrong, but within its bound, and the same for the same seed.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Emulator/Kernel.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace attn::emulator;

/// The largest relative error over a range of operands.
static double worst(float (*approximate)(float), double (*exact)(double),
                    double low, double high, uint64_t seed) {
  Session session({Schedule::Eager, seed, 1});
  double result = 0;
  launch({1, 32}, [&] {
    int lane = attn_emu_read_ptx_sreg_laneid();
    for (int i = lane; i < 4096; i += 32) {
      float x = float(low + (high - low) * i / 4095);
      double wanted = exact(x);
      result = std::max(result, std::abs(approximate(x) / wanted - 1));
    }
  });
  return result;
}

TEST(Approx, ErrorsComeNearTheirBounds) {
  struct Case {
    float (*approximate)(float);
    double (*exact)(double);
    double low, high, bound;
  };
  const Case cases[] = {
      {&attn_emu_ex2_approx_ftz, [](double x) { return std::exp2(x); }, -20, 20,
       0x1p-22},
      {&attn_emu_rcp_approx, [](double x) { return 1 / x; }, 0.5, 9, 0x1p-23},
      {&attn_emu_lg2_approx, [](double x) { return std::log2(x); }, 2, 99,
       0x1p-22},
      {&attn_emu_tanh_approx, [](double x) { return std::tanh(x); }, 0.1, 2,
       0x1p-11},
  };
  for (const Case &c : cases)
    for (uint64_t seed : {1, 2, 3}) {
      double found = worst(c.approximate, c.exact, c.low, c.high, seed);
      // The result is rounded to f32 in the end.
      EXPECT_LE(found, c.bound + 0x1p-24);
      EXPECT_GE(found, c.bound * 0.5);
    }
}

TEST(Approx, KeepsExactCasesAndTheSeed) {
  auto at = [](float x, uint64_t seed) {
    Session session({Schedule::Eager, seed, 1});
    float y = 0;
    launch({1, 32}, [&] { y = attn_emu_ex2_approx_ftz(x); });
    return y;
  };
  EXPECT_EQ(at(0.0f, 1), 1.0f);
  EXPECT_EQ(at(-INFINITY, 1), 0.0f);
  EXPECT_EQ(at(INFINITY, 1), INFINITY);
  EXPECT_TRUE(std::isnan(at(NAN, 1)));
  EXPECT_EQ(at(-130.0f, 1), 0.0f); // a subnormal result is flushed
  EXPECT_EQ(at(0.3f, 1), at(0.3f, 1));
  bool differs = false;
  for (uint64_t seed = 2; seed < 9; ++seed)
    differs |= at(0.3f, seed) != at(0.3f, 1);
  EXPECT_TRUE(differs);
}
