//===- Numbers.h - Numbers of the tensor cores ------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// f16, bf16 and tf32 as f32.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_NUMBERS_H
#define ATTN_LIB_EMULATOR_NUMBERS_H

#include <cstdint>
#include <cstring>

namespace attn::emulator {

/// The types of multiplicands, as in Abi.h.
enum NumberType { kF16, kBF16, kTF32 };

inline float bitsToFloat(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

inline uint32_t floatToBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

inline float bf16ToFloat(uint16_t bits) {
  return bitsToFloat(uint32_t(bits) << 16);
}

/// Exact: every f16 is an f32.
inline float f16ToFloat(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16;
  uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
  if (exponent == 31)
    return bitsToFloat(sign | 0x7f800000 | fraction << 13);
  if (exponent == 0) {
    float value = float(fraction) * 0x1p-24f;
    return sign ? -value : value;
  }
  return bitsToFloat(sign | (exponent + 112) << 23 | fraction << 13);
}

inline float half16ToFloat(uint16_t bits, bool bf16) {
  return bf16 ? bf16ToFloat(bits) : f16ToFloat(bits);
}

/// The tensor core ignores the 13 low bits.
inline float tf32ToFloat(uint32_t bits) {
  return bitsToFloat(bits & ~uint32_t(0x1fff));
}

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_NUMBERS_H
