//===- LaunchViews.cpp - Buffers and views of a host function -------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A view is its root with offset, sizes and strides in the terms of the root.
//
//===----------------------------------------------------------------------===//

#include "lib/Execute/LaunchNumbers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using llvm::Expected;

namespace attn {

llvm::Error LaunchNumbers::addAlloc(Operation *op) {
  auto alloc = cast<memref::AllocOp>(op);
  MemRefType type = alloc.getType();
  if (!type.getLayout().isIdentity())
    return launchError(op, "expected a buffer without gaps");
  BufferView view;
  view.isArgument = false;
  view.index = workspace.size();
  view.elementType = type.getElementType();
  unsigned next = 0;
  for (int64_t size : type.getShape()) {
    if (!ShapedType::isDynamic(size)) {
      view.sizes.push_back(size);
      continue;
    }
    Expected<Number> value = number(alloc.getDynamicSizes()[next++]);
    if (!value)
      return value.takeError();
    view.sizes.push_back(std::move(*value));
  }
  Expected<int64_t> each = elementBytes(view.elementType);
  if (!each)
    return each.takeError();
  Number bytes = *each;
  view.strides.assign(view.sizes.size(), Number(1));
  Number stride = 1;
  for (size_t i = view.sizes.size(); i-- > 0;) {
    view.strides[i] = stride;
    stride = combine("mul", stride, view.sizes[i]);
    bytes = combine("mul", bytes, view.sizes[i]);
  }
  workspace.push_back(std::move(bytes));
  views.try_emplace(alloc, std::move(view));
  return llvm::Error::success();
}

Expected<bool> LaunchNumbers::addViewOp(Operation *op) {
  auto numbersOf = [&](ArrayRef<OpFoldResult> values,
                       SmallVectorImpl<Number> &out) -> llvm::Error {
    for (OpFoldResult value : values) {
      Expected<Number> result = number(value);
      if (!result)
        return result.takeError();
      out.push_back(std::move(*result));
    }
    return llvm::Error::success();
  };
  if (isa<memref::AllocOp>(op)) {
    if (llvm::Error error = addAlloc(op))
      return std::move(error);
    return true;
  }
  // A pointer is the view whose first element it points to.
  if (isa<memref::CastOp, memref::MemorySpaceCastOp,
          memref::ExtractAlignedPointerAsIndexOp, arith::IndexCastOp,
          arith::IndexCastUIOp, LLVM::IntToPtrOp, LLVM::AddrSpaceCastOp,
          UnrealizedConversionCastOp>(op)) {
    Expected<const BufferView *> source = view(op->getOperand(0));
    if (!source)
      return source.takeError();
    BufferView copy = **source;
    if (isa<memref::ExtractAlignedPointerAsIndexOp>(op))
      copy.offset = 0;
    views.try_emplace(op->getResult(0), std::move(copy));
    return true;
  }
  if (auto subview = dyn_cast<memref::SubViewOp>(op)) {
    Expected<const BufferView *> source = view(subview.getSource());
    if (!source)
      return source.takeError();
    BufferView result = **source;
    SmallVector<Number, 4> offsets, sizes, strides;
    for (auto [values, out] : {std::pair(subview.getMixedOffsets(), &offsets),
                               std::pair(subview.getMixedSizes(), &sizes),
                               std::pair(subview.getMixedStrides(), &strides)})
      if (llvm::Error error = numbersOf(values, *out))
        return std::move(error);
    result.sizes.clear();
    result.strides.clear();
    llvm::SmallBitVector dropped = subview.getDroppedDims();
    for (size_t i = 0; i < offsets.size(); ++i) {
      const Number &step = (*source)->strides[i];
      result.offset =
          combine("add", result.offset, combine("mul", offsets[i], step));
      if (dropped[i])
        continue;
      result.sizes.push_back(sizes[i]);
      result.strides.push_back(combine("mul", strides[i], step));
    }
    views.try_emplace(subview, std::move(result));
    return true;
  }
  if (auto transpose = dyn_cast<memref::TransposeOp>(op)) {
    Expected<const BufferView *> source = view(transpose.getIn());
    if (!source)
      return source.takeError();
    BufferView result = **source;
    for (auto [i, expr] :
         llvm::enumerate(transpose.getPermutation().getResults())) {
      unsigned dim = cast<AffineDimExpr>(expr).getPosition();
      result.sizes[i] = (*source)->sizes[dim];
      result.strides[i] = (*source)->strides[dim];
    }
    views.try_emplace(transpose, std::move(result));
    return true;
  }
  if (auto parts = dyn_cast<memref::ExtractStridedMetadataOp>(op)) {
    Expected<const BufferView *> source = view(parts.getSource());
    if (!source)
      return source.takeError();
    BufferView all = **source;
    numbers.try_emplace(parts.getOffset(), all.offset);
    for (auto [value, size] : llvm::zip_equal(parts.getSizes(), all.sizes))
      numbers.try_emplace(value, size);
    for (auto [value, stride] :
         llvm::zip_equal(parts.getStrides(), all.strides))
      numbers.try_emplace(value, stride);
    return true;
  }
  if (auto recast = dyn_cast<memref::ReinterpretCastOp>(op)) {
    Expected<const BufferView *> source = view(recast.getSource());
    if (!source)
      return source.takeError();
    BufferView result = **source;
    result.sizes.clear();
    result.strides.clear();
    SmallVector<Number, 1> offset;
    if (llvm::Error error = numbersOf(recast.getMixedOffsets(), offset))
      return std::move(error);
    if (llvm::Error error = numbersOf(recast.getMixedSizes(), result.sizes))
      return std::move(error);
    if (llvm::Error error = numbersOf(recast.getMixedStrides(), result.strides))
      return std::move(error);
    result.offset = offset[0];
    views.try_emplace(recast, std::move(result));
    return true;
  }
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(op)) {
    Expected<const BufferView *> source = view(expand.getSrc());
    if (!source)
      return source.takeError();
    BufferView result = **source;
    result.sizes.clear();
    if (llvm::Error error =
            numbersOf(expand.getMixedOutputShape(), result.sizes))
      return std::move(error);
    result.strides.assign(result.sizes.size(), Number(1));
    for (auto [i, group] : llvm::enumerate(expand.getReassociationIndices())) {
      Number stride = (*source)->strides[i];
      for (int64_t dim : llvm::reverse(group)) {
        result.strides[dim] = stride;
        stride = combine("mul", stride, result.sizes[dim]);
      }
    }
    views.try_emplace(expand, std::move(result));
    return true;
  }
  if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op)) {
    Expected<const BufferView *> source = view(collapse.getSrc());
    if (!source)
      return source.takeError();
    BufferView result = **source;
    result.sizes.clear();
    result.strides.clear();
    for (ArrayRef<int64_t> group : collapse.getReassociationIndices()) {
      Number size = 1;
      for (int64_t dim : group)
        size = combine("mul", size, (*source)->sizes[dim]);
      result.sizes.push_back(std::move(size));
      result.strides.push_back((*source)->strides[group.back()]);
    }
    views.try_emplace(collapse, std::move(result));
    return true;
  }
  return false;
}

} // namespace attn
