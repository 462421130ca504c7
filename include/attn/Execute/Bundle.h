//===- Bundle.h - What ships to a machine with a GPU ------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels as machine code and PTX, and the manifest that says how to launch
// them, in one file. attn_mlir.cuda reads it; the format is in docs/gpu.md.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_BUNDLE_H
#define ATTN_EXECUTE_BUNDLE_H

#include "attn/Execute/GpuCode.h"

#include <string>

namespace attn {

/// Writes the bytes of the bundle of a compiled entry.
llvm::Expected<std::string> makeBundle(const GpuCode &code);

} // namespace attn

#endif // ATTN_EXECUTE_BUNDLE_H
