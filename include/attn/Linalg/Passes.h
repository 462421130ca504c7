//===- Passes.h - The Linalg room from outside ------------------*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LINALG_PASSES_H
#define ATTN_LINALG_PASSES_H

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace attn {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "attn/Linalg/Passes.h.inc"

/// Adds what the Linalg room does: the ops whose plan says so and those that
/// every plan leaves to it, or `all` ops (`--target=linalg`).
void buildLinalgPipeline(mlir::OpPassManager &pm, bool all = false);

} // namespace attn

#endif // ATTN_LINALG_PASSES_H
