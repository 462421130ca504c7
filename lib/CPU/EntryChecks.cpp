//===- EntryChecks.cpp - What an entry expects of its arguments' sizes ----===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types say static sizes only. That two arguments have the same batch, or that
// there are as many values as keys, follows from the ops that use them: this
// reads it off the entry while it is on tensors. An expectation on something
// that is not the size of an argument is not checked.
//
//===----------------------------------------------------------------------===//

#include "lib/CPU/Entry.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <set>

using namespace mlir;
using namespace attn;

namespace {

class Collector {
public:
  explicit Collector(func::FuncOp entry) : entry(entry) {}
  SmallVector<SizeCheck> run();

private:
  using Size = std::optional<ArgumentSize>;
  Size resolve(Value tensor, int64_t dim);
  Size resolve(OpFoldResult size);
  Size loopBound(Value index);
  void expect(Size size, Size reference, bool exactly);
  void visit(linalg::LinalgOp op);
  void visit(OnlineSdpaOp op);
  void visitSlice(Value operand);

  func::FuncOp entry;
  std::set<SizeCheck> checks;
};

} // namespace

/// The size of an argument that dimension `dim` of `tensor` has.
std::optional<ArgumentSize> Collector::resolve(Value tensor, int64_t dim) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type)
    return std::nullopt;
  if (!type.isDynamicDim(dim))
    return ArgumentSize{-1, type.getDimSize(dim)};
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (parent == entry)
      return ArgumentSize{argument.getArgNumber(), dim};
    if (auto loop = dyn_cast<LoopLikeOpInterface>(parent))
      if (OpOperand *init = loop.getTiedLoopInit(argument))
        return resolve(init->get(), dim);
    return std::nullopt;
  }
  Operation *op = tensor.getDefiningOp();
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return resolve(empty.getMixedSizes()[dim]);
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return resolve(cast.getSource(), dim);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return resolve(expand.getMixedOutputShape()[dim]);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    ReassociationIndices group = collapse.getReassociationIndices()[dim];
    return group.size() == 1 ? resolve(collapse.getSrc(), group[0])
                             : std::nullopt;
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return slice.getDroppedDims().none() ? resolve(slice.getMixedSizes()[dim])
                                         : std::nullopt;
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return resolve(destination.getTiedOpOperand(cast<OpResult>(tensor))->get(),
                   dim);
  if (auto loop = dyn_cast<LoopLikeOpInterface>(op))
    if (OpOperand *init = loop.getTiedLoopInit(cast<OpResult>(tensor)))
      return resolve(init->get(), dim);
  return std::nullopt;
}

std::optional<ArgumentSize> Collector::resolve(OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return ArgumentSize{-1, *constant};
  auto dim = cast<Value>(size).getDefiningOp<tensor::DimOp>();
  if (!dim || !dim.getConstantIndex())
    return std::nullopt;
  return resolve(dim.getSource(), *dim.getConstantIndex());
}

/// Where the parallel loop with this index ends; a loop over one index is gone
/// and has left the index as a constant.
std::optional<ArgumentSize> Collector::loopBound(Value index) {
  if (std::optional<int64_t> only = getConstantIntValue(index))
    return ArgumentSize{-1, *only + 1};
  auto argument = dyn_cast<BlockArgument>(index);
  auto loop = argument
                  ? dyn_cast<scf::ForallOp>(argument.getOwner()->getParentOp())
                  : scf::ForallOp();
  if (!loop || argument.getArgNumber() >= loop.getRank())
    return std::nullopt;
  return resolve(loop.getMixedUpperBound()[argument.getArgNumber()]);
}

/// `size` has to be `reference`, or at least that.
void Collector::expect(Size size, Size reference, bool exactly) {
  if (!size || !reference || *size == *reference)
    return;
  if (size->isConstant()) {
    if (!exactly || reference->isConstant())
      return;
    std::swap(size, reference);
  }
  // The later argument is to blame.
  if (exactly && *size < *reference)
    std::swap(size, reference);
  checks.insert({*size, *reference, exactly});
}

/// All operands that a loop runs over have its length.
void Collector::visit(linalg::LinalgOp op) {
  SmallVector<Size> lengths(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [d, result] : llvm::enumerate(map.getResults())) {
      auto loop = dyn_cast<AffineDimExpr>(result);
      if (!loop)
        continue;
      Size size = resolve(operand.get(), d),
           &length = lengths[loop.getPosition()];
      expect(size, length, /*exactly=*/true);
      if (!length)
        length = size;
    }
  }
}

/// A slice at a parallel loop's index covers its source; a slice from 0 on with
/// a size taken from elsewhere is all of it.
void Collector::visitSlice(Value operand) {
  auto slice = operand.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice)
    return;
  for (auto [d, offset] : llvm::enumerate(slice.getMixedOffsets())) {
    Size size = resolve(slice.getSource(), d);
    if (auto index = dyn_cast<Value>(offset))
      expect(size, loopBound(index), /*exactly=*/true);
    else if (isConstantIntValue(offset, 0))
      expect(size, resolve(slice.getMixedSizes()[d]), /*exactly=*/true);
  }
}

void Collector::visit(OnlineSdpaOp op) {
  visitSlice(op.getQuery());
  visitSlice(op.getKey());
  visitSlice(op.getValue());
  Size reach[] = {loopBound(op.getBatch()), loopBound(op.getHead()),
                  resolve(op.getNumQueries()), resolve(op.getNumKeys())};
  for (auto [capture, map] :
       llvm::zip(op.getCaptures(), op.getCaptureMapValues()))
    for (auto [d, result] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(result))
        if (isa<RankedTensorType>(capture.getType()))
          expect(resolve(capture, d), reach[dim.getPosition()],
                 /*exactly=*/false);
}

SmallVector<SizeCheck> Collector::run() {
  entry.walk([&](Operation *op) {
    if (auto linalg = dyn_cast<linalg::LinalgOp>(op))
      visit(linalg);
    else if (auto sdpa = dyn_cast<OnlineSdpaOp>(op))
      visit(sdpa);
  });
  return SmallVector<SizeCheck>(checks.begin(), checks.end());
}

SmallVector<SizeCheck> attn::collectSizeChecks(func::FuncOp entry) {
  return Collector(entry).run();
}
