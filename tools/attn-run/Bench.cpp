//===- Bench.cpp - How fast, against what the core could do ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// On a shared machine a time alone says little: the clock changes, and another
// hardware thread on the same core halves what a dense kernel gets while a
// register loop hardly notices. So each reading stands between two readings of
// the peak and of a probe that fills the core's issue width, and counts only if
// the probe was undisturbed and the peak did not move.
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Peak.h"

#include "tools/shared/Progress.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

#include <cmath>
#include <time.h>

using namespace llvm;

namespace attn {
namespace {

constexpr double leastProbe = 0.9;      ///< of the peak
constexpr double largestDrift = 0.02;   ///< of the peak between both sides
constexpr double leastSample = 1e-3;    ///< seconds; shorter calls are repeated
constexpr double longestPatience = 0.3; ///< seconds to wait for a quiet moment

bool isQuiet(const PeakReading &reading) {
  return reading.probe >= leastProbe * reading.peak;
}

/// Reads the peak, waiting for a moment when the core is ours, but not for
/// long.
PeakReading readQuietPeak(const BenchOptions &options) {
  double start = wallSeconds();
  for (;;) {
    PeakReading reading = readPeak(options.f32Lanes, options.threads);
    if (isQuiet(reading) || wallSeconds() - start > longestPatience)
      return reading;
    timespec pause{0, 300000};
    nanosleep(&pause, nullptr);
  }
}

Expected<Reading> readOnce(function_ref<Error()> kernel, int calls,
                           const BenchOptions &options) {
  PeakReading before = readQuietPeak(options);
  double cpu = threadSeconds(), wall = wallSeconds();
  for (int i = 0; i < calls; ++i)
    if (Error error = kernel())
      return std::move(error);
  cpu = threadSeconds() - cpu;
  wall = wallSeconds() - wall;
  PeakReading after = readPeak(options.f32Lanes, options.threads);
  Reading reading;
  reading.wall = wall / calls;
  // CPU time leaves out what the scheduler gave to others; with several threads
  // it misses theirs.
  reading.seconds = options.threads == 1 ? cpu / calls : reading.wall;
  reading.peak = (before.peak + after.peak) / 2;
  reading.kept =
      isQuiet(before) && isQuiet(after) &&
      std::fabs(before.peak - after.peak) <= largestDrift * before.peak;
  return reading;
}

/// How many calls make one reading long enough for the clocks.
Expected<int> chooseCalls(function_ref<Error()> kernel) {
  // The first call also touches the memory.
  if (Error error = kernel())
    return std::move(error);
  double start = wallSeconds();
  if (Error error = kernel())
    return std::move(error);
  double seconds = std::max(wallSeconds() - start, 1e-8);
  return static_cast<int>(std::max(1.0, std::ceil(leastSample / seconds)));
}

double median(std::vector<double> values) {
  sort(values);
  return values.empty() ? NAN : values[values.size() / 2];
}

std::vector<double> collect(const std::vector<Reading> &readings, bool onlyKept,
                            function_ref<double(const Reading &)> value) {
  std::vector<double> values;
  for (const Reading &reading : readings)
    if (reading.kept || !onlyKept)
      values.push_back(value(reading));
  return values;
}

} // namespace

Expected<std::vector<Reading>> bench(function_ref<Error()> kernel,
                                     const BenchOptions &options) {
  Progress progress("attn-run: timing");
  Expected<int> calls = chooseCalls(kernel);
  if (!calls)
    return calls.takeError();
  std::vector<Reading> readings;
  int kept = 0;
  for (double start = wallSeconds();
       kept < options.readings &&
       (wallSeconds() - start < options.seconds || readings.empty());) {
    Expected<Reading> reading = readOnce(kernel, *calls, options);
    if (!reading)
      return reading.takeError();
    kept += reading->kept;
    readings.push_back(*reading);
    progress.say("attn-run: timing, kept " + Twine(kept) + " of " +
                 Twine(readings.size()) + " readings");
  }
  return readings;
}

void printBench(raw_ostream &os, const std::vector<Reading> &readings,
                const BenchOptions &options) {
  size_t kept =
      count_if(readings, [](const Reading &reading) { return reading.kept; });
  bool gated = kept > 0;
  double seconds = median(collect(
      readings, gated, [](const Reading &reading) { return reading.seconds; }));
  double wall = median(collect(
      readings, gated, [](const Reading &reading) { return reading.wall; }));
  double peak = median(collect(
      readings, gated, [](const Reading &reading) { return reading.peak; }));
  auto share = [&](const Reading &reading) {
    return options.flops / reading.seconds / reading.peak;
  };
  os << format("bench: %.4g ms a call%s, %.4g ms wall, %d thread%s\n",
               1e3 * seconds, options.threads == 1 ? " of CPU time" : "",
               1e3 * wall, options.threads, options.threads == 1 ? "" : "s");
  os << format("bench: kept %d of %d readings%s\n", static_cast<int>(kept),
               static_cast<int>(readings.size()),
               gated ? "" : ", so all are used: the core was never quiet");
  if (options.flops == 0)
    return;
  os << format("bench: %.4g GFLOP a call, %.1f GFLOP/s, peak %.1f GFLOP/s (%u "
               "f32 lanes)\n",
               options.flops / 1e9, options.flops / seconds / 1e9, peak / 1e9,
               options.f32Lanes);
  os << format(
      "bench: share of peak %.3f (median of the kept), %.3f (ungated)\n",
      median(collect(readings, gated, share)),
      median(collect(readings, false, share)));
}

} // namespace attn
