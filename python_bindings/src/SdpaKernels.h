//===- SdpaKernels.h - Compiled kernels of sdpa -----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One kernel per signature and target, kept for the life of the process.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PYTHON_SDPAKERNELS_H
#define ATTN_PYTHON_SDPAKERNELS_H

#include "SdpaSource.h"

namespace attn::python {

struct SdpaKernel {
  attn_executable *executable = nullptr;
  std::vector<Operand> operands;
};

/// The number of a rule in signatures: equal texts have one.
uint16_t rulesNumber(SdpaRules rules);

/// The kernel for a call, compiled when it is the first of its kind. The GIL is
/// held, and released while compiling. The reference stays good.
const SdpaKernel &findKernel(SdpaSignature signature, const char *target);

} // namespace attn::python

#endif // ATTN_PYTHON_SDPAKERNELS_H
