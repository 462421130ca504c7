//===- Memory.cpp - Buffers for tensors -----------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory whose first byte starts a cache line, which is also the widest vector.
// Large blocks ask for large pages: a product with packed weights reads each
// byte once, and a page of 4 KiB lasts it 200 ns.
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Abi.h"

#include <cstdint>
#include <cstdlib>

#ifdef __linux__
#include <sys/mman.h>
#endif

static constexpr int64_t lineBytes = 64;
static constexpr int64_t largePageBytes = int64_t(2) << 20;

extern "C" void *attn_rt_alloc(int64_t bytes) {
  if (bytes < 0 || bytes > INT64_MAX - largePageBytes)
    return nullptr;
  bool large = bytes >= 2 * largePageBytes;
  int64_t unit = large ? largePageBytes : lineBytes;
  int64_t rounded = bytes ? (bytes + unit - 1) / unit * unit : unit;
  void *memory = std::aligned_alloc(unit, rounded);
#ifdef MADV_HUGEPAGE
  // Only advice: where the system has no large pages, small ones do.
  if (memory && large)
    (void)madvise(memory, rounded, MADV_HUGEPAGE);
#endif
  return memory;
}

extern "C" void attn_rt_free(void *memory) { std::free(memory); }
