//===- ThreadPoolTest.cpp - Tests of parallel loops -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every item runs once and is seen by the caller: with few and many threads,
// from several callers at once, nested, and after the threads have gone to
// sleep.
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Abi.h"

#include "gtest/gtest.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace {

/// Plain ints: the pool, not the test, must order the writes of the items
/// before the return.
void countItem(int64_t i, void *ctx) { static_cast<int *>(ctx)[i] += 1; }

bool everyItemRanOnce(int64_t n) {
  std::vector<int> counts(n, 0);
  attn_rt_parallel_for(countItem, n, counts.data());
  for (int count : counts)
    if (count != 1)
      return false;
  return true;
}

struct Threads {
  explicit Threads(int32_t n) { attn_rt_set_num_threads(n); }
  ~Threads() { attn_rt_set_num_threads(0); }
};

TEST(ThreadPool, EveryItemRunsOnce) {
  for (int32_t threads : {1, 2, 3, 16}) {
    Threads scope(threads);
    for (int64_t n : {0, 1, 2, 3, 17, 1000})
      EXPECT_TRUE(everyItemRanOnce(n))
          << threads << " threads, " << n << " items";
  }
}

TEST(ThreadPool, ManyShortLoopsInARow) {
  Threads scope(4);
  for (int i = 0; i < 5000; ++i)
    ASSERT_TRUE(everyItemRanOnce(i % 7)) << i;
}

TEST(ThreadPool, WakesThreadsThatSleep) {
  Threads scope(3);
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(everyItemRanOnce(64)) << i;
  }
}

TEST(ThreadPool, WaitsForAThreadThatIsLate) {
  Threads scope(2);
  std::vector<int> done(8, 0);
  attn_rt_parallel_for(
      [](int64_t i, void *ctx) {
        std::this_thread::sleep_for(std::chrono::milliseconds(i == 1 ? 20 : 0));
        static_cast<int *>(ctx)[i] = 1;
      },
      8, done.data());
  EXPECT_EQ(done, std::vector<int>(8, 1));
}

TEST(ThreadPool, NestedLoopsRunInline) {
  Threads scope(4);
  std::vector<int> counts(8 * 16, 0);
  attn_rt_parallel_for(
      [](int64_t i, void *ctx) {
        EXPECT_EQ(attn_rt_get_num_threads(), 1);
        attn_rt_parallel_for(countItem, 16, static_cast<int *>(ctx) + 16 * i);
      },
      8, counts.data());
  EXPECT_EQ(counts, std::vector<int>(8 * 16, 1));
}

TEST(ThreadPool, SeveralCallersAtOnce) {
  Threads scope(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&wrong] {
      for (int i = 0; i < 500; ++i)
        wrong += !everyItemRanOnce(1 + i % 40);
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadPool, OneThreadMeansTheCaller) {
  Threads scope(1);
  std::thread::id caller = std::this_thread::get_id();
  attn_rt_parallel_for(
      [](int64_t, void *ctx) {
        EXPECT_EQ(*static_cast<std::thread::id *>(ctx),
                  std::this_thread::get_id());
      },
      32, &caller);
}

TEST(ThreadPool, TheCallersOwnCountWins) {
  Threads scope(3);
  EXPECT_EQ(attn_rt_set_call_threads(2), 0);
  EXPECT_EQ(attn_rt_get_num_threads(), 2);
  int32_t elsewhere = 0;
  std::thread([&] { elsewhere = attn_rt_get_num_threads(); }).join();
  EXPECT_EQ(elsewhere, 3);
  EXPECT_EQ(attn_rt_set_call_threads(0), 2);
  EXPECT_EQ(attn_rt_get_num_threads(), 3);
}

TEST(ThreadPool, NonsenseCountsMeanTheDefault) {
  Threads scope(-5);
  EXPECT_GE(attn_rt_get_num_threads(), 1);
}

} // namespace
