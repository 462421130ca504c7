//===- Memory.cpp - Buffers for tensors -----------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory whose first byte starts a cache line, which is also the widest vector.
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Abi.h"

#include <cstdlib>

static constexpr int64_t lineBytes = 64;

extern "C" void *attn_rt_alloc(int64_t bytes) {
  if (bytes < 0 || bytes > INT64_MAX - lineBytes)
    return nullptr;
  int64_t rounded = (bytes + lineBytes - 1) / lineBytes * lineBytes;
  return std::aligned_alloc(lineBytes, rounded ? rounded : lineBytes);
}

extern "C" void attn_rt_free(void *memory) { std::free(memory); }
