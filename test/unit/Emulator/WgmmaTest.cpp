//===- WgmmaTest.cpp - wgmma in every layout ------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products with B in each of the canonical layouts of shared memory, K-major
// and N-major, with each swizzle, against plain loops. Where an element lies is
// written here as the CUTLASS library writes it: T = 8 elements of 16 bits,
// strides of ((8, m), (T, 2)) and so on.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Emulator/Kernel.h"
#include "gtest/gtest.h"

#include <cstring>
#include <vector>

using namespace attn::emulator;

namespace {

/// Bytes of the swizzle and its code in a descriptor.
struct Mode {
  uint32_t bytes;
  uint64_t code;
};
constexpr Mode modes[] = {{16, 0}, {32, 3}, {64, 2}, {128, 1}};

uint32_t swizzled(uint32_t address, Mode mode) {
  uint32_t rows = mode.bytes == 128  ? 7
                  : mode.bytes == 64 ? 3
                                     : mode.bytes / 32;
  return address ^ ((address >> 7) & rows) << 4;
}

/// Byte offset of element (n, k) and the two offsets of the descriptor.
struct Layout {
  uint32_t rows; ///< N
  Mode mode;
  bool nMajor;

  uint32_t lbo() const {
    if (!nMajor)
      return mode.bytes == 16 ? rows / 8 * 128 : 16;
    // N in pieces of the swizzle's width; without one LBO steps along k.
    return mode.bytes == 16 ? rows / 8 * 128 : 16 * mode.bytes;
  }
  uint32_t sbo() const {
    if (!nMajor)
      return mode.bytes == 16 ? 128 : 8 * mode.bytes;
    return mode.bytes == 16 ? 128 : 8 * mode.bytes;
  }
  uint32_t at(uint32_t n, uint32_t k) const {
    uint32_t w = mode.bytes, e = w / 2; // elements of a piece's row
    if (!nMajor && w == 16)
      return n / 8 * sbo() + n % 8 * 16 + k / 8 * lbo() + k % 8 * 2;
    if (!nMajor)
      return n / 8 * sbo() + n % 8 * w + k * 2;
    if (w == 16)
      return n / 8 * sbo() + n % 8 * 2 + k / 8 * lbo() + k % 8 * 16;
    return n / e * lbo() + n % e * 2 + k / 8 * sbo() + k % 8 * w;
  }
};

uint16_t bf16(int value) {
  float f = float(value);
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  return bits >> 16;
}

int valueA(uint32_t m, uint32_t k) { return int(m * 5 + k * 3) % 7 - 3; }
int valueB(uint32_t n, uint32_t k) { return int(n * 3 + k * 11) % 9 - 4; }

constexpr uint32_t base = 1024; ///< where shared memory begins

/// One warpgroup: D = 2 + A B with A in registers. D is [64][n].
std::vector<float> multiply(const Layout &layout, Schedule schedule) {
  uint32_t n = layout.rows;
  std::vector<float> d(64 * n, -1);
  Session session({schedule, 4, 1});
  launch({1, 128, 64 * 1024}, [&] {
    uint32_t thread = attn_emu_read_ptx_sreg_tid_x();
    for (uint32_t i = thread; i < n * 16; i += 128) {
      uint16_t bits = bf16(valueB(i / 16, i % 16));
      uint32_t to = swizzled(base + layout.at(i / 16, i % 16), layout.mode);
      std::memcpy(attn_emu_shared_address(to, 2, 2, 1, "store"), &bits, 2);
    }
    attn_emu_fence_proxy_async("fence");
    attn_emu_barrier(0, 0, "barrier");
    uint32_t row = thread / 32 * 16 + thread % 32 / 4, k = thread % 4 * 2;
    int32_t a[4];
    for (uint32_t r = 0; r < 4; ++r) {
      uint32_t m = row + 8 * (r & 1), kk = k + 8 * (r >> 1);
      a[r] = bf16(valueA(m, kk)) | uint32_t(bf16(valueA(m, kk + 1))) << 16;
    }
    std::vector<float> acc(n / 2, 2.0f);
    uint64_t descriptor = base >> 4 | uint64_t(layout.lbo() >> 4) << 16 |
                          uint64_t(layout.sbo() >> 4) << 32 |
                          layout.mode.code << 62;
    attn_emu_wgmma_fence("fence");
    attn_emu_wgmma_rs(acc.data(), n, 1, a, int64_t(descriptor), 1, 1, 1,
                      layout.nMajor ? 2 : 0, "wgmma");
    attn_emu_wgmma_commit("commit");
    attn_emu_wgmma_wait(acc.data(), n / 2, 0, "wait");
    for (uint32_t i = 0; i < n / 2; ++i)
      d[(row + 8 * (i / 2 % 2)) * n + 8 * (i / 4) + 2 * (thread % 4) + i % 2] =
          acc[i];
  });
  EXPECT_EQ(session.report(), "");
  return d;
}

void expectProduct(const Layout &layout, Schedule schedule) {
  std::vector<float> d = multiply(layout, schedule);
  int wrong = 0;
  for (uint32_t m = 0; m < 64; ++m)
    for (uint32_t n = 0; n < layout.rows; ++n) {
      int sum = 2;
      for (uint32_t k = 0; k < 16; ++k)
        sum += valueA(m, k) * valueB(n, k);
      wrong += d[m * layout.rows + n] != float(sum);
    }
  EXPECT_EQ(wrong, 0) << "n " << layout.rows << ", swizzle "
                      << layout.mode.bytes << ", n-major " << layout.nMajor;
}

} // namespace

TEST(Wgmma, EveryLayout) {
  for (Mode mode : modes)
    for (bool nMajor : {false, true})
      for (Schedule schedule : {Schedule::Eager, Schedule::Late})
        expectProduct({128, mode, nMajor}, schedule);
}

TEST(Wgmma, EverySize) {
  for (uint32_t n = 8; n <= 256; n += 8)
    expectProduct({n, modes[3], false}, Schedule::Late);
  for (uint32_t n = 64; n <= 256; n += 64)
    expectProduct({n, modes[3], true}, Schedule::Late);
}

TEST(Wgmma, RefusesWhatItDoesNotKnow) {
  auto report = [](uint64_t descriptor, int n) {
    Session session({});
    launch({1, 128, 4096}, [&] {
      float acc[128] = {}; // a thread that is abandoned frees nothing
      int32_t a[4] = {};
      attn_emu_wgmma_fence("fence");
      attn_emu_wgmma_rs(acc, n, 1, a, int64_t(descriptor), 1, 1, 1, 0, "wgmma");
    });
    return session.report();
  };
  EXPECT_NE(report(uint64_t(1) << 49, 8).find("base offset is not modelled"),
            std::string::npos);
  EXPECT_NE(report(64, 12).find("multiple of 8 up to 256, but got 12"),
            std::string::npos);
  EXPECT_NE(report(0, 8).find("out of range"), std::string::npos);
  EXPECT_NE(
      report(uint64_t(64) << 32 | (base + 4096) >> 4, 64).find("out of range"),
      std::string::npos);
}
