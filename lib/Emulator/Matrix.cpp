//===- Matrix.cpp - ldmatrix, stmatrix and mma.sync -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fragment layouts of the PTX ISA, "Matrix Fragments for mma.m16n8k*" and
// "ldmatrix". Lane 4g + t holds row g; of each 8x8 matrix of 16-bit elements it
// holds columns 2t and 2t + 1.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Numbers.h"
#include "lib/Emulator/Text.h"

#include <algorithm>
#include <cstring>

using namespace attn::emulator;

namespace {

struct MatrixCall {
  uint32_t address;
  uint32_t *registers;
};

/// Bank conflicts of one matrix: its eight rows of 16 bytes move in one cycle
/// when they lie in different groups of banks.
void countPhases(Machine &machine, const Meeting &meeting, int32_t count) {
  for (int32_t m = 0; m < count; ++m) {
    int perGroup[8] = {};
    for (int row = 0; row < 8; ++row) {
      auto *call = static_cast<MatrixCall *>(meeting.arguments[8 * m + row]);
      ++perGroup[call->address / 16 % 8];
    }
    ++machine.statistics.sharedPhases;
    machine.statistics.sharedCycles +=
        *std::max_element(std::begin(perGroup), std::end(perGroup));
  }
}

/// Checks the rows, moves each element between its row and its register.
void moveMatrices(Machine &machine, Meeting &meeting, int32_t count,
                  bool transposed, Access access, const char *site) {
  countPhases(machine, meeting, count);
  for (int32_t m = 0; m < count; ++m) {
    uint8_t *rows[8];
    for (int row = 0; row < 8; ++row) {
      auto *call = static_cast<MatrixCall *>(meeting.arguments[8 * m + row]);
      uint32_t address = call->address;
      Block &block = resolveShared(address, site);
      checkShared(block, address, 16, 16, site);
      checkSharedAccess(block, address, 16, access, site);
      rows[row] = block.shared.at(address);
    }
    for (uint32_t lane = 0; lane < kWarpLanes; ++lane) {
      auto *call = static_cast<MatrixCall *>(meeting.arguments[lane]);
      auto *element = reinterpret_cast<uint8_t *>(&call->registers[m]);
      for (uint32_t half = 0; half < 2; ++half) {
        uint32_t i = lane / 4, j = lane % 4 * 2 + half;
        uint8_t *place = transposed ? rows[j] + 2 * i : rows[i] + 2 * j;
        if (access == Access::Read)
          std::memcpy(element + 2 * half, place, 2);
        else
          std::memcpy(place, element + 2 * half, 2);
      }
    }
  }
}

void matrixAccess(const char *what, uint32_t address, uint32_t *registers,
                  int32_t count, bool transposed, Access access,
                  const char *site) {
  Machine &machine = Machine::get();
  MatrixCall mine{address, registers};
  Meeting *meeting = machine.meetWarp(what, kAllLanes, &mine, site);
  if (!meeting)
    return;
  moveMatrices(machine, *meeting, count, transposed, access, site);
  machine.releaseWarp(meeting);
}

/// A[16][k] and B[k][8] of one mma, and its accumulators by lane.
struct Product {
  float a[16][16], b[16][8];
};

void gather16(const Meeting &meeting, int32_t k, bool bf16, Product &product) {
  int32_t registersA = k / 4, registersB = k / 8;
  for (uint32_t lane = 0; lane < kWarpLanes; ++lane) {
    auto *r = static_cast<const uint32_t *>(meeting.arguments[lane]);
    uint32_t g = lane / 4, t = lane % 4;
    for (int32_t i = 0; i < registersA; ++i)
      for (uint32_t half = 0; half < 2; ++half)
        product.a[g + 8 * (i & 1)][2 * t + half + 8 * (i >> 1)] =
            half16ToFloat(r[i] >> (16 * half), bf16);
    for (int32_t i = 0; i < registersB; ++i)
      for (uint32_t half = 0; half < 2; ++half)
        product.b[2 * t + half + 8 * i][g] =
            half16ToFloat(r[registersA + i] >> (16 * half), bf16);
  }
}

void gatherTF32(const Meeting &meeting, int32_t k, Product &product) {
  int32_t registersA = k / 2, registersB = k / 4;
  for (uint32_t lane = 0; lane < kWarpLanes; ++lane) {
    auto *r = static_cast<const uint32_t *>(meeting.arguments[lane]);
    uint32_t g = lane / 4, t = lane % 4;
    for (int32_t i = 0; i < registersA; ++i)
      product.a[g + 8 * (i & 1)][t + 4 * (i >> 1)] = tf32ToFloat(r[i]);
    for (int32_t i = 0; i < registersB; ++i)
      product.b[t + 4 * i][g] = tf32ToFloat(r[registersA + i]);
  }
}

void multiply(const Meeting &meeting, int32_t k, uint32_t firstC,
              const Product &product) {
  for (uint32_t lane = 0; lane < kWarpLanes; ++lane) {
    uint32_t *c = static_cast<uint32_t *>(meeting.arguments[lane]) + firstC;
    for (uint32_t i = 0; i < 4; ++i) {
      uint32_t row = lane / 4 + 8 * (i / 2), column = lane % 4 * 2 + i % 2;
      float sum = bitsToFloat(c[i]);
      for (int32_t kk = 0; kk < k; ++kk)
        sum += product.a[row][kk] * product.b[kk][column];
      c[i] = floatToBits(sum);
    }
  }
}

} // namespace

extern "C" {

void attn_emu_ldmatrix(int32_t *registers, uint32_t address, int32_t count,
                       int32_t transposed, const char *site) {
  matrixAccess(transposed ? "ldmatrix.trans" : "ldmatrix", address,
               reinterpret_cast<uint32_t *>(registers), count, transposed,
               Access::Read, site);
}

void attn_emu_stmatrix(uint32_t address, const int32_t *registers,
                       int32_t count, int32_t transposed, const char *site) {
  uint32_t copy[4] = {};
  std::memcpy(copy, registers, 4 * count);
  matrixAccess(transposed ? "stmatrix.trans" : "stmatrix", address, copy, count,
               transposed, Access::Write, site);
}

void attn_emu_mma_sync(int32_t *registers, int32_t k, int32_t type,
                       const char *site) {
  Machine &machine = Machine::get();
  Meeting *meeting = machine.meetWarp("mma.sync", kAllLanes, registers, site);
  if (!meeting)
    return;
  static thread_local Product product;
  if (type == kTF32)
    gatherTF32(*meeting, k, product);
  else
    gather16(*meeting, k, type == kBF16, product);
  uint32_t firstC = type == kTF32 ? k / 2 + k / 4 : k / 4 + k / 8;
  multiply(*meeting, k, firstC, product);
  machine.releaseWarp(meeting);
}

} // extern "C"
