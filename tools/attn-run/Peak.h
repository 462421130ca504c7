//===- Peak.h - What this core could do at most -----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loops that reach the f32 multiply-add peak, and loops that need all of a core
// to do so.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_PEAK_H
#define ATTN_TOOLS_ATTN_RUN_PEAK_H

#include <cstdint>

namespace attn {

/// One reading of the core that the calling thread runs on, in floating-point
/// operations per second of thread CPU time.
struct PeakReading {
  /// Independent multiply-adds in registers. A load on the core's other
  /// hardware thread hardly shows here.
  double peak = 0;
  /// The same multiply-adds among broadcasts and address arithmetic, as many
  /// instructions per cycle as a core issues. Falls at once when something else
  /// issues instructions on the core.
  double probe = 0;
};

/// Reads both with vectors of `f32Lanes` (16: AVX-512, 8: AVX2, 4: NEON); about
/// 50 us.
PeakReading readPeak(unsigned f32Lanes);

/// The sum over `threads` threads that read at the same time: two hardware
/// threads of one core share its multiply-adds.
PeakReading readPeak(unsigned f32Lanes, int threads);

/// True when there are loops for this width on the machine that this was
/// compiled for.
bool canReadPeak(unsigned f32Lanes);

double threadSeconds();
double wallSeconds();

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_PEAK_H
