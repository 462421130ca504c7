//===- SharedMemory.h - A block's shared memory and its shadow --*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bytes, and for every 16 of them what asynchronous accesses are under way
// and which thread wrote there last without a fence. 16 bytes are what
// ldmatrix, a swizzle and a row of a core matrix move at once.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_SHAREDMEMORY_H
#define ATTN_LIB_EMULATOR_SHAREDMEMORY_H

#include <cstdint>
#include <memory>
#include <vector>

namespace attn::emulator {

struct Thread;

/// Shared memory begins here, so that 0 is no address and a kernel that takes
/// it for granted is found. Multiples of the swizzle pattern stay multiples.
constexpr uint32_t kSharedBase = 1024;
/// What a block of compute capability 9.0 can have.
constexpr uint32_t kSharedLimit = 227 * 1024;
constexpr uint32_t kGranule = 16;

struct Granule {
  const Thread *writer = nullptr; ///< last generic write
  uint32_t writerFences = 0;      ///< fences that it had made by then
  uint16_t landing = 0;           ///< asynchronous writes under way
  uint16_t readers = 0;           ///< asynchronous reads under way
  bool barrier = false;           ///< an mbarrier lies here
};

enum class Access { Read, Write, ReadWrite };

class SharedMemory {
public:
  void reset(uint32_t bytes);
  uint32_t begin() const { return kSharedBase; }
  uint32_t end() const { return kSharedBase + size; }

  bool contains(uint64_t address, uint64_t bytes) const {
    return address >= begin() && address + bytes <= end();
  }
  /// Where an address lies in this computer's memory.
  uint8_t *at(uint32_t address) { return bytes.data() + (address - begin()); }
  bool holds(const void *pointer) const {
    auto *p = static_cast<const uint8_t *>(pointer);
    return p >= bytes.data() && p < bytes.data() + size;
  }
  uint32_t addressOf(const void *pointer) const {
    return begin() + (static_cast<const uint8_t *>(pointer) - bytes.data());
  }
  Granule &granule(uint32_t address) {
    return shadow[(address - begin()) / kGranule];
  }

private:
  std::vector<uint8_t> bytes;
  std::vector<Granule> shadow;
  uint32_t size = 0;
};

struct Block;

/// @{ Checks of the current thread's accesses; each fails with a report.
void checkShared(Block &block, uint32_t address, uint32_t bytes, uint32_t align,
                 const char *site);
void checkSharedAccess(Block &block, uint32_t address, uint32_t bytes,
                       Access access, const char *site);
/// The block that a shared address names, and the offset in it.
Block &resolveShared(uint32_t &address, const char *site);
/// @}

/// @{ Asynchronous accesses to ranges of a block's shared memory.
struct Range {
  uint32_t address, bytes;
};
void beginAsyncRead(Block &block, Range range, const char *site);
void endAsyncRead(Block &block, Range range);
void beginAsyncWrite(Block &block, Range range, const char *site);
void endAsyncWrite(Block &block, Range range);
/// @}

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_SHAREDMEMORY_H
