//===- Wgmma.h - A warpgroup's products in flight ---------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Until a wait that names them, accumulators hold signalling NaNs that carry
// the number of the instruction and the index of the element; no arithmetic
// makes such NaNs, so that reading one too early is seen.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_WGMMA_H
#define ATTN_LIB_EMULATOR_WGMMA_H

#include "lib/Emulator/SharedMemory.h"

#include <deque>
#include <memory>
#include <vector>

namespace attn::emulator {

struct Meeting;
struct Thread;

/// The accumulators of a chain of instructions, [64][n].
struct Tile {
  uint32_t n;
  std::vector<float> values;
};

struct WgmmaOp {
  uint32_t id = 0;
  const char *site = nullptr;
  uint32_t n = 0;
  bool bf16 = false, fromRegisters = false;
  bool transposedA = false, transposedB = false;
  float scaleA = 1, scaleB = 1;
  uint64_t descriptorA = 0, descriptorB = 0;
  std::vector<float> registersA; ///< [64][16] when from registers
  std::shared_ptr<Tile> tile;
  /// The 16-byte pieces of shared memory that it reads.
  std::vector<uint32_t> reads;
  bool executed = false, complete = false;
  bool superseded = false; ///< a later instruction took its accumulators
};

struct Warpgroup {
  std::vector<Thread *> threads;
  std::unique_ptr<Meeting> meeting;
  uint32_t nextId = 1;
  /// Threads that have made the commit under way.
  uint32_t committing = 0;
  std::vector<std::shared_ptr<WgmmaOp>> open;
  std::deque<std::vector<std::shared_ptr<WgmmaOp>>> committed;
  /// The last instructions, oldest first, whose results may still be asked for.
  std::deque<std::shared_ptr<WgmmaOp>> known;
};

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_WGMMA_H
