//===- CpuCountTest.cpp - Tests of the default thread count ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Quota files as the kernel writes them, and a tree of cgroups made here.
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/CpuCount.h"

#include "gtest/gtest.h"

#include <filesystem>
#include <fstream>

namespace {

TEST(CpuCount, Quota) {
  EXPECT_EQ(attn::cpusOfQuota("200000 100000\n"), 2);
  EXPECT_EQ(attn::cpusOfQuota("150000 100000\n"), 2);
  EXPECT_EQ(attn::cpusOfQuota("5000 100000\n"), 1);
  EXPECT_EQ(attn::cpusOfQuota("max 100000\n"), 0);
  EXPECT_EQ(attn::cpusOfQuota(""), 0);
  EXPECT_EQ(attn::cpusOfQuota("100000 0\n"), 0);
  EXPECT_EQ(attn::cpusOfQuota("-1 100000\n"), 0);
}

TEST(CpuCount, TheSmallestQuotaOnTheWayToTheRootCounts) {
  std::filesystem::path root =
      std::filesystem::path(testing::TempDir()) / "attn-cgroup";
  std::filesystem::create_directories(root / "outer" / "inner");
  std::ofstream(root / "outer" / "cpu.max") << "300000 100000\n";
  std::ofstream(root / "outer" / "inner" / "cpu.max") << "max 100000\n";
  EXPECT_EQ(attn::cpusOfCgroup(root.string(), "1:cpu:/x\n0::/outer/inner\n"),
            3);
  std::ofstream(root / "cpu.max") << "200000 100000\n";
  EXPECT_EQ(attn::cpusOfCgroup(root.string(), "0::/outer/inner\n"), 2);
  EXPECT_EQ(attn::cpusOfCgroup(root.string(), "0::/\n"), 2);
  EXPECT_EQ(attn::cpusOfCgroup((root / "none").string(), "0::/outer\n"), 0);
  EXPECT_EQ(attn::cpusOfCgroup((root / "none").string(), "garbage"), 0);
  std::filesystem::remove_all(root);
}

TEST(CpuCount, AtLeastOne) { EXPECT_GE(attn::usableCpus(), 1); }

} // namespace
