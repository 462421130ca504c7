//===- Passes.h - The room Tile ---------------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parallel loop over batch, head and query group.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TILE_PASSES_H
#define ATTN_TILE_PASSES_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

namespace attn {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "attn/Tile/Passes.h.inc"

/// The room: one pass today.
void buildTilePipeline(mlir::OpPassManager &pm);

} // namespace attn

#endif // ATTN_TILE_PASSES_H
