//===- Flops.cpp - How much work a call is --------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes that the types leave open are followed back to the arguments.
//
//===----------------------------------------------------------------------===//

#include "Flops.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include <algorithm>

using namespace mlir;

namespace attn {
namespace {

using Size = std::optional<int64_t>;

/// Knows the sizes of tensors and the values of indices inside an entry.
class Sizes {
public:
  Sizes(func::FuncOp entry, ArrayRef<Tensor> inputs)
      : entry(entry), inputs(inputs) {}

  Size dim(Value tensor, int64_t i);
  Size index(Value value);

private:
  Size dimOfArgument(BlockArgument argument, int64_t i);
  Size dimOfReshape(Operation *op, Value result, int64_t i);
  Size indexOf(OpFoldResult value);
  Size arithmetic(Operation *op);

  func::FuncOp entry;
  ArrayRef<Tensor> inputs;
};

Size multiply(Size a, Size b) { return a && b ? Size(*a * *b) : std::nullopt; }

Size Sizes::dimOfArgument(BlockArgument argument, int64_t i) {
  if (argument.getOwner() != &entry.getBody().front())
    return std::nullopt;
  return inputs[argument.getArgNumber()].shape()[i];
}

Size Sizes::dimOfReshape(Operation *op, Value result, int64_t i) {
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return indexOf(expand.getMixedOutputShape()[i]);
  auto collapse = cast<tensor::CollapseShapeOp>(op);
  Size product = 1;
  for (int64_t source : collapse.getReassociationIndices()[i])
    product = multiply(product, dim(collapse.getSrc(), source));
  return product;
}

Size Sizes::dim(Value tensor, int64_t i) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(i))
    return type.getDimSize(i);
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return dimOfArgument(argument, i);
  Operation *op = tensor.getDefiningOp();
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return dim(cast.getSource(), i);
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    return dimOfReshape(op, tensor, i);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return indexOf(empty.getMixedSizes()[i]);
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return dim(destination.getTiedOpOperand(cast<OpResult>(tensor))->get(), i);
  if (isa<RopeOp, QkNormOp>(op))
    return dim(op->getOperand(0), i);
  if (auto sdpa = dyn_cast<SdpaOp>(op); sdpa && tensor == sdpa.getOutput()) {
    // Only positions and batch can be dynamic here in a way that the query
    // knows: b, h and s.
    for (unsigned logical : {0u, 1u, 2u})
      if (getLayoutPosition(sdpa.getOutputLayout(), logical) == i)
        return dim(sdpa.getQuery(),
                   getLayoutPosition(sdpa.getQueryLayout(), logical));
    return dim(sdpa.getValue(), getLayoutPosition(sdpa.getValueLayout(), 3));
  }
  return std::nullopt;
}

Size Sizes::indexOf(OpFoldResult value) {
  if (auto attribute = dyn_cast<Attribute>(value))
    return cast<IntegerAttr>(attribute).getInt();
  return index(cast<Value>(value));
}

Size Sizes::index(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner() != &entry.getBody().front())
      return std::nullopt;
    return static_cast<int64_t>(inputs[argument.getArgNumber()].at(0));
  }
  Operation *op = value.getDefiningOp();
  if (auto dimOp = dyn_cast<tensor::DimOp>(op)) {
    Size i = index(dimOp.getIndex());
    return i ? dim(dimOp.getSource(), *i) : std::nullopt;
  }
  return arithmetic(op);
}

Size Sizes::arithmetic(Operation *op) {
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands()) {
    Size size =
        operand.getType().isIntOrIndex() ? index(operand) : std::nullopt;
    if (!size)
      return std::nullopt;
    operands.push_back(IntegerAttr::get(operand.getType(), *size));
  }
  SmallVector<OpFoldResult> folded;
  if (!isa<arith::ArithDialect, affine::AffineDialect>(op->getDialect()) ||
      failed(op->fold(operands, folded)) || folded.size() != 1)
    return std::nullopt;
  auto number =
      dyn_cast_if_present<IntegerAttr>(dyn_cast<Attribute>(folded.front()));
  return number ? Size(number.getInt()) : std::nullopt;
}

/// Pairs of query and key that the causal clause keeps; a pair on the diagonal
/// is half a pair, so that a square problem has exactly half of its pairs.
double countPairs(SdpaOp sdpa, Sizes &sizes, int64_t m, int64_t n) {
  std::optional<Causal> causal = sdpa.getCausal();
  if (!causal)
    return static_cast<double>(m) * static_cast<double>(n);
  Size offset = 0;
  if (*causal == Causal::BottomRight)
    offset = n - m;
  else if (*causal == Causal::Offset)
    offset = sizes.index(sdpa.getCausalOffset());
  double pairs = 0;
  for (int64_t row = 0; row < m; ++row)
    pairs += std::clamp(static_cast<double>(row + offset.value_or(0)) + 0.5,
                        0.0, static_cast<double>(n));
  return pairs;
}

std::optional<double> countSdpa(SdpaOp sdpa, Sizes &sizes) {
  auto logical = [&](Value tensor, AffineMap layout, unsigned dim) {
    return sizes.dim(tensor, getLayoutPosition(layout, dim));
  };
  Size b = logical(sdpa.getQuery(), sdpa.getQueryLayout(), 0);
  Size h = logical(sdpa.getQuery(), sdpa.getQueryLayout(), 1);
  Size m = logical(sdpa.getQuery(), sdpa.getQueryLayout(), 2);
  Size n = logical(sdpa.getKey(), sdpa.getKeyLayout(), 2);
  Size d = logical(sdpa.getQuery(), sdpa.getQueryLayout(), 3);
  Size dv = logical(sdpa.getValue(), sdpa.getValueLayout(), 3);
  if (!b || !h || !m || !n || !d || !dv)
    return std::nullopt;
  return 2.0 * static_cast<double>(*b * *h) * static_cast<double>(*d + *dv) *
         countPairs(sdpa, sizes, *m, *n);
}

std::optional<double> countContraction(linalg::LinalgOp op, Sizes &sizes) {
  SmallVector<Size> loops(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands())
    for (auto [i, expr] :
         llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
      if (auto loop = dyn_cast<AffineDimExpr>(expr))
        loops[loop.getPosition()] = sizes.dim(operand.get(), i);
  double count = 2;
  for (Size size : loops) {
    if (!size)
      return std::nullopt;
    count *= static_cast<double>(*size);
  }
  return count;
}

} // namespace

std::optional<double> countFlops(func::FuncOp entry, ArrayRef<Tensor> inputs) {
  Sizes sizes(entry, inputs);
  double total = 0;
  WalkResult result = entry.walk([&](Operation *op) {
    std::optional<double> count = 0;
    if (auto sdpa = dyn_cast<SdpaOp>(op))
      count = countSdpa(sdpa, sizes);
    else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      count = linalg::isaContractionOpInterface(linalgOp)
                  ? countContraction(linalgOp, sizes)
                  : 0;
    else if (isa<func::CallOp>(op))
      count = std::nullopt;
    total += count.value_or(0);
    return count ? WalkResult::advance() : WalkResult::interrupt();
  });
  if (result.wasInterrupted() || total == 0)
    return std::nullopt;
  return total;
}

} // namespace attn
