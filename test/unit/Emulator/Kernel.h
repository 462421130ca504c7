//===- Kernel.h - Kernels in C++ --------------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel for the emulator is a function that calls it; a lambda will do.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_EMULATOR_KERNEL_H
#define ATTN_TEST_UNIT_EMULATOR_KERNEL_H

#include "attn/Emulator/Abi.h"
#include "attn/Emulator/Emulator.h"

#include <functional>

struct Grid {
  int blocks = 1, threads = 32, shared = 0;
};

/// Runs `body` as every thread of a grid; returns what attn_emu_launch does.
inline int launch(Grid grid, std::function<void()> body) {
  attn_emu_launch_config config = {};
  config.kernel = "test";
  for (int d = 0; d < 3; ++d)
    config.grid[d] = config.block[d] = config.cluster[d] = 1;
  config.grid[0] = grid.blocks;
  config.block[0] = grid.threads;
  config.dynamicShared = grid.shared;
  void *arguments[] = {&body};
  return attn_emu_launch(
      &config,
      [](void **from) { (*static_cast<std::function<void()> *>(from[0]))(); },
      arguments);
}

#endif // ATTN_TEST_UNIT_EMULATOR_KERNEL_H
