//===- Fiber.cpp - Stacks to switch between -------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The switch for x86-64 (System V) and AArch64 (AAPCS64), and what
// AddressSanitizer must be told about it.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Fiber.h"

#include <cstdint>
#include <cstring>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define ATTN_EMU_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ATTN_EMU_ASAN 1
#endif
#endif

#ifdef ATTN_EMU_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

extern "C" void attn_emu_switch_stack(void **save, void *load);

// clang-format off
#if defined(__x86_64__)
__asm__(R"(
  .text
  .globl attn_emu_switch_stack
  .hidden attn_emu_switch_stack
  .type attn_emu_switch_stack, @function
attn_emu_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  retq
  .size attn_emu_switch_stack, .-attn_emu_switch_stack
)");
/// The switch pops six registers and then the return address; the last word
/// makes the stack as aligned as after a call.
static constexpr int returnWord = 6, frameWords = 8;
#elif defined(__aarch64__)
__asm__(R"(
  .text
  .globl attn_emu_switch_stack
  .hidden attn_emu_switch_stack
  .type attn_emu_switch_stack, %function
attn_emu_switch_stack:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
  .size attn_emu_switch_stack, .-attn_emu_switch_stack
)");
/// x30 is the twelfth register that the switch loads.
static constexpr int returnWord = 11, frameWords = 20;
#else
#error "the emulator can switch stacks on x86-64 and AArch64 alone"
#endif
// clang-format on

namespace attn::emulator {

static constexpr size_t guardBytes = 64 * 1024; // at least a page anywhere

Fiber::Fiber() {
  void *map = mmap(nullptr, guardBytes + stackBytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED)
    return;
  memory = static_cast<char *>(map);
  mprotect(memory, guardBytes, PROT_NONE);
}

Fiber::~Fiber() {
  if (memory)
    munmap(memory, guardBytes + stackBytes);
}

void Fiber::prepare(void (*entry)()) {
  char *bottom = memory + guardBytes;
#ifdef ATTN_EMU_ASAN
  __asan_unpoison_memory_region(bottom, stackBytes);
  fakeStack = nullptr;
#endif
  auto *top = reinterpret_cast<uintptr_t *>(bottom + stackBytes);
  uintptr_t *frame = top - frameWords;
  std::memset(frame, 0, frameWords * sizeof(uintptr_t));
  frame[returnWord] = reinterpret_cast<uintptr_t>(entry);
  stack = frame;
}

void Fiber::entered() {
#ifdef ATTN_EMU_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &callerBottom, &callerBytes);
#endif
}

void Fiber::resume() {
#ifdef ATTN_EMU_ASAN
  void *mine = nullptr;
  __sanitizer_start_switch_fiber(&mine, memory + guardBytes, stackBytes);
  attn_emu_switch_stack(&caller, stack);
  __sanitizer_finish_switch_fiber(mine, nullptr, nullptr);
#else
  attn_emu_switch_stack(&caller, stack);
#endif
}

void Fiber::suspend() {
#ifdef ATTN_EMU_ASAN
  __sanitizer_start_switch_fiber(&fakeStack, callerBottom, callerBytes);
  attn_emu_switch_stack(&stack, caller);
  __sanitizer_finish_switch_fiber(fakeStack, &callerBottom, &callerBytes);
#else
  attn_emu_switch_stack(&stack, caller);
#endif
}

bool Fiber::holds(const void *address, size_t bytes) const {
  const char *p = static_cast<const char *>(address);
  const char *bottom = memory + guardBytes;
  return p >= bottom && p + bytes <= bottom + stackBytes;
}

} // namespace attn::emulator
