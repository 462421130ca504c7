//===- TargetInfoTest.cpp - Tests of target strings -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each kind of target string means, and what is said about the wrong ones.
//
//===----------------------------------------------------------------------===//

#include "attn/Support/TargetInfo.h"

#include "gtest/gtest.h"

using attn::TargetInfo;
using attn::TargetKind;

namespace {

std::string errorOf(llvm::StringRef text) {
  llvm::Expected<TargetInfo> info = TargetInfo::parse(text);
  return info ? "" : llvm::toString(info.takeError());
}

TEST(TargetInfo, UnresolvedTargetsKnowOnlyTheirKind) {
  TargetInfo cpu = llvm::cantFail(TargetInfo::parse("cpu"));
  EXPECT_EQ(cpu.kind, TargetKind::CPU);
  EXPECT_FALSE(cpu.isResolved());
  EXPECT_EQ(cpu.f32Lanes, 0u);
  TargetInfo linalg = llvm::cantFail(TargetInfo::parse("linalg"));
  EXPECT_EQ(linalg.kind, TargetKind::Linalg);
  EXPECT_EQ(linalg.str(), "linalg");
}

TEST(TargetInfo, NamesChips) {
  for (const char *text : {"nvvm:sm_90a", "nvvm-emulation:sm_90a"}) {
    TargetInfo info = llvm::cantFail(TargetInfo::parse(text));
    EXPECT_TRUE(info.isNVVM());
    EXPECT_EQ(info.cpu, "sm_90a");
    EXPECT_FALSE(info.isX86());
    EXPECT_EQ(info.str(), text);
  }
  EXPECT_EQ(errorOf("nvvm:sm_70"),
            "unknown target 'nvvm:sm_70': expected one of sm_80, sm_86, sm_87, "
            "sm_89, sm_90, sm_90a, but got 'sm_70'");
  EXPECT_EQ(errorOf("nvvm:"),
            "target 'nvvm:' names no chip: expected nvvm or nvvm:<name>");
}

struct Row {
  const char *text, *cpu;
  unsigned lanes, registers;
  const char *feature;
  bool x86;
};

TEST(TargetInfo, NamesLevelsAndArchitectures) {
  for (const Row &row :
       {Row{"cpu:x86-64-v4", "x86-64-v4", 16, 32, "avx512vl", true},
        Row{"cpu:x86-64-v3", "x86-64-v3", 8, 16, "fma", true},
        Row{"cpu:znver3", "znver3", 8, 16, "avx2", true},
        Row{"cpu:znver5", "znver5", 16, 32, "avx512bf16", true},
        Row{"linalg:haswell", "haswell", 8, 16, "f16c", true},
        Row{"cpu:neoverse-n1", "neoverse-n1", 4, 32, "fullfp16", false},
        Row{"cpu:armv8-a", "generic", 4, 32, "neon", false}}) {
    TargetInfo info = llvm::cantFail(TargetInfo::parse(row.text));
    EXPECT_EQ(info.cpu, row.cpu) << row.text;
    EXPECT_EQ(info.f32Lanes, row.lanes) << row.text;
    EXPECT_EQ(info.vectorRegisters, row.registers) << row.text;
    EXPECT_TRUE(info.hasFeature(row.feature))
        << row.text << " has " << info.features;
    EXPECT_EQ(info.isX86(), row.x86) << row.text;
    EXPECT_EQ(info.isAArch64(), !row.x86) << row.text;
    EXPECT_EQ(info.str(), row.text);
  }
}

TEST(TargetInfo, FeatureNamesMatchWhole) {
  TargetInfo info = llvm::cantFail(TargetInfo::parse("cpu:x86-64-v3"));
  EXPECT_FALSE(info.hasFeature("avx512f"));
  EXPECT_FALSE(info.hasFeature("av"));
}

TEST(TargetInfo, ErrorsSayWhatWasExpected) {
  const std::string kinds = "expected cpu, cpu:<name>, linalg, nvvm:<chip> or "
                            "nvvm-emulation:<chip>";
  EXPECT_EQ(errorOf("gpu"), "unknown target 'gpu': " + kinds);
  EXPECT_EQ(errorOf(""), "unknown target '': " + kinds);
  EXPECT_EQ(errorOf("cpu:"),
            "target 'cpu:' names no CPU: expected cpu or cpu:<name>");
  EXPECT_EQ(errorOf("cpu:nosuch"), "unknown target 'cpu:nosuch': no x86-64 or "
                                   "aarch64 CPU or level is named 'nosuch'");
  EXPECT_EQ(errorOf("cpu:nehalem"), "target 'cpu:nehalem' has no avx2: "
                                    "expected an x86-64 CPU with avx2 and fma");
}

} // namespace
