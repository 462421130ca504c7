//===- Bulk.cpp - Bulk and tensor copies ----------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cp.async.bulk and cp.async.bulk.tensor. Loads say their bytes to an mbarrier
// when they land; stores belong to groups of the thread that made them.
// Elements of a box outside of the tensor are zero when loaded, and count.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Launch.h"
#include "lib/Emulator/MBarrier.h"
#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Swizzle.h"
#include "lib/Emulator/TensorMap.h"
#include "lib/Emulator/Text.h"

#include <algorithm>
#include <cstring>

using namespace attn::emulator;

namespace {

/// A box at its place in a tensor.
struct Box {
  TensorMap map;
  int64_t first[kMaxRank];

  Box(const TensorMap &map, const int32_t *coordinates) : map(map) {
    for (int d = 0; d < map.rank; ++d)
      first[d] = coordinates[d];
  }

  uint32_t rows() const { return map.boxBytes() / map.innerBytes(); }
  /// Where row `row` of the box begins in global memory, as if it were inside;
  /// null when it is outside of the tensor.
  uint8_t *rowData(uint32_t row) const {
    int64_t offset = first[0] * map.elementBytes;
    for (int d = 1; d < map.rank; ++d) {
      int64_t at = first[d] + row % map.box[d];
      row /= map.box[d];
      if (at < 0 || at >= int64_t(map.sizes[d]))
        return nullptr;
      offset += at * int64_t(map.strides[d - 1]);
    }
    return map.data + offset;
  }
  /// Bytes [begin, end) of each row that are inside of the tensor.
  void inside(uint32_t &begin, uint32_t &end) const {
    int64_t size = map.sizes[0], bytes = map.elementBytes;
    begin = std::clamp<int64_t>(-first[0], 0, map.box[0]) * bytes;
    end = std::clamp<int64_t>(size - first[0], 0, map.box[0]) * bytes;
  }
};

/// Fails unless what the box touches lies in registered buffers.
void checkBox(const Box &box, const char *site) {
  uint32_t begin, end;
  box.inside(begin, end);
  if (begin >= end)
    return;
  // The rows that are inside are an interval in each dimension, so that the
  // first and the last bound them all.
  uint8_t *low = nullptr, *high = nullptr;
  for (uint32_t row = 0; row < box.rows(); ++row)
    if (uint8_t *data = box.rowData(row)) {
      low = low ? std::min(low, data) : data;
      high = std::max(high, data);
    }
  if (low)
    attn_emu_global_address(low + begin, high + end - (low + begin), 1, 0,
                            site);
}

/// Calls visit(shared, global or null, begin, end) for each 16-byte piece: of
/// its bytes [begin, end) are inside.
template <typename F>
void forPieces(const Box &box, uint32_t address, F visit) {
  uint32_t inner = box.map.innerBytes(), begin, end;
  box.inside(begin, end);
  for (uint32_t row = 0; row < box.rows(); ++row) {
    uint8_t *data = box.rowData(row);
    for (uint32_t at = 0; at < inner; at += 16) {
      uint32_t from = std::clamp(begin, at, at + 16) - at;
      uint32_t to = std::clamp(end, at, at + 16) - at;
      uint32_t place = swizzle(address + row * inner + at, box.map.swizzle);
      visit(place, data ? data + at : nullptr, from, to);
    }
  }
}

void loadBox(Block &block, uint32_t address, const Box &box) {
  forPieces(
      box, address,
      [&](uint32_t place, const uint8_t *data, uint32_t from, uint32_t to) {
        uint8_t *shared = block.shared.at(place);
        std::memset(shared, 0, 16);
        if (data && from < to)
          std::memcpy(shared + from, data + from, to - from);
      });
}

void storeBox(Block &block, uint32_t address, const Box &box) {
  forPieces(box, address,
            [&](uint32_t place, uint8_t *data, uint32_t from, uint32_t to) {
              if (data && from < to)
                std::memcpy(data + from, block.shared.at(place) + from,
                            to - from);
            });
}

/// Starts a load of `bytes` bytes into one block.
template <typename F>
void startLoad(Block &block, uint32_t address, uint32_t barrierAddress,
               uint32_t bytes, uint32_t align, const char *site, F move) {
  Machine &machine = Machine::get();
  checkShared(block, address, bytes, align, site);
  MBarrier &barrier = findMBarrier(block, barrierAddress, site);
  checkVisibleToAsync(barrier, site);
  beginAsyncWrite(block, {address, bytes}, site);
  machine.later([&block, &barrier, address, bytes, site, move] {
    move(block, address);
    endAsyncWrite(block, {address, bytes});
    completeBytes(barrier, bytes, site);
  });
}

/// The same, into the block that the address names or those of a multicast.
template <typename F>
void startLoads(uint32_t address, uint32_t barrier, uint32_t bytes,
                uint32_t align, int32_t multicastMask, const char *site,
                F move) {
  Machine &machine = Machine::get();
  Block &named = resolveShared(address, site);
  resolveShared(barrier, site);
  if (!multicastMask)
    return startLoad(named, address, barrier, bytes, align, site, move);
  if (uint32_t(multicastMask) >> machine.clusterBlocks())
    machine.fail(Fault::Invalid, site,
                 format("multicast mask 0x%x names blocks beyond the cluster's "
                        "%u",
                        multicastMask, machine.clusterBlocks()));
  for (uint32_t rank = 0; rank < machine.clusterBlocks(); ++rank)
    if (multicastMask >> rank & 1)
      startLoad(machine.block(rank), address, barrier, bytes, align, site,
                move);
}

/// Starts a store from the current block.
template <typename F>
void startStore(uint32_t address, uint32_t bytes, uint32_t align,
                const char *site, F move) {
  Machine &machine = Machine::get();
  Thread &thread = machine.current();
  Block &block = *thread.block;
  checkShared(block, address, bytes, align, site);
  beginAsyncRead(block, {address, bytes}, site);
  auto store = std::make_shared<BulkStore>();
  store->site = site;
  store->work = [&block, address, move] { move(block, address); };
  store->finish = [&block, address, bytes] {
    endAsyncRead(block, {address, bytes});
  };
  if (machine.runsEarly()) {
    store->work();
    store->done = true;
  }
  thread.bulk.open.push_back(std::move(store));
}

void checkBulkSize(Machine &machine, int32_t bytes, const char *site) {
  if (bytes < 16 || bytes % 16)
    machine.fail(Fault::Misaligned, site,
                 format("expects a multiple of 16 bytes, but got %d", bytes));
}

} // namespace

extern "C" {

void attn_emu_tensor_load(uint32_t destination, const void *map,
                          uint32_t barrier, const int32_t *coordinates,
                          int32_t rank, int32_t multicastMask,
                          const char *site) {
  Box box(readTensorMap(map, rank, site), coordinates);
  checkBox(box, site);
  startLoads(
      destination, barrier, box.map.boxBytes(), 128, multicastMask, site,
      [box](Block &block, uint32_t address) { loadBox(block, address, box); });
  Machine::get().pause();
}

void attn_emu_tensor_store(const void *map, uint32_t source,
                           const int32_t *coordinates, int32_t rank,
                           const char *site) {
  Box box(readTensorMap(map, rank, site), coordinates);
  checkBox(box, site);
  startStore(
      source, box.map.boxBytes(), 128, site,
      [box](Block &block, uint32_t address) { storeBox(block, address, box); });
}

void attn_emu_bulk_load(uint32_t destination, const void *source,
                        uint32_t barrier, int32_t bytes, int32_t multicastMask,
                        const char *site) {
  checkBulkSize(Machine::get(), bytes, site);
  attn_emu_global_address(const_cast<void *>(source), bytes, 16, 0, site);
  startLoads(destination, barrier, bytes, 16, multicastMask, site,
             [source, bytes](Block &block, uint32_t address) {
               std::memcpy(block.shared.at(address), source, bytes);
             });
}

void attn_emu_bulk_store(void *destination, uint32_t source, int32_t bytes,
                         const char *site) {
  checkBulkSize(Machine::get(), bytes, site);
  attn_emu_global_address(destination, bytes, 16, 1, site);
  startStore(source, bytes, 16, site,
             [destination, bytes](Block &block, uint32_t address) {
               std::memcpy(destination, block.shared.at(address), bytes);
             });
}

void attn_emu_bulk_commit(const char *) {
  BulkGroups &bulk = Machine::get().current().bulk;
  bulk.committed.push_back(std::move(bulk.open));
  bulk.open.clear();
}

void attn_emu_bulk_wait(int32_t pending, int32_t, const char *) {
  auto &committed = Machine::get().current().bulk.committed;
  while (committed.size() > size_t(pending)) {
    for (auto &store : committed.front()) {
      if (!store->done)
        store->work();
      store->finish();
    }
    committed.pop_front();
  }
}

void attn_emu_fence_proxy_async(const char *) {
  ++Machine::get().current().proxyFences;
}

void attn_emu_fence_mbarrier_init(const char *) {
  ++Machine::get().current().mbarrierFences;
}

} // extern "C"
