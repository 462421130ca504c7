//===- limit.cpp - What a core can do, for benchmarks/attention.py --------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention by hand, the multiply-add peak and the rate of plain reads, each
// timed by the calling thread's CPU time where it times itself.
//
//===----------------------------------------------------------------------===//

#include "attention.h"

#include <ctime>

using namespace limit;

namespace {

double seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         1e-9 * static_cast<double>(now.tv_nsec);
}

/// Tile sizes per width and length: many queries share the keys in tiles that
/// walk together; few stay small, for less work at the edges.
template <int D>
void dispatch(const float *q, const float *k, const float *v, float *o,
              long heads, long m, long n, bool causal) {
  if constexpr (lanes == 16) {
    if (m <= 16)
      Attention<D, 1, 16, 16, 64, 1>::run(q, k, v, o, heads, m, n, causal);
    else if (m < 256 && n < 256)
      Attention<D, 2, 8, 8, 64, 1>::run(q, k, v, o, heads, m, n, causal);
    else
      Attention<D, 4, 4, 4, D <= 64 ? 128 : 64, 4>::run(q, k, v, o, heads, m, n,
                                                        causal);
  } else if (m <= 16) {
    Attention<D, 2, 4, 4, 64, 1>::run(q, k, v, o, heads, m, n, causal);
  } else {
    Attention<D, 3, 4, 4, D <= 64 ? 128 : 64, 8>::run(q, k, v, o, heads, m, n,
                                                      causal);
  }
}

} // namespace

/// Dense row-major q and o [heads, m, d], k and v [heads, n, d]; query i sees
/// the keys up to i when `causal`. Returns 0, or 1 for a size it does not know.
extern "C" int limit_attention(const float *q, const float *k, const float *v,
                               float *o, long heads, long m, long n, long d,
                               int causal) {
  if (d == 32)
    dispatch<32>(q, k, v, o, heads, m, n, causal);
  else if (d == 64)
    dispatch<64>(q, k, v, o, heads, m, n, causal);
  else if (d == 128)
    dispatch<128>(q, k, v, o, heads, m, n, causal);
  else
    return 1;
  return 0;
}

extern "C" int limit_lanes() { return lanes; }

/// f32 operations per second of 12 independent chains of multiply-adds.
extern "C" double limit_peak(long iterations) {
  Vec c[12], a = (Vec)(0.999f), b = (Vec)(1e-3f);
  for (int i = 0; i < 12; ++i)
    c[i] = (Vec)(static_cast<float>(i));
  double start = 0;
  for (long i = -iterations / 20; i < iterations; ++i) {
    if (i == 0)
      start = seconds();
    LIMIT_UNROLL for (int j = 0; j < 12; ++j) {
      c[j] = __builtin_elementwise_fma(c[j], a, b);
      asm volatile("" : "+x"(c[j]));
    }
  }
  return 24.0 * lanes * static_cast<double>(iterations) / (seconds() - start);
}

/// Reads `count` numbers once, in order; returns their sum to keep it honest.
extern "C" float limit_read(const float *from, long count) {
  Vec sum[8];
  for (Vec &s : sum)
    s = (Vec)(0.0f);
  for (long i = 0; i + 8 * lanes <= count; i += 8 * lanes)
    LIMIT_UNROLL for (int j = 0; j < 8; ++j) sum[j] +=
        *reinterpret_cast<const UnalignedVec *>(from + i + j * lanes);
  Vec total = (Vec)(0.0f);
  for (Vec s : sum)
    total += s;
  float all = 0;
  for (int i = 0; i < lanes; ++i)
    all += total[i];
  return all;
}
