//===- BlockWriter.cpp - A block that was matched as attn.mha -------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights, biases and tables in the form that attn.mha wants.
//
//===----------------------------------------------------------------------===//

#include "Block.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <cmath>

using namespace mlir;
using namespace attn;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

namespace {
class BlockWriter {
public:
  BlockWriter(SdpaOp op, const BlockParts &block, const Sizes &sizes,
              const Guard &guard)
      : op(op), block(block), sizes(sizes), guard(guard),
        b(block.root.getLoc(), block.root.getDefiningOp()) {}

  MhaOp write();

private:
  Value asBatch(const Rows &rows, int64_t s);
  Value dropFirstUnits(Value value, unsigned rank);
  Value sliceFirst(Value value, int64_t first, int64_t count, unsigned dim);
  Value weight(const Linear &linear, int64_t rows);
  Value bias(const Linear &linear, int64_t rows);
  Value table(Value value);
  bool isPacked();
  void addBiases(MhaOp mha, ArrayRef<std::pair<Linear, int64_t>> linears);
  void addHeads(MhaOp mha);
  void addRule(MhaOp mha);
  Value largestOf(const HeadsOf &heads, FloatType type);
  void moveGuard();

  SdpaOp op;
  const BlockParts &block;
  const Sizes &sizes;
  const Guard &guard;
  ImplicitLocOpBuilder b;
};
} // namespace

Value BlockWriter::asBatch(const Rows &rows, int64_t s) {
  if (!rows.isFlat)
    return rows.value;
  SmallVector<OpFoldResult> mixed =
      tensor::getMixedSizes(b, b.getLoc(), rows.value);
  if (sizes.b == 1)
    mixed.insert(mixed.begin(), b.getIndexAttr(1));
  else
    mixed = {b.getIndexAttr(sizes.b), b.getIndexAttr(s), mixed[1]};
  RankedTensorType type = typeOf(rows.value);
  return tensor::ExpandShapeOp::create(
      b,
      RankedTensorType::get({sizes.b, s, type.getDimSize(1)},
                            type.getElementType()),
      rows.value, SmallVector<ReassociationIndices>{{0, 1}, {2}}, mixed);
}

/// `value` with `rank` dimensions, all before which are of size 1.
Value BlockWriter::dropFirstUnits(Value value, unsigned rank) {
  unsigned units = typeOf(value).getRank() - rank;
  if (units == 0)
    return value;
  SmallVector<ReassociationIndices> groups(rank);
  for (unsigned i = 0; i < rank + units; ++i)
    groups[i < units ? 0 : i - units].push_back(i);
  return tensor::CollapseShapeOp::create(b, value, groups);
}

/// Elements [first, first + count) of dimension `dim`.
Value BlockWriter::sliceFirst(Value value, int64_t first, int64_t count,
                              unsigned dim) {
  if (typeOf(value).getDimSize(dim) == count)
    return value;
  SmallVector<OpFoldResult> mixed = tensor::getMixedSizes(b, b.getLoc(), value);
  SmallVector<OpFoldResult> offsets(mixed.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(mixed.size(), b.getIndexAttr(1));
  offsets[dim] = b.getIndexAttr(first);
  mixed[dim] = b.getIndexAttr(count);
  return tensor::ExtractSliceOp::create(b, value, offsets, mixed, strides);
}

Value BlockWriter::weight(const Linear &linear, int64_t rows) {
  Value value = dropFirstUnits(linear.weight, 2);
  if (linear.isTransposed) {
    SmallVector<OpFoldResult> mixed =
        tensor::getMixedSizes(b, b.getLoc(), value);
    std::swap(mixed[0], mixed[1]);
    Value init =
        tensor::EmptyOp::create(b, mixed, typeOf(value).getElementType());
    value = linalg::TransposeOp::create(b, value, init, ArrayRef<int64_t>{1, 0})
                ->getResult(0);
  }
  return sliceFirst(value, linear.first, rows, 0);
}

/// That of a projection without one is 0, where another has one.
Value BlockWriter::bias(const Linear &linear, int64_t rows) {
  if (linear.bias)
    return sliceFirst(dropFirstUnits(linear.bias, 1), linear.first, rows, 0);
  auto type =
      RankedTensorType::get({rows}, typeOf(linear.weight).getElementType());
  return arith::ConstantOp::create(b, b.getZeroAttr(type));
}

/// A table as [S, D/2].
Value BlockWriter::table(Value value) {
  return sliceFirst(dropFirstUnits(value, 2), 0, sizes.d / 2, 1);
}

/// True when the rows of one weight are those of Q, K and V.
bool BlockWriter::isPacked() {
  const Linear &q = block.q.linear, &k = block.k.linear, &v = block.v.linear;
  int64_t ofQ = sizes.h * sizes.d, ofK = sizes.hkv * sizes.d;
  auto same = [&](const Linear &other, int64_t first) {
    return other.weight == q.weight && other.bias == q.bias &&
           other.isTransposed == q.isTransposed && other.first == first &&
           other.input.value == q.input.value;
  };
  return q.first == 0 && same(k, ofQ) && same(v, ofQ + ofK) &&
         sizes.d == sizes.dv &&
         typeOf(q.weight).getShape().take_back(2)[q.isTransposed] ==
             ofQ + 2 * ofK;
}

void BlockWriter::addBiases(MhaOp mha,
                            ArrayRef<std::pair<Linear, int64_t>> linears) {
  if (llvm::none_of(linears, [](auto &each) { return each.first.bias; }))
    return;
  SmallVector<Value> biases;
  for (auto [linear, rows] : linears)
    biases.push_back(bias(linear, rows));
  mha.getBiasesMutable().assign(biases);
}

void BlockWriter::addHeads(MhaOp mha) {
  if (sizes.hkv != sizes.h)
    mha.setKvHeads(sizes.hkv);
  if (block.q.turn) {
    mha.getRopeCosMutable().assign(table(block.q.turn->cos));
    mha.getRopeSinMutable().assign(table(block.q.turn->sin));
  }
  if (block.q.norm) {
    mha.getNormQMutable().assign(block.q.norm->gamma);
    mha.getNormKMutable().assign(block.k.norm->gamma);
    mha.setNormEpsilonAttr(b.getF64FloatAttr(block.q.norm->epsilon));
  }
}

/// A bound of the elements of Q or K.
Value BlockWriter::largestOf(const HeadsOf &heads, FloatType type) {
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  };
  auto times = [&](Value x, Value y) -> Value {
    return arith::MulFOp::create(b, x, y);
  };
  const Linear &linear = heads.linear;
  Value largest;
  if (heads.norm) {
    // Elements of a vector of length sqrt(D).
    largest = times(emitLargest(b, heads.norm->gamma, type),
                    number(std::sqrt(double(sizes.d))));
  } else {
    unsigned rank = typeOf(linear.weight).getRank();
    largest =
        times(emitLargest(b, linear.input.value, type),
              emitLargestSum(b, linear.weight,
                             linear.isTransposed ? rank - 2 : rank - 1, type));
    if (linear.bias)
      largest =
          arith::AddFOp::create(b, largest, emitLargest(b, linear.bias, type));
  }
  if (heads.turn) {
    // x cos + y sin.
    Value cos = emitLargest(b, heads.turn->cos, type);
    Value sin = emitLargest(b, heads.turn->sin, type);
    largest = times(largest, arith::AddFOp::create(b, cos, sin));
  }
  return largest;
}

/// Q and K are inside of the block: what it is made of bounds them.
void BlockWriter::moveGuard() {
  if (!guard.isLarge)
    return;
  FloatType type = op.getAccumulatorType();
  // Below the limit by what projections round, also in bf16.
  constexpr double kShare = 0.9;
  Guard moved = emitGuard(b, arith::ConstantIndexOp::create(b, sizes.d),
                          largestOf(block.q, type), largestOf(block.k, type),
                          op.getScale(), kShare * guard.limit);
  Value(guard.isLarge).replaceAllUsesWith(moved.isLarge);
}

/// What Raise says of an attention: scale, captures and the two regions.
void BlockWriter::addRule(MhaOp mha) {
  moveGuard();
  mha.getScaleMutable().assign(op.getScale());
  if (!op.getCaptures().empty()) {
    mha.getCapturesMutable().assign(op.getCaptures());
    mha.setCaptureMapsAttr(op.getCaptureMapsAttr());
  }
  mha.getScore().takeBody(op.getScore());
  mha.getMask().takeBody(op.getMask());
}

MhaOp BlockWriter::write() {
  const Linear &q = block.q.linear, &k = block.k.linear, &v = block.v.linear;
  int64_t ofQ = sizes.h * sizes.d, ofK = sizes.hkv * sizes.d;
  int64_t ofV = sizes.hkv * sizes.dv,
          ofOut = typeOf(block.root).getShape().back();
  SmallVector<std::pair<Linear, int64_t>> linears{
      {q, ofQ}, {k, ofK}, {v, ofV}, {block.out, ofOut}};
  bool packed = isPacked();
  if (packed)
    linears = {{q, ofQ + 2 * ofK}, {block.out, ofOut}};
  SmallVector<Value> weights;
  for (auto [linear, rows] : linears)
    weights.push_back(weight(linear, rows));
  Value x = asBatch(q.input, sizes.m);
  auto mha = MhaOp::create(b, x, weights, sizes.h);
  b.setInsertionPoint(mha);
  mha.setPacked(packed);
  if (k.input.value != q.input.value)
    mha.getSourceMutable().assign(asBatch(k.input, sizes.n));
  addBiases(mha, linears);
  addHeads(mha);
  addRule(mha);
  b.setInsertionPointAfter(mha);
  Value output = mha.getOutput();
  if (block.isFlat) {
    const SmallVector<ReassociationIndices> groups{{0, 1}, {2}};
    output = tensor::CollapseShapeOp::create(b, output, groups);
  }
  if (output.getType() != block.root.getType())
    output = tensor::CastOp::create(b, block.root.getType(), output);
  Value root = block.root;
  root.replaceAllUsesWith(output);
  return mha;
}

MhaOp attn::writeBlock(SdpaOp op, const BlockParts &block, const Sizes &sizes,
                       const Guard &guard) {
  return BlockWriter(op, block, sizes, guard).write();
}
