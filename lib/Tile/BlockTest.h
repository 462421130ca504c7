//===- BlockTest.h - The test that a task asks of each key block *- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_TILE_BLOCKTEST_H
#define ATTN_LIB_TILE_BLOCKTEST_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace attn {

/// Queries [m0, m1) of one task; `batch`, `heads`, `queries` and `keys` are the
/// sizes of the whole problem, defined before the loop.
struct Task {
  mlir::scf::ForallOp loop;
  mlir::Value m0, m1;
  mlir::OpFoldResult batch, heads;
  mlir::Value queries, keys;
};

/// What a block test needs: its region, over the op's captures and then
/// `values` read at `maps`. The region is empty where there is nothing to test.
struct BlockTest {
  mlir::Region region;
  llvm::SmallVector<mlir::Value> values;
  llvm::SmallVector<mlir::AffineMap> maps;
};

/// Emits the bounds of what the mask captures: of what depends on keys for all
/// blocks before the loop, of what depends on queries in the task, where the
/// builder is.
void buildBlockTest(mlir::OpBuilder &builder, SdpaOp tile, const Task &task,
                    BlockTest &test);

} // namespace attn

#endif // ATTN_LIB_TILE_BLOCKTEST_H
