//===- Approx.cpp - Approximate instructions ------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each result is the exact one, moved by up to the largest error that the PTX
// ISA allows, in a direction that depends on the operand's bits and the seed: a
// kernel that leans on an error which some hardware happens not to make is
// found out, and a run can be repeated.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Launch.h"
#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Numbers.h"

#include <cmath>

using namespace attn::emulator;

namespace {

/// A number from -1 to 1 that depends on nothing else.
double direction(float x) {
  uint64_t h = floatToBits(x) * 0x9e3779b97f4a7c15ull ^
               Machine::get().launch().options().seed * 0xbf58476d1ce4e5b9ull;
  h ^= h >> 31;
  h *= 0x94d049bb133111ebull;
  h ^= h >> 29;
  return double(int64_t(h >> 11)) * 0x1p-52 - 1.0;
}

float relative(float x, double exact, double bound) {
  return float(exact * (1.0 + direction(x) * bound));
}

float flush(float x) {
  return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x;
}

} // namespace

extern "C" {

float attn_emu_ex2_approx(float x) {
  if (x == 0)
    return 1; // one of the exact cases of the table
  return relative(x, std::exp2(double(x)), 0x1p-22);
}

float attn_emu_ex2_approx_ftz(float x) {
  return flush(attn_emu_ex2_approx(flush(x)));
}

float attn_emu_lg2_approx(float x) {
  double exact = std::log2(double(x));
  if (x > 0.5f && x < 2.0f) // absolute where the logarithm is small
    return float(exact + direction(x) * 0x1p-22);
  return relative(x, exact, 0x1p-22);
}

float attn_emu_rcp_approx(float x) {
  x = flush(x);
  return flush(relative(x, 1.0 / double(x), 0x1p-23));
}

float attn_emu_rsqrt_approx(float x) {
  x = flush(x);
  return flush(relative(x, 1.0 / std::sqrt(double(x)), 0x1p-22));
}

float attn_emu_sqrt_approx(float x) {
  x = flush(x);
  return flush(relative(x, std::sqrt(double(x)), 0x1p-23));
}

uint16_t attn_emu_f32_to_bf16(float x) {
  uint32_t bits = floatToBits(x);
  if (x != x)
    return 0x7fff; // the NaN of cvt
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

float attn_emu_tanh_approx(float x) {
  float y = relative(x, std::tanh(double(x)), 0x1p-11);
  return y > 1 ? 1 : y < -1 ? -1 : y;
}

} // extern "C"
