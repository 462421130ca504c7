//===- Addresses.cpp - Addresses of loads and stores ----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every load and store of a kernel asks here for its address, which is checked
// and becomes one of this computer.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Launch.h"
#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Text.h"

using namespace attn::emulator;

extern "C" {

void *attn_emu_shared_address(uint32_t address, int32_t bytes, int32_t align,
                              int32_t access, const char *site) {
  Block &block = resolveShared(address, site);
  checkShared(block, address, bytes, align, site);
  checkSharedAccess(block, address, bytes, static_cast<Access>(access), site);
  return block.shared.at(address);
}

void *attn_emu_global_address(void *address, int32_t bytes, int32_t align,
                              int32_t, const char *site) {
  Machine &machine = Machine::get();
  auto begin = reinterpret_cast<uintptr_t>(address);
  if (align > 1 && begin % align)
    machine.fail(
        Fault::Misaligned, site,
        format("global address %p expects an alignment of %d", address, align));
  Launch &launch = machine.launch();
  if (!launch.isRegistered(begin, bytes, machine.lastBuffer)) {
    std::string text =
        format("%d bytes at global address %p: %s", bytes, address,
               launch.nearestBuffer(begin, bytes).c_str());
    machine.fail(Fault::OutOfRange, site, std::move(text));
  }
  return address;
}

void *attn_emu_generic_address(void *address, int32_t bytes, int32_t align,
                               int32_t access, const char *site) {
  Machine &machine = Machine::get();
  if (machine.current().fiber.holds(address, bytes)) // local memory
    return address;
  for (uint32_t rank = 0; rank < machine.clusterBlocks(); ++rank) {
    SharedMemory &shared = machine.block(rank).shared;
    if (shared.holds(address))
      return attn_emu_shared_address((rank + 1) << 24 |
                                         shared.addressOf(address),
                                     bytes, align, access, site);
  }
  return attn_emu_global_address(address, bytes, align, access, site);
}

void *attn_emu_shared_to_generic(uint32_t address) {
  Block &block = resolveShared(address, nullptr);
  return block.shared.at(address);
}

uint32_t attn_emu_generic_to_shared(void *address, const char *site) {
  Machine &machine = Machine::get();
  SharedMemory &shared = machine.current().block->shared;
  if (!shared.holds(address))
    machine.fail(
        Fault::OutOfRange, site,
        format("generic address %p is not in the block's shared memory",
               address));
  return shared.addressOf(address);
}

uint32_t attn_emu_mapa(uint32_t address, int32_t rank, const char *site) {
  Machine &machine = Machine::get();
  if (rank < 0 || uint32_t(rank) >= machine.clusterBlocks())
    machine.fail(Fault::Invalid, site,
                 format("expects a rank below the cluster's %u blocks, but got "
                        "%d",
                        machine.clusterBlocks(), rank));
  return (address & 0xffffff) | uint32_t(rank + 1) << 24;
}

} // extern "C"
