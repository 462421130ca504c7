//===- Launch.h - One grid --------------------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What all machines of a launch share.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_LAUNCH_H
#define ATTN_LIB_EMULATOR_LAUNCH_H

#include "attn/Emulator/Abi.h"
#include "attn/Emulator/Emulator.h"

#include <atomic>
#include <mutex>

namespace attn::emulator {

/// The session of the calling thread of this computer, or null.
Session *currentSession();

class Launch {
public:
  Launch(Session &session, const attn_emu_launch_config &config,
         void (*kernel)(void **), void **arguments)
      : config(config), kernel(kernel), arguments(arguments), session(session) {
  }

  /// Runs all blocks; false when the session has a fault afterwards.
  bool run();

  /// A fault before any block runs, or after all.
  static void record(Session &session, Fault fault, std::string report);
  static void addStatistics(Session &session, const Statistics &statistics);

  const Options &options() const { return session.options(); }
  /// The buffer that holds the range; -1 when there is none. `hint` is where
  /// the last one was found.
  bool isRegistered(uintptr_t begin, size_t bytes, size_t &hint) const;
  /// ` the nearest buffer ...`, for reports.
  std::string nearestBuffer(uintptr_t begin, size_t bytes) const;

  uint32_t blockThreads() const {
    return config.block[0] * config.block[1] * config.block[2];
  }
  uint32_t clusterBlocks() const {
    return config.cluster[0] * config.cluster[1] * config.cluster[2];
  }
  uint32_t sharedBytes() const;

  const attn_emu_launch_config &config;
  void (*const kernel)(void **);
  void **const arguments;

private:
  bool check();
  void work();

  Session &session;
  std::mutex mutex;
  std::atomic<uint64_t> next{0};
  /// The first cluster with a fault: those after it need not run.
  std::atomic<uint64_t> failed{~uint64_t(0)};
  uint64_t clusters = 0;
};

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_LAUNCH_H
