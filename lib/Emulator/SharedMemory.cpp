//===- SharedMemory.cpp - A block's shared memory and its shadow ----------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks of shared accesses. The rules: while an asynchronous write is under
// way nobody else may touch its bytes; while an asynchronous read is, nobody
// may write them; and an asynchronous access must not follow a generic write
// whose thread has not made a fence.proxy.async since.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/SharedMemory.h"
#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Text.h"

#include <algorithm>

namespace attn::emulator {

void SharedMemory::reset(uint32_t newSize) {
  size = newSize;
  // NaNs in every floating-point type: what nobody wrote does not go unnoticed.
  bytes.assign(size + kGranule, 0xff);
  shadow.assign(size / kGranule + 1, Granule());
}

Block &resolveShared(uint32_t &address, const char *site) {
  Machine &machine = Machine::get();
  uint32_t rank = address >> 24;
  address &= 0xffffff;
  if (rank == 0)
    return *machine.current().block;
  if (rank > machine.clusterBlocks())
    machine.fail(Fault::OutOfRange, site,
                 format("address names block %u of a cluster of %u", rank - 1,
                        machine.clusterBlocks()));
  return machine.block(rank - 1);
}

void checkShared(Block &block, uint32_t address, uint32_t bytes, uint32_t align,
                 const char *site) {
  Machine &machine = Machine::get();
  if (!block.shared.contains(address, bytes))
    machine.fail(Fault::OutOfRange, site,
                 format("%u bytes at shared address %lld of %u", bytes,
                        static_cast<long long>(address) - kSharedBase,
                        block.shared.end() - block.shared.begin()));
  if (align > 1 && address % align)
    machine.fail(Fault::Misaligned, site,
                 format("shared address %u expects an alignment of %u",
                        address - kSharedBase, align));
}

static void checkBarrierWrite(Block &block, uint32_t address, uint32_t bytes,
                              const char *site) {
  for (const auto &[at, barrier] : block.mbarriers)
    if (at < address + bytes && address < at + 8)
      Machine::get().fail(Fault::Barrier, site,
                          format("writes over the mbarrier at shared address "
                                 "%u (%s)",
                                 at - kSharedBase, barrier.site));
}

void checkSharedAccess(Block &block, uint32_t address, uint32_t bytes,
                       Access access, const char *site) {
  Machine &machine = Machine::get();
  const Thread &thread = machine.current();
  uint32_t last = address + bytes - 1;
  for (uint32_t at = address; at <= last; at = (at / kGranule + 1) * kGranule) {
    Granule &granule = block.shared.granule(at);
    if (granule.landing)
      machine.fail(Fault::Race, site,
                   format("shared address %u is written by an asynchronous "
                          "copy that is still under way",
                          at - kSharedBase));
    if (access == Access::Read)
      continue;
    if (granule.readers)
      machine.fail(Fault::Race, site,
                   format("shared address %u is still read by an asynchronous "
                          "instruction under way",
                          at - kSharedBase));
    if (granule.barrier)
      checkBarrierWrite(block, address, bytes, site);
    granule.writer = &thread;
    granule.writerFences = thread.proxyFences;
  }
}

/// Calls `visit` with each granule of a range and an address in it.
template <typename F>
static void forGranules(Block &block, Range range, F visit) {
  for (uint32_t at = range.address; at < range.address + range.bytes;
       at = (at / kGranule + 1) * kGranule)
    visit(block.shared.granule(at), at);
}

void beginAsyncRead(Block &block, Range range, const char *site) {
  Machine &machine = Machine::get();
  checkShared(block, range.address, range.bytes, 1, site);
  forGranules(block, range, [&](Granule &granule, uint32_t at) {
    if (granule.landing)
      machine.fail(Fault::Race, site,
                   format("reads shared address %u before an asynchronous copy "
                          "has landed there",
                          at - kSharedBase));
    if (granule.writer && granule.writer->proxyFences == granule.writerFences)
      machine.fail(Fault::MissingFence, site,
                   format("reads shared address %u, which thread %u wrote "
                          "without a fence.proxy.async after it",
                          at - kSharedBase, granule.writer->id));
    ++granule.readers;
  });
}

void endAsyncRead(Block &block, Range range) {
  forGranules(block, range,
              [](Granule &granule, uint32_t) { --granule.readers; });
}

void beginAsyncWrite(Block &block, Range range, const char *site) {
  Machine &machine = Machine::get();
  checkShared(block, range.address, range.bytes, 1, site);
  forGranules(block, range, [&](Granule &granule, uint32_t at) {
    if (granule.readers)
      machine.fail(Fault::Race, site,
                   format("writes shared address %u, which an asynchronous "
                          "instruction under way still reads",
                          at - kSharedBase));
    if (granule.landing)
      machine.fail(
          Fault::Race, site,
          format("writes shared address %u, where another asynchronous "
                 "copy has not landed",
                 at - kSharedBase));
    if (granule.barrier)
      checkBarrierWrite(block, at, 1, site);
    ++granule.landing;
  });
}

void endAsyncWrite(Block &block, Range range) {
  forGranules(block, range, [](Granule &granule, uint32_t) {
    --granule.landing;
    granule.writer = nullptr;
  });
}

} // namespace attn::emulator
