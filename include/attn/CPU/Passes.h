//===- Passes.h - The passes of the CPU room ------------------------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_CPU_PASSES_H
#define ATTN_CPU_PASSES_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "attn/CPU/Passes.h.inc"
} // namespace attn

#endif // ATTN_CPU_PASSES_H
