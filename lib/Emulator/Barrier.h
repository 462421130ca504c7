//===- Barrier.h - Named barriers and mbarriers -----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Their state. That of an mbarrier is kept beside shared memory, not in it: the
// 64 bits there are opaque to kernels, and a store into them is a fault.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_BARRIER_H
#define ATTN_LIB_EMULATOR_BARRIER_H

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace attn::emulator {

struct Thread;
struct Warp;

struct NamedBarrier {
  uint32_t arrived = 0; ///< threads of this phase
  uint32_t expected = 0;
  const char *site = nullptr; ///< of the first arrival
  std::vector<Warp *> waiting;
};

struct MBarrier {
  int32_t count = 0;   ///< arrivals that end a phase
  int32_t pending = 0; ///< of them still to come
  int64_t bytes = 0;   ///< still to be copied in this phase
  uint64_t phase = 0;
  /// Who initialised it, and how many fences of either kind that thread had
  /// made by then.
  const Thread *owner = nullptr;
  uint32_t ownerFences = 0;
  const char *site = nullptr;
  std::vector<Thread *> waiting;

  uint32_t parity() const { return phase & 1; }
};

using MBarriers = std::unordered_map<uint32_t, MBarrier>;

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_BARRIER_H
