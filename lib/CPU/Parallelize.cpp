//===- Parallelize.cpp - Big linalg ops on all threads --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What stands between the attention and the products (norms, activations,
// residuals, softmax rows) is cut along its outer parallel dimensions. The
// innermost dimensions stay whole as long as a task is small, so that loops
// remain long and a row is never cut.
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"

namespace attn {
#define GEN_PASS_DEF_CPUPARALLELIZEPASS
#include "attn/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// Elements that one task works on: some microseconds, against a tenth of one
/// for handing it out.
constexpr int64_t kTaskSize = 16384;
/// What an unknown size counts for.
constexpr int64_t kUnknownSize = 256;

/// Tile sizes, 0 where a loop stays whole; nothing when the op is too small or
/// cannot be cut.
SmallVector<int64_t> chooseTiles(linalg::LinalgOp op) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  SmallVector<int64_t> tiles(sizes.size(), 0);
  int64_t task = 1;
  bool cut = false;
  for (int d = sizes.size() - 1; d >= 0; --d) {
    bool dynamic = ShapedType::isDynamic(sizes[d]);
    int64_t size = dynamic ? kUnknownSize : sizes[d];
    if (iterators[d] == utils::IteratorType::reduction) {
      task *= std::max<int64_t>(size, 1);
      continue;
    }
    if (!dynamic && task * size <= kTaskSize) {
      task *= std::max<int64_t>(size, 1);
      continue;
    }
    tiles[d] = std::max<int64_t>(llvm::divideCeil(kTaskSize, task), 1);
    task *= tiles[d];
    cut = true;
  }
  return cut ? tiles : SmallVector<int64_t>();
}

LogicalResult parallelize(linalg::LinalgOp op) {
  SmallVector<int64_t> tiles = chooseTiles(op);
  if (tiles.empty())
    return success();
  IRRewriter rewriter(op);
  scf::SCFTilingOptions options;
  options.setLoopType(scf::SCFTilingOptions::LoopType::ForallOp);
  options.setTileSizes(getAsIndexOpFoldResult(rewriter.getContext(), tiles));
  auto tileable = cast<TilingInterface>(op.getOperation());
  FailureOr<scf::SCFTilingResult> result =
      scf::tileUsingSCF(rewriter, tileable, options);
  if (failed(result))
    return op.emitOpError("could not be cut into parallel tasks");
  rewriter.eraseOp(op);
  return success();
}

struct CPUParallelizePass final
    : attn::impl::CPUParallelizePassBase<CPUParallelizePass> {
  void runOnOperation() override {
    // A copy is one more op to cut; memref.copy of a strided view would call a
    // library.
    SmallVector<memref::CopyOp> copies;
    getOperation()->walk([&](memref::CopyOp copy) { copies.push_back(copy); });
    for (memref::CopyOp copy : copies) {
      OpBuilder b(copy);
      linalg::CopyOp::create(b, copy.getLoc(), copy.getSource(),
                             copy.getTarget());
      copy.erase();
    }
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (op.hasPureBufferSemantics() && !op->getParentOfType<scf::ForallOp>())
        ops.push_back(op);
    });
    for (linalg::LinalgOp op : ops)
      if (failed(parallelize(op)))
        return signalPassFailure();
  }
};

} // namespace
