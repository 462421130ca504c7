//===- Swizzle.h - The swizzles of shared memory ----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One formula for tensor copies and wgmma, on absolute shared addresses.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_SWIZZLE_H
#define ATTN_LIB_EMULATOR_SWIZZLE_H

#include <cstdint>

namespace attn::emulator {

/// Exchanges the 16-byte pieces of rows of `width` bytes (32, 64 or 128; others
/// change nothing): the piece's number is xor-ed with address bits 7 and up.
inline uint32_t swizzle(uint32_t address, uint32_t width) {
  if (width < 32)
    return address;
  return address ^ (address >> 7 & (width / 16 - 1)) << 4;
}

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_SWIZZLE_H
