//===- MemoryTest.cpp - Tests of tensor buffers ---------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Alignment, and sizes that cannot be had.
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Abi.h"

#include "gtest/gtest.h"

#include <cstring>

namespace {

TEST(Memory, StartsOnALine) {
  for (int64_t bytes :
       {0, 1, 63, 64, 65, 100000, (4 << 20) - 1, 4 << 20, 9999999}) {
    void *memory = attn_rt_alloc(bytes);
    ASSERT_NE(memory, nullptr) << bytes;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u) << bytes;
    std::memset(memory, 1, bytes);
    attn_rt_free(memory);
  }
}

TEST(Memory, ImpossibleSizesGiveNull) {
  EXPECT_EQ(attn_rt_alloc(-1), nullptr);
  EXPECT_EQ(attn_rt_alloc(INT64_MAX), nullptr);
}

} // namespace
