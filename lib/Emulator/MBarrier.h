//===- MBarrier.h - mbarrier ------------------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What copies do to mbarriers.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_MBARRIER_H
#define ATTN_LIB_EMULATOR_MBARRIER_H

#include "lib/Emulator/Barrier.h"

namespace attn::emulator {

struct Block;

/// Fails when there is none.
MBarrier &findMBarrier(Block &block, uint32_t address, const char *site);
/// `count` arrivals; one too many fails.
void arriveAt(MBarrier &barrier, int32_t count, const char *site);
void expectBytes(MBarrier &barrier, int64_t bytes, const char *site);
/// `bytes` have been copied.
void completeBytes(MBarrier &barrier, int64_t bytes, const char *site);
uint32_t countFences(const Thread &thread);
/// Fails when the initialisation was not fenced for the asynchronous proxy.
void checkVisibleToAsync(const MBarrier &barrier, const char *site);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_MBARRIER_H
