//===- CopyAsync.cpp - cp.async -------------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies of 4, 8 or 16 bytes by single threads. Their bytes move at once or at
// the wait, as the schedule says; either way they are not to be read before the
// thread has waited. They are generic accesses: a wgmma that reads them needs a
// fence.proxy.async of the copying thread.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Launch.h"
#include "lib/Emulator/MBarrier.h"
#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Text.h"

#include <cstring>

using namespace attn::emulator;

namespace {

void move(Block &block, Copy &copy) {
  uint8_t *to = block.shared.at(copy.destination);
  std::memset(to, 0, copy.bytes);
  if (copy.sourceBytes)
    std::memcpy(to, copy.source, copy.sourceBytes);
  copy.done = true;
}

void complete(Thread &thread, Copy &copy) {
  if (copy.complete)
    return;
  Block &block = *thread.block;
  if (!copy.done)
    move(block, copy);
  copy.complete = true;
  endAsyncWrite(block, {copy.destination, uint32_t(copy.bytes)});
  Granule &granule = block.shared.granule(copy.destination);
  granule.writer = &thread;
  granule.writerFences = thread.proxyFences;
}

void checkCopy(Machine &machine, uint32_t destination, const void *source,
               int32_t bytes, int32_t sourceBytes, const char *site) {
  if ((bytes != 4 && bytes != 8 && bytes != 16) || sourceBytes < 0 ||
      sourceBytes > bytes)
    machine.fail(Fault::Invalid, site,
                 format("expects 4, 8 or 16 bytes and up to as many of the "
                        "source, but got %d and %d",
                        bytes, sourceBytes));
  checkShared(*machine.current().block, destination, bytes, bytes, site);
  if (sourceBytes)
    attn_emu_global_address(const_cast<void *>(source), sourceBytes, bytes, 0,
                            site);
}

} // namespace

extern "C" {

void attn_emu_cp_async(uint32_t destination, const void *source, int32_t bytes,
                       int32_t sourceBytes, const char *site) {
  Machine &machine = Machine::get();
  checkCopy(machine, destination, source, bytes, sourceBytes, site);
  Thread &thread = machine.current();
  Block &block = *thread.block;
  beginAsyncWrite(block, {destination, uint32_t(bytes)}, site);
  thread.copies.open.push_back(std::make_shared<Copy>(
      Copy{destination, source, bytes, sourceBytes, site}));
  if (machine.runsEarly())
    move(block, *thread.copies.open.back());
}

void attn_emu_cp_async_commit(const char *) {
  CopyGroups &copies = Machine::get().current().copies;
  copies.committed.push_back(std::move(copies.open));
  copies.open.clear();
}

void attn_emu_cp_async_wait(int32_t pending, const char *) {
  Thread &thread = Machine::get().current();
  auto &committed = thread.copies.committed;
  while (committed.size() > size_t(pending)) {
    for (auto &copy : committed.front())
      complete(thread, *copy);
    committed.pop_front();
  }
}

void attn_emu_cp_async_mbarrier_arrive(uint32_t address, int32_t noinc,
                                       const char *site) {
  Machine &machine = Machine::get();
  Thread &thread = machine.current();
  Block &block = resolveShared(address, site);
  MBarrier &barrier = findMBarrier(block, address, site);
  if (!noinc)
    ++barrier.pending; // this arrival is one more than the barrier expects
  std::vector<std::shared_ptr<Copy>> copies = std::move(thread.copies.open);
  thread.copies.open.clear();
  for (auto &group : thread.copies.committed)
    copies.insert(copies.end(), group.begin(), group.end());
  machine.later([copies = std::move(copies), &thread, &barrier, site] {
    for (auto &copy : copies)
      complete(thread, *copy);
    arriveAt(barrier, 1, site);
  });
}

} // extern "C"
