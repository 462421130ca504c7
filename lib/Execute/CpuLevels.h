//===- CpuLevels.h - What code can ask a CPU for ----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTE_CPULEVELS_H
#define ATTN_LIB_EXECUTE_CPULEVELS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace attn {

/// Where cpuid tells of an x86-64 feature.
struct CpuidBit {
  enum Register : uint8_t { EAX, EBX, ECX, EDX };
  /// Which registers the operating system has to save: none that it might not,
  /// ymm, or zmm and the masks.
  enum State : uint8_t { Plain, Vector, Wide };

  llvm::StringLiteral name; ///< LLVM's
  uint32_t leaf, subleaf;
  Register reg;
  unsigned bit;
  State state;
};

/// All features that code may be compiled with beyond the baseline.
llvm::ArrayRef<CpuidBit> cpuidBits();

} // namespace attn

#endif // ATTN_LIB_EXECUTE_CPULEVELS_H
