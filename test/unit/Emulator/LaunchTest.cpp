//===- LaunchTest.cpp - Grids, sessions and reports -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a launch runs and what it says when a kernel has a fault.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Emulator/Kernel.h"
#include "gtest/gtest.h"

#include <atomic>
#include <vector>

using namespace attn::emulator;

TEST(Launch, RunsEveryThreadOfEveryBlockOnce) {
  for (int threads : {1, 3}) {
    Session session({Schedule::Random, 7, threads});
    std::vector<std::atomic<int>> seen(5 * 96);
    EXPECT_EQ(launch({5, 96},
                     [&] {
                       int block = attn_emu_read_ptx_sreg_ctaid_x();
                       attn_emu_barrier(0, 0, "barrier");
                       ++seen[block * 96 + attn_emu_read_ptx_sreg_tid_x()];
                     }),
              0);
    for (const std::atomic<int> &count : seen)
      EXPECT_EQ(count, 1);
    EXPECT_EQ(session.statistics().blocks, 5);
  }
}

TEST(Launch, ReportsTheFirstBlockWhateverTheThreads) {
  std::string first;
  for (int threads : {1, 2, 4}) {
    Session session({Schedule::Late, 3, threads});
    EXPECT_EQ(launch({40, 32},
                     [] {
                       int block = attn_emu_read_ptx_sreg_ctaid_x();
                       if (block >= 11 && block % 2)
                         attn_emu_barrier(17, 32, "a barrier");
                     }),
              1);
    EXPECT_EQ(session.fault(), Fault::Barrier);
    EXPECT_NE(session.report().find("block (11,0,0)"), std::string::npos)
        << session.report();
    if (first.empty())
      first = session.report();
    EXPECT_EQ(session.report(), first);
  }
}

TEST(Launch, DoesNothingAfterAFault) {
  Session session({});
  EXPECT_EQ(launch({1, 32}, [] { attn_emu_barrier(0, 33, "here"); }), 1);
  bool ran = false;
  EXPECT_EQ(launch({1, 32}, [&] { ran = true; }), 1);
  EXPECT_FALSE(ran);
}

TEST(Launch, NeedsASession) {
  EXPECT_EQ(launch({1, 32}, [] {}), 1);
}

TEST(Launch, RefusesSizes) {
  auto fault = [](Grid grid) {
    Session session({});
    launch(grid, [] {});
    return session.report();
  };
  EXPECT_NE(fault({-1, 32}).find("expects sizes of at least 1"),
            std::string::npos);
  EXPECT_NE(fault({1, 2048}).find("at most 1024 threads"), std::string::npos);
  EXPECT_NE(fault({1, 32, 228 * 1024}).find("bytes of shared memory"),
            std::string::npos);
  Session session({});
  attn_emu_launch_config tall = {};
  tall.kernel = "tall";
  for (int d = 0; d < 3; ++d)
    tall.grid[d] = tall.block[d] = tall.cluster[d] = 1;
  tall.grid[2] = 65536;
  EXPECT_EQ(attn_emu_launch(&tall, [](void **) {}, nullptr), 1);
  EXPECT_NE(session.report().find("at most 65535 blocks in dimension 2"),
            std::string::npos);
  EXPECT_EQ(fault({0, 32}), ""); // an empty grid is no fault
}

TEST(Launch, ChecksGlobalMemory) {
  Session session({});
  std::vector<float> data(8);
  session.addBuffer(data.data(), 32);
  EXPECT_EQ(
      launch({1, 32},
             [&] { attn_emu_global_address(data.data() + 7, 4, 4, 0, "a"); }),
      0);
  EXPECT_EQ(
      launch({1, 32},
             [&] { attn_emu_global_address(data.data() + 7, 8, 4, 1, "b"); }),
      1);
  EXPECT_EQ(session.fault(), Fault::OutOfRange);
  EXPECT_NE(
      session.report().find("byte 28 of the nearest buffer, which has 32"),
      std::string::npos)
      << session.report();
}

TEST(Launch, SchedulesHaveNames) {
  EXPECT_EQ(parseSchedule("late"), Schedule::Late);
  EXPECT_EQ(parseSchedule("soon"), std::nullopt);
}
