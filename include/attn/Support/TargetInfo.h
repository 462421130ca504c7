//===- TargetInfo.h - What a target string means ----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parses target strings. A pure function of the string: it never looks at the
// machine.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_TARGETINFO_H
#define ATTN_SUPPORT_TARGETINFO_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace attn {

enum class TargetKind {
  CPU,    ///< Fused vector kernels; what the plan leaves goes through Linalg.
  Linalg, ///< Every op goes through Linalg: the second opinion.
  NVVM,   ///< Tensor-core kernels for an NVIDIA GPU.
  NVVMEmulation, ///< The same kernels, executed by the emulator on the CPU.
};

/// A parsed target: `cpu`, `cpu:<name>`, `linalg` or `linalg:<name>`, where
/// <name> is an LLVM CPU name (`znver3`, `neoverse-n1`), an x86-64 level
/// (`x86-64-v3`) or an Arm architecture
/// (`armv8-a`); or `nvvm:<chip>` or `nvvm-emulation:<chip>`, where <chip> is
/// `sm_80`, `sm_90a` and the like. Without a name the target is unresolved:
/// `kind` is all that is known, and only Execute may put the name of a machine
/// there.
struct TargetInfo {
  TargetKind kind = TargetKind::CPU;
  std::string name;   ///< As written after the colon; empty while unresolved.
  std::string cpu;    ///< LLVM CPU name (`generic` for an Arm architecture) or
                      ///< chip (`sm_90a`).
  std::string triple; ///< LLVM target triple.
  std::string features; ///< LLVM feature string, `+avx2,+fma,...`.

  /// Lanes of the widest vector of f32: 16 (AVX-512 F, DQ and VL), 8 (AVX2 and
  /// FMA), 4 (NEON); 0 for a GPU.
  unsigned f32Lanes = 0;
  /// Registers that hold such a vector.
  unsigned vectorRegisters = 0;

  static llvm::Expected<TargetInfo> parse(llvm::StringRef text);

  bool isResolved() const { return !name.empty(); }
  bool isNVVM() const {
    return kind == TargetKind::NVVM || kind == TargetKind::NVVMEmulation;
  }
  bool isX86() const { return llvm::StringRef(triple).starts_with("x86_64"); }
  bool isAArch64() const {
    return llvm::StringRef(triple).starts_with("aarch64");
  }
  /// True when the target has the feature with this LLVM name, written without
  /// a sign.
  bool hasFeature(llvm::StringRef name) const;
  /// True when 16 lanes multiply pairs of bf16 and add them in f32.
  bool hasBF16Products() const {
    return f32Lanes == 16 && hasFeature("avx512bf16");
  }
  /// The target string that parses to this.
  std::string str() const;
};

} // namespace attn

#endif // ATTN_SUPPORT_TARGETINFO_H
