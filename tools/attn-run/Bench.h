//===- Bench.h - How fast, against what the core could do -------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Readings of a kernel between two readings of the peak, and which of them to
// believe.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_BENCH_H
#define ATTN_TOOLS_ATTN_RUN_BENCH_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <vector>

namespace attn {

struct BenchOptions {
  unsigned f32Lanes = 0; ///< width of the peak loops
  int threads = 1;
  double flops = 0; ///< of one call; 0 when unknown
  int readings = 15;
  double seconds = 20; ///< stop when this is over, whatever was kept
};

/// One reading: [peak | kernel | peak].
struct Reading {
  double seconds =
      0; ///< of one call; thread CPU time with one thread, else wall time
  double wall = 0;
  double peak = 0;  ///< of all threads, mean of both sides
  bool kept = true; ///< nothing else used the core
};

/// Reads the kernel until enough readings are kept or the time is up.
llvm::Expected<std::vector<Reading>>
bench(llvm::function_ref<llvm::Error()> kernel, const BenchOptions &options);

/// Prints medians: of the kept readings, of all of them, and how many were
/// kept.
void printBench(llvm::raw_ostream &os, const std::vector<Reading> &readings,
                const BenchOptions &options);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_BENCH_H
