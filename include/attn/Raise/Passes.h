//===- Passes.h - The room Raise --------------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention in graphs that have never heard of it becomes attn.sdpa.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RAISE_PASSES_H
#define ATTN_RAISE_PASSES_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "attn/Raise/Passes.h.inc"

/// The room as a part of a whole way: what it found is told as remarks alone.
/// Unless it `raises`, TOSA becomes linalg and nothing else changes.
void buildRaisePipeline(mlir::OpPassManager &pm, bool raises);

} // namespace attn

#endif // ATTN_RAISE_PASSES_H
