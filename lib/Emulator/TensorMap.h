//===- TensorMap.h - Tensor maps --------------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What cuTensorMapEncodeTiled would write, in a form of our own.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_TENSORMAP_H
#define ATTN_LIB_EMULATOR_TENSORMAP_H

#include <cstdint>

namespace attn::emulator {

constexpr int kMaxRank = 5;

/// A tensor in global memory and the box that one copy moves; innermost first.
struct TensorMap {
  static constexpr uint32_t kMagic = 0x74746e61;
  uint32_t magic;
  uint8_t rank, elementBytes, swizzle, unused;
  uint8_t *data;
  uint32_t sizes[kMaxRank];
  uint16_t box[kMaxRank];
  uint64_t strides[kMaxRank - 1]; ///< bytes, from the second dimension on

  uint32_t innerBytes() const { return box[0] * elementBytes; }
  uint32_t boxBytes() const {
    uint32_t bytes = innerBytes();
    for (int d = 1; d < rank; ++d)
      bytes *= box[d];
    return bytes;
  }
};
static_assert(sizeof(TensorMap) <= 128, "kernels pass 128 bytes by value");

/// The map at an address that a kernel gave; fails when there is none.
const TensorMap &readTensorMap(const void *map, int32_t rank, const char *site);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_TENSORMAP_H
