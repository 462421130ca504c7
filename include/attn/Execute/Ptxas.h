//===- Ptxas.h - From PTX text to machine code ------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs NVIDIA's assembler as a child process and reads what it says. It decides
// on registers after everything that we can check ourselves, so a kernel ships
// only when its report is clean.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_PTXAS_H
#define ATTN_EXECUTE_PTXAS_H

#include "attn/Execute/Ptx.h"
#include "llvm/ADT/ArrayRef.h"

#include <vector>

namespace attn {

/// What ptxas says of one kernel. Sizes in bytes; registers per thread.
struct KernelResources {
  std::string name;
  unsigned registers = 0, barriers = 0;
  unsigned stackBytes = 0, spillStoreBytes = 0, spillLoadBytes = 0;
  unsigned sharedBytes = 0; ///< static; dynamic shared memory is the launch's
};

struct PtxasReport {
  std::vector<KernelResources> kernels;
  /// Messages that say that the kernel is slower than its PTX: wgmma made
  /// serial, waits inserted, setmaxnreg ignored (`C7510 ...`).
  std::vector<std::string> slowdowns;

  const KernelResources *find(llvm::StringRef kernel) const;
};

struct Cubin {
  std::string bytes;
  PtxasReport report;
};

/// Reads the output of `ptxas -v`.
PtxasReport parsePtxasOutput(llvm::StringRef output);

/// Assembles `ptx` for its chip with the program at `ptxas`. Does not judge the
/// report.
llvm::Expected<Cubin> assemble(const Ptx &ptx, llvm::StringRef ptxas);

} // namespace attn

#endif // ATTN_EXECUTE_PTXAS_H
