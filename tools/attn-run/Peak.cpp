//===- Peak.cpp - What this core could do at most -------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Twelve chains hide the latency of a multiply-add on every core that we know
// (two a cycle, four cycles each, makes eight). The probe puts a broadcast and
// an address computation beside each multiply-add: six instructions per cycle
// (three where a 512-bit multiply-add takes both units; there a 512-bit
// broadcast would limit the loop even on a quiet core, so it fills 128 bits).
// It measures what a kernel needs and the register loop does not, the width of
// the front end, which another hardware thread takes away.
//
//===----------------------------------------------------------------------===//

#include "Peak.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <time.h>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace attn {
namespace {

constexpr int chains = 12;
constexpr long iterations = 10000;

double secondsOf(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) +
         1e-9 * static_cast<double>(now.tv_nsec);
}

#define ATTN_FOR_CHAINS(M)                                                     \
  M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11)

#if defined(__x86_64__)
#define ATTN_CHAINS(C)                                                         \
  "+" C(c[0]), "+" C(c[1]), "+" C(c[2]), "+" C(c[3]), "+" C(c[4]),             \
      "+" C(c[5]), "+" C(c[6]), "+" C(c[7]), "+" C(c[8]), "+" C(c[9]),         \
      "+" C(c[10]), "+" C(c[11])
#define ATTN_V(x) "v"(x)
#define ATTN_FMA(i) "vfmadd231ps %13,%12,%" #i "\n\t"

alignas(64) float broadcastFrom[64];

__attribute__((target("avx512f"), noinline)) void fma512(long n) {
  __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f), c[chains];
  for (int i = 0; i < chains; ++i)
    c[i] = _mm512_set1_ps(static_cast<float>(i));
  for (long i = 0; i < n; ++i)
    asm volatile(ATTN_FOR_CHAINS(ATTN_FMA)
                 : ATTN_CHAINS(ATTN_V)
                 : "v"(a), "v"(b));
}

#define ATTN_PROBE512(i)                                                       \
  ATTN_FMA(i) "vbroadcastss 4*" #i "(%14),%%xmm31\n\tlea 1(%14),%%rax\n\t"
__attribute__((target("avx512f"), noinline)) void probe512(long n) {
  __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f), c[chains];
  for (int i = 0; i < chains; ++i)
    c[i] = _mm512_set1_ps(static_cast<float>(i));
  for (long i = 0; i < n; ++i)
    asm volatile(ATTN_FOR_CHAINS(ATTN_PROBE512)
                 : ATTN_CHAINS(ATTN_V)
                 : "v"(a), "v"(b), "r"(broadcastFrom)
                 : "xmm31", "rax");
}

#define ATTN_X(x) "x"(x)
__attribute__((target("avx2,fma"), noinline)) void fma256(long n) {
  __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f), c[chains];
  for (int i = 0; i < chains; ++i)
    c[i] = _mm256_set1_ps(static_cast<float>(i));
  for (long i = 0; i < n; ++i)
    asm volatile(ATTN_FOR_CHAINS(ATTN_FMA)
                 : ATTN_CHAINS(ATTN_X)
                 : "x"(a), "x"(b));
}

#define ATTN_PROBE256(i)                                                       \
  ATTN_FMA(i) "vbroadcastss 4*" #i "(%14),%%ymm15\n\tlea 1(%14),%%rax\n\t"
__attribute__((target("avx2,fma"), noinline)) void probe256(long n) {
  __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f), c[chains];
  for (int i = 0; i < chains; ++i)
    c[i] = _mm256_set1_ps(static_cast<float>(i));
  for (long i = 0; i < n; ++i)
    asm volatile(ATTN_FOR_CHAINS(ATTN_PROBE256)
                 : ATTN_CHAINS(ATTN_X)
                 : "x"(a), "x"(b), "r"(broadcastFrom)
                 : "xmm15", "rax");
}
#elif defined(__aarch64__)
#define ATTN_CHAINS                                                            \
  "+w"(c[0]), "+w"(c[1]), "+w"(c[2]), "+w"(c[3]), "+w"(c[4]), "+w"(c[5]),      \
      "+w"(c[6]), "+w"(c[7]), "+w"(c[8]), "+w"(c[9]), "+w"(c[10]), "+w"(c[11])
#define ATTN_FMA(i) "fmla %" #i ".4s,%12.4s,%13.4s\n\t"
#define ATTN_PROBE(i) ATTN_FMA(i) "ldr s31,[%14,#4*" #i "]\n\tadd x9,%14,#1\n\t"

alignas(64) float broadcastFrom[64];

__attribute__((noinline)) void fma128(long n) {
  float32x4_t a = vdupq_n_f32(0.999f), b = vdupq_n_f32(1e-3f), c[chains];
  for (int i = 0; i < chains; ++i)
    c[i] = vdupq_n_f32(static_cast<float>(i));
  for (long i = 0; i < n; ++i)
    asm volatile(ATTN_FOR_CHAINS(ATTN_FMA) : ATTN_CHAINS : "w"(a), "w"(b));
}

__attribute__((noinline)) void probe128(long n) {
  float32x4_t a = vdupq_n_f32(0.999f), b = vdupq_n_f32(1e-3f), c[chains];
  for (int i = 0; i < chains; ++i)
    c[i] = vdupq_n_f32(static_cast<float>(i));
  for (long i = 0; i < n; ++i)
    asm volatile(ATTN_FOR_CHAINS(ATTN_PROBE)
                 : ATTN_CHAINS
                 : "w"(a), "w"(b), "r"(broadcastFrom)
                 : "v31", "x9");
}
#endif

struct Loops {
  void (*fma)(long) = nullptr;
  void (*probe)(long) = nullptr;
};

Loops loopsFor(unsigned lanes) {
#if defined(__x86_64__)
  if (lanes == 16)
    return {fma512, probe512};
  if (lanes == 8)
    return {fma256, probe256};
#elif defined(__aarch64__)
  if (lanes == 4)
    return {fma128, probe128};
#endif
  (void)lanes;
  return {};
}

/// What a reading of the clock costs: 25 us of work would come out 2 % too
/// slow.
double clockCost() {
  static const double cost = [] {
    double least = 1;
    for (int i = 0; i < 1000; ++i) {
      double start = threadSeconds();
      least = std::min(least, threadSeconds() - start);
    }
    return least;
  }();
  return cost;
}

double rateOf(void (*loop)(long), unsigned lanes) {
  loop(iterations / 2); // wakes the wide units up: 10 us on a Zen 4
  double start = threadSeconds();
  loop(iterations);
  double seconds = threadSeconds() - start - 0.6 * clockCost();
  return 2.0 * chains * lanes * iterations / seconds;
}

} // namespace

double threadSeconds() { return secondsOf(CLOCK_THREAD_CPUTIME_ID); }
double wallSeconds() { return secondsOf(CLOCK_MONOTONIC); }

bool canReadPeak(unsigned lanes) { return loopsFor(lanes).fma; }

PeakReading readPeak(unsigned lanes) {
  Loops loops = loopsFor(lanes);
  return {rateOf(loops.fma, lanes), rateOf(loops.probe, lanes)};
}

PeakReading readPeak(unsigned f32Lanes, int threads) {
  if (threads <= 1)
    return readPeak(f32Lanes);
  std::vector<PeakReading> readings(threads);
  std::atomic<int> missing{threads};
  auto read = [&](int i) {
    // A reading takes 50 us, starting a thread as long: wait for the last.
    missing.fetch_sub(1);
    while (missing.load(std::memory_order_acquire) > 0)
      std::this_thread::yield();
    readings[i] = readPeak(f32Lanes);
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i)
    others.emplace_back(read, i);
  read(0);
  for (std::thread &other : others)
    other.join();
  PeakReading sum;
  for (const PeakReading &reading : readings) {
    sum.peak += reading.peak;
    sum.probe += reading.probe;
  }
  return sum;
}

} // namespace attn
