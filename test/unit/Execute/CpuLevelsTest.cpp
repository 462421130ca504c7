//===- CpuLevelsTest.cpp - Where cpuid tells of a feature -----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table against LLVM's own look at this machine, and the features that
// levels keep.
//
//===----------------------------------------------------------------------===//

#include "lib/Execute/CpuLevels.h"

#include "attn/Execute/AheadOfTime.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "gtest/gtest.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

using namespace llvm;
using namespace attn;

namespace {

#if defined(__x86_64__)
TEST(CpuLevels, TableAgreesWithLlvm) {
  StringMap<bool> features = sys::getHostCPUFeatures();
  unsigned compared = 0;
  for (const CpuidBit &bit : cpuidBits()) {
    auto known = features.find(bit.name);
    if (known == features.end())
      continue;
    unsigned registers[4] = {};
    __get_cpuid_count(bit.leaf, bit.subleaf, &registers[0], &registers[1],
                      &registers[2], &registers[3]);
    bool found = registers[bit.reg] >> bit.bit & 1;
    // LLVM says no as well where the operating system saves no such registers.
    if (bit.state == CpuidBit::Plain || known->second)
      EXPECT_EQ(found, known->second) << bit.name.str();
    ++compared;
  }
  EXPECT_GT(compared, 30u);
}
#endif

std::vector<std::string> namesOf(StringRef text) {
  std::vector<std::string> names;
  for (const TargetInfo &level : cantFail(resolveLevels(text)))
    names.push_back(level.name);
  return names;
}

TEST(CpuLevels, LeastComesFirst) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(namesOf("cpu:x86-64-v4+x86-64-v3"),
            (Names{"x86-64-v3", "x86-64-v4"}));
  EXPECT_EQ(namesOf("linalg:znver5+x86-64-v4+znver3"),
            (Names{"znver3", "x86-64-v4", "znver5"}));
  EXPECT_EQ(namesOf("cpu:armv8-a"), (Names{"armv8-a"}));
}

TEST(CpuLevels, KeepsWhatCodeCanAskFor) {
  TargetInfo server = cantFail(resolveLevels("cpu:sapphirerapids")).front();
  EXPECT_TRUE(server.hasFeature("avx512bf16"));
  EXPECT_FALSE(server.hasFeature("amx-tile"));
  EXPECT_FALSE(server.hasFeature("sgx"));
  TargetInfo arm = cantFail(resolveLevels("cpu:neoverse-v1")).front();
  EXPECT_TRUE(arm.hasFeature("neon"));
  EXPECT_FALSE(arm.hasFeature("sve"));
}

TEST(CpuLevels, KeepsWhatVectorLengthsComeFrom) {
  // Else the plan would be for vectors that the code may not use.
  for (const char *text : {"cpu:x86-64-v3", "cpu:x86-64-v4", "cpu:znver3",
                           "cpu:znver5", "cpu:skylake-avx512", "cpu"}) {
    TargetInfo level = cantFail(resolveLevels(text)).front();
    if (!level.isX86())
      continue;
    EXPECT_EQ(level.f32Lanes, level.hasFeature("avx512f") &&
                                      level.hasFeature("avx512dq") &&
                                      level.hasFeature("avx512vl")
                                  ? 16u
                                  : 8u)
        << text;
    EXPECT_TRUE(level.hasFeature("avx2") && level.hasFeature("fma")) << text;
  }
}

} // namespace
