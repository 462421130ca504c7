//===- MBarrier.cpp - mbarrier --------------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A phase ends when all arrivals have come and all announced bytes have been
// copied; then the barrier takes its count again (PTX ISA, mbarrier).
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/MBarrier.h"
#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Text.h"

namespace attn::emulator {

static std::string describeMBarrier(const void *object, uint32_t address) {
  auto *barrier = static_cast<const MBarrier *>(object);
  return format(
      "mbarrier at shared address %u is in phase %llu with %d of %d "
      "arrivals and %lld bytes to come",
      address - kSharedBase, static_cast<unsigned long long>(barrier->phase),
      barrier->pending, barrier->count, static_cast<long long>(barrier->bytes));
}

MBarrier &findMBarrier(Block &block, uint32_t address, const char *site) {
  auto found = block.mbarriers.find(address);
  if (found == block.mbarriers.end())
    Machine::get().fail(Fault::Barrier, site,
                        format("no mbarrier was initialised at shared address "
                               "%lld",
                               static_cast<long long>(address) - kSharedBase));
  return found->second;
}

static void endPhase(Machine &machine, MBarrier &barrier) {
  if (barrier.pending || barrier.bytes)
    return;
  ++barrier.phase;
  barrier.pending = barrier.count;
  for (Thread *thread : barrier.waiting)
    machine.wake(*thread);
  barrier.waiting.clear();
}

static void checkBytes(Machine &machine, const MBarrier &barrier,
                       const char *site) {
  constexpr int64_t limit = (1 << 20) - 1;
  if (barrier.bytes > limit || barrier.bytes < -limit)
    machine.fail(Fault::Barrier, site,
                 format("the bytes to come leave the range of %lld: %lld",
                        static_cast<long long>(limit),
                        static_cast<long long>(barrier.bytes)));
}

void arriveAt(MBarrier &barrier, int32_t count, const char *site) {
  Machine &machine = Machine::get();
  if (count < 1 || count > barrier.pending)
    machine.fail(Fault::Barrier, site,
                 format("%d arrivals, but the phase expects %d more of %d (%s)",
                        count, barrier.pending, barrier.count, barrier.site));
  barrier.pending -= count;
  endPhase(machine, barrier);
}

void expectBytes(MBarrier &barrier, int64_t bytes, const char *site) {
  Machine &machine = Machine::get();
  barrier.bytes += bytes;
  checkBytes(machine, barrier, site);
}

void completeBytes(MBarrier &barrier, int64_t bytes, const char *site) {
  Machine &machine = Machine::get();
  barrier.bytes -= bytes;
  checkBytes(machine, barrier, site);
  endPhase(machine, barrier);
}

/// Either kind makes an initialisation visible to asynchronous copies.
uint32_t countFences(const Thread &thread) {
  return thread.proxyFences + thread.mbarrierFences;
}

void checkVisibleToAsync(const MBarrier &barrier, const char *site) {
  if (countFences(*barrier.owner) == barrier.ownerFences)
    Machine::get().fail(Fault::MissingFence, site,
                        format("uses an mbarrier that thread %u initialised "
                               "without a fence.mbarrier_init or "
                               "fence.proxy.async after it (%s)",
                               barrier.owner->id, barrier.site));
}

static void waitAt(MBarrier &barrier, uint32_t address, const char *site) {
  Machine &machine = Machine::get();
  barrier.waiting.push_back(&machine.current());
  machine.wait(
      {"mbarrier.try_wait", site, &describeMBarrier, &barrier, address});
}

} // namespace attn::emulator

using namespace attn::emulator;

extern "C" {

void attn_emu_mbarrier_init(uint32_t address, int32_t count, const char *site) {
  Machine &machine = Machine::get();
  Block &block = resolveShared(address, site);
  checkShared(block, address, 8, 8, site);
  if (count < 1 || count >= 1 << 20)
    machine.fail(
        Fault::Invalid, site,
        format("expects a count from 1 to 2^20 - 1, but got %d", count));
  auto [entry, added] = block.mbarriers.try_emplace(address);
  MBarrier &barrier = entry->second;
  if (!added)
    machine.fail(Fault::Barrier, site,
                 format("the mbarrier at shared address %u was initialised "
                        "before (%s) and not invalidated",
                        address - kSharedBase, barrier.site));
  checkSharedAccess(block, address, 8, Access::Read, site);
  block.shared.granule(address).barrier = true;
  barrier.count = barrier.pending = count;
  barrier.owner = &machine.current();
  barrier.ownerFences = countFences(machine.current());
  barrier.site = site;
}

void attn_emu_mbarrier_inval(uint32_t address, const char *site) {
  Block &block = resolveShared(address, site);
  MBarrier &barrier = findMBarrier(block, address, site);
  if (!barrier.waiting.empty())
    Machine::get().fail(Fault::Barrier, site,
                        "invalidates an mbarrier that threads wait for");
  block.mbarriers.erase(address);
  // Both 8-byte halves of a granule can hold one.
  bool other = block.mbarriers.count(address ^ 8);
  block.shared.granule(address).barrier = other;
}

int64_t attn_emu_mbarrier_arrive(uint32_t address, int32_t count,
                                 const char *site) {
  Block &block = resolveShared(address, site);
  MBarrier &barrier = findMBarrier(block, address, site);
  int64_t state = barrier.phase;
  arriveAt(barrier, count, site);
  Machine::get().pause();
  return state;
}

int64_t attn_emu_mbarrier_arrive_expect_tx(uint32_t address, int32_t bytes,
                                           const char *site) {
  Block &block = resolveShared(address, site);
  MBarrier &barrier = findMBarrier(block, address, site);
  int64_t state = barrier.phase;
  expectBytes(barrier, bytes, site);
  arriveAt(barrier, 1, site);
  Machine::get().pause();
  return state;
}

void attn_emu_mbarrier_expect_tx(uint32_t address, int32_t bytes,
                                 const char *site) {
  Block &block = resolveShared(address, site);
  expectBytes(findMBarrier(block, address, site), bytes, site);
}

void attn_emu_mbarrier_wait_parity(uint32_t address, int32_t parity,
                                   const char *site) {
  Block &block = resolveShared(address, site);
  MBarrier &barrier = findMBarrier(block, address, site);
  if (parity & ~1)
    Machine::get().fail(
        Fault::Invalid, site,
        format("expects a parity of 0 or 1, but got %d", parity));
  // The phase before the current one has the other parity and is over. Only the
  // parity is seen: who is two phases late waits on, as on the hardware.
  while (barrier.parity() == uint32_t(parity))
    waitAt(barrier, address, site);
}

void attn_emu_mbarrier_wait_state(uint32_t address, int64_t state,
                                  const char *site) {
  Block &block = resolveShared(address, site);
  MBarrier &barrier = findMBarrier(block, address, site);
  while (barrier.phase <= uint64_t(state))
    waitAt(barrier, address, site);
}

} // extern "C"
