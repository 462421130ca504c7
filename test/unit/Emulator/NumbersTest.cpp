//===- NumbersTest.cpp - Numbers of the tensor cores ----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every 16-bit number as f32.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Numbers.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace attn::emulator;

TEST(Numbers, EveryF16) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    double sign = bits & 0x8000 ? -1.0 : 1.0;
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float value = f16ToFloat(bits);
    if (exponent == 31 && fraction)
      EXPECT_TRUE(std::isnan(value));
    else if (exponent == 31)
      EXPECT_EQ(value, sign * INFINITY);
    else if (exponent == 0)
      EXPECT_EQ(value, sign * std::ldexp(fraction, -24));
    else
      EXPECT_EQ(value, sign * std::ldexp(1024 + fraction, exponent - 25));
  }
}

TEST(Numbers, OthersKeepTheirHighBits) {
  EXPECT_EQ(bf16ToFloat(0x3f80), 1.0f);
  EXPECT_EQ(bf16ToFloat(0xc040), -3.0f);
  EXPECT_EQ(tf32ToFloat(floatToBits(1.0f) | 0x1fff), 1.0f);
}
