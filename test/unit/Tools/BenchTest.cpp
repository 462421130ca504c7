//===- BenchTest.cpp - Tests of the benchmark -----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which readings count, what is printed, and when it ends. How fast anything
// is, is not tested.
//
//===----------------------------------------------------------------------===//

#include "tools/attn-run/Bench.h"
#include "tools/attn-run/Peak.h"

#include "gtest/gtest.h"

using namespace attn;

namespace {

unsigned someLanes() { return canReadPeak(8) ? 8 : 4; }

std::string print(const std::vector<Reading> &readings, double flops) {
  BenchOptions options;
  options.flops = flops;
  options.f32Lanes = 8;
  std::string text;
  llvm::raw_string_ostream os(text);
  printBench(os, readings, options);
  return text;
}

TEST(Bench, MediansOfTheKeptAndOfAll) {
  std::vector<Reading> readings{
      {1.0, 1.0, 100, true}, {2.0, 2.0, 100, true}, {4.0, 4.0, 100, false}};
  readings.push_back({1.0, 1.0, 100, true});
  std::string text = print(readings, 50);
  EXPECT_NE(text.find("kept 3 of 4 readings\n"), std::string::npos) << text;
  EXPECT_NE(
      text.find("share of peak 0.500 (median of the kept), 0.500 (ungated)"),
      std::string::npos)
      << text;
}

TEST(Bench, SaysWhenNothingWasKept) {
  std::string text = print({{1.0, 1.0, 100, false}}, 50);
  EXPECT_NE(text.find("kept 0 of 1 readings, so all are used"),
            std::string::npos)
      << text;
}

TEST(Bench, WithoutAWorkThereIsNoShare) {
  EXPECT_EQ(print({{1.0, 1.0, 100, true}}, 0).find("share"), std::string::npos);
}

TEST(Bench, EndsInTimeAndCallsTheKernel) {
  int calls = 0;
  BenchOptions options;
  options.f32Lanes = someLanes();
  options.readings = 1000000;
  options.seconds = 0.05;
  auto kernel = [&] {
    ++calls;
    return llvm::Error::success();
  };
  std::vector<Reading> readings = llvm::cantFail(bench(kernel, options));
  EXPECT_GE(readings.size(), 1u);
  EXPECT_GT(calls, 2);
  EXPECT_GT(readings.front().peak, 0);
}

TEST(Bench, AnErrorOfTheKernelEndsIt) {
  BenchOptions options;
  options.f32Lanes = someLanes();
  auto kernel = [] {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), "no");
  };
  EXPECT_EQ(llvm::toString(bench(kernel, options).takeError()), "no");
}

TEST(Bench, ThePeakIsBelievable) {
  PeakReading reading = readPeak(someLanes());
  EXPECT_GT(reading.peak, 1e9);
  EXPECT_LT(reading.peak, 1e13);
  EXPECT_GT(reading.probe, 0);
}

} // namespace
