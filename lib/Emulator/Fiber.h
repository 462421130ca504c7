//===- Fiber.h - Stacks to switch between -----------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One fiber per emulated thread. The switch saves what the calling convention
// asks a function to keep and nothing else; a system call per switch, as
// swapcontext makes, would cost more than the emulation.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_FIBER_H
#define ATTN_LIB_EMULATOR_FIBER_H

#include <cstddef>

namespace attn::emulator {

/// A stack and where it stands. Frames that are abandoned are not unwound, so
/// nothing that owns memory may live on a fiber that can be abandoned.
class Fiber {
public:
  /// Maps a stack with a page below it that stops an overflow.
  Fiber();
  ~Fiber();
  Fiber(const Fiber &) = delete;
  Fiber &operator=(const Fiber &) = delete;

  /// False when there was no memory for the stack.
  explicit operator bool() const { return memory != nullptr; }
  /// The next resume calls `entry`, which must call entered() first and must
  /// not return.
  void prepare(void (*entry)());
  void entered();
  /// Runs the fiber until it calls suspend().
  void resume();
  /// Goes back to who resumed; called on the fiber.
  void suspend();
  bool holds(const void *address, size_t bytes) const;

private:
  static constexpr size_t stackBytes = 256 * 1024;
  char *memory = nullptr;
  void *stack = nullptr;  ///< of the fiber, while it does not run
  void *caller = nullptr; ///< of who resumed it
  /// @{ For AddressSanitizer alone.
  [[maybe_unused]] void *fakeStack = nullptr;
  [[maybe_unused]] const void *callerBottom = nullptr;
  [[maybe_unused]] size_t callerBytes = 0;
  /// @}
};

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_FIBER_H
