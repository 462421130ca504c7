//===- AttentionOperands.cpp - What the code of one task needs ------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads attn.online_sdpa and attn.finalize: types, slices, blocks of keys.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;

/// The buffer and the first coordinates of a task's slice.
LogicalResult AttentionKernel::readSlice(OperandSlice &slice, Value view,
                                         AffineMap layout, int64_t boxRows) {
  slice.layout = layout;
  slice.buffer = view;
  slice.batch = slice.head = slice.row = index(0);
  if (auto subview = view.getDefiningOp<memref::SubViewOp>();
      subview && subview->getParentOp() == op->getParentOp()) {
    if (!subview.hasUnitStride() || subview.getSourceType().getRank() != 4)
      return op.emitOpError("expects slices without strides, but got ")
             << subview.getType();
    slice.buffer = subview.getSource();
    SmallVector<OpFoldResult> offsets = subview.getMixedOffsets();
    auto at = [&](unsigned dim) -> Value {
      OpFoldResult offset = offsets[getLayoutPosition(layout, dim)];
      if (std::optional<int64_t> constant = getConstantIntValue(offset))
        return index(*constant);
      return outline.get(cast<Value>(offset));
    };
    if (getConstantIntValue(offsets[getLayoutPosition(layout, 3)]) != 0)
      return op.emitOpError("expects slices of whole heads");
    slice.batch = at(0);
    slice.head = at(1);
    slice.row = at(2);
    if (!slice.batch || !slice.head || !slice.row)
      return failure();
  }
  slice.map = outline.tensorMap(slice.buffer, layout, boxRows);
  return success(bool(slice.map));
}

LogicalResult AttentionKernel::readTypes() {
  auto type = cast<MemRefType>(op.getQuery().getType());
  element = type.getElementType();
  keyBlock = plan.getKeyBlock();
  headDim = getLogicalDim(type, op.getLayout(0), 3);
  valueDim = getLogicalDim(cast<MemRefType>(op.getValue().getType()),
                           op.getLayout(2), 3);
  for (int64_t size : {headDim, valueDim})
    if (ShapedType::isDynamic(size) || size % 8 != 0 || size > 256)
      return op.emitOpError("expects head sizes that are static multiples of 8 "
                            "up to 256 in the nvvm room");
  if (keyBlock % 16 != 0 || keyBlock > 256 ||
      plan.getQueryGroup() != 64 * plan.getWarpgroups() ||
      plan.getWarpgroups() > 3)
    return op.emitOpError("expects a plan with key_block a multiple of 16 up "
                          "to 256, at most 3 warpgroups and query_group = 64 * "
                          "warpgroups, but got ")
           << plan;
  if (!element.isF16() && !element.isBF16())
    return op.emitOpError("expects f16 or bf16 in the nvvm room, but got ")
           << element;
  // Turns keep the warps of a consumer together from task to task.
  if (sharesBlocks() && plan.getWarpgroups() < 2)
    return op.emitOpError("expects a plan with at least 2 warpgroups where "
                          "blocks have several tasks, but got ")
           << plan;
  MLIRContext *context = b.getContext();
  scoreType = frag::AccType::get(context, 64, keyBlock, b.getF32Type());
  outputType = frag::AccType::get(context, 64, outputColumns(), b.getF32Type());
  rowsType = frag::RowsType::get(context, 64, b.getF32Type());
  weightType = frag::AType::get(context, 64, keyBlock, element);
  return success();
}

LogicalResult AttentionKernel::readOperands() {
  Value out = finalize.getInits()[0];
  return success(
      succeeded(readSlice(query, op.getQuery(), op.getLayout(0), 64)) &&
      succeeded(readSlice(key, op.getKey(), op.getLayout(1), keyBlock)) &&
      succeeded(readSlice(value, op.getValue(), op.getLayout(2), keyBlock)) &&
      succeeded(readSlice(output, out, finalize.getLayout(), 64)));
}

/// The blocks of keys of this task; the key grid is anchored at key 0.
LogicalResult AttentionKernel::makeKeyBlocks() {
  Value lo = outline.get(op.getLo()), hi = outline.get(op.getHi());
  Value fullLo = outline.get(op.getFullLo());
  Value fullHi = outline.get(op.getFullHi());
  if (!lo || !hi || !fullLo || !fullHi)
    return failure();
  blocks.lo = lo;
  blocks.hi = hi;
  Value size = index(keyBlock);
  auto floorBlock = [&](Value keys) -> Value {
    return arith::DivUIOp::create(b, keys, size);
  };
  auto ceilBlock = [&](Value keys) -> Value {
    return floorBlock(arith::AddIOp::create(b, keys, index(keyBlock - 1)));
  };
  Value first = floorBlock(lo);
  // At least one block, or the ring's phases would not match: a block without
  // a kept key leaves maximum -inf and sum 0.
  Value next = arith::AddIOp::create(b, first, index(1));
  blocks.last = arith::MaxSIOp::create(b, ceilBlock(hi), next);
  Value count = arith::SubIOp::create(b, blocks.last, first);
  auto iterationOf = [&](Value block, Value least) -> Value {
    Value it = arith::SubIOp::create(b, blocks.last, block);
    return arith::MinSIOp::create(b, arith::MaxSIOp::create(b, it, least),
                                  count);
  };
  Value right = iterationOf(floorBlock(fullHi), index(1));
  Value full = iterationOf(ceilBlock(fullLo), right);
  Type narrow = b.getI32Type();
  blocks.count = arith::IndexCastOp::create(b, narrow, count);
  blocks.right = arith::IndexCastOp::create(b, narrow, right);
  blocks.full = arith::IndexCastOp::create(b, narrow, full);
  // Where all keys are kept, only the last block of all may be partial, and
  // that is iteration 0.
  blocks.hasRight = op.getHi() != op.getFullHi();
  blocks.hasLeft =
      !matchPattern(op.getLo(), m_Zero()) ||
      (op.getFullLo() != op.getLo() && !matchPattern(op.getFullLo(), m_Zero()));
  return success();
}
