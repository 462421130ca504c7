//===- HostTest.cpp - Tests of targets on this machine --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A target without a name gets one, and code for another machine is refused.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Host.h"

#include "gtest/gtest.h"

using namespace attn;

namespace {

TEST(Host, PutsAMachineIntoATargetWithoutOne) {
  for (const char *text : {"cpu", "linalg"}) {
    llvm::Expected<TargetInfo> target = resolveTarget(text);
    ASSERT_TRUE(static_cast<bool>(target))
        << llvm::toString(target.takeError());
    EXPECT_TRUE(target->isResolved());
    EXPECT_TRUE(llvm::StringRef(target->str()).starts_with(text))
        << target->str();
    EXPECT_GE(target->f32Lanes, 4u);
    EXPECT_FALSE(static_cast<bool>(checkRunsHere(*target)));
  }
}

TEST(Host, LeavesANamedTargetAlone) {
  EXPECT_EQ(llvm::cantFail(resolveTarget("cpu:znver3")).str(), "cpu:znver3");
}

TEST(Host, WantsTheChipOfAGPU) {
  for (const char *text : {"nvvm", "nvvm-emulation"}) {
    llvm::Expected<TargetInfo> target = resolveTarget(text);
    ASSERT_FALSE(static_cast<bool>(target));
    EXPECT_EQ(llvm::toString(target.takeError()),
              "target '" + std::string(text) + "' names no chip: expected " +
                  text + ":sm_90a or another");
  }
}

TEST(Host, RunsEmulatedKernelsAnywhere) {
  TargetInfo emulated =
      llvm::cantFail(TargetInfo::parse("nvvm-emulation:sm_90a"));
  EXPECT_FALSE(static_cast<bool>(checkRunsHere(emulated)));
  TargetInfo code = codeTarget(emulated);
  EXPECT_EQ(code.kind, TargetKind::CPU);
  EXPECT_TRUE(code.str() == "cpu:x86-64-v3" || code.str() == "cpu:armv8-a")
      << code.str();
}

TEST(Host, RefusesCodeForAnotherKindOfMachine) {
  bool x86 = llvm::cantFail(resolveTarget("cpu")).isX86();
  TargetInfo other = llvm::cantFail(
      TargetInfo::parse(x86 ? "cpu:neoverse-n1" : "cpu:x86-64-v3"));
  EXPECT_EQ(llvm::toString(checkRunsHere(other)),
            x86 ? "target 'cpu:neoverse-n1' cannot run here: this machine is "
                  "x86_64"
                : "target 'cpu:x86-64-v3' cannot run here: this machine is "
                  "aarch64");
}

} // namespace
