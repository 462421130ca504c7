//===- BlockReader.cpp - A block as the reference takes it ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockReader.h"

using namespace mlir;
using namespace attn;
using reference::Values;

reference::Dtype attn::referenceType(Dtype type) {
  switch (type) {
  case Dtype::F64:
    return reference::Dtype::F64;
  case Dtype::F16:
    return reference::Dtype::F16;
  case Dtype::BF16:
    return reference::Dtype::BF16;
  default:
    return reference::Dtype::F32;
  }
}

std::vector<double> attn::doublesOf(const Tensor &tensor) {
  std::vector<double> values(tensor.size());
  for (int64_t i = 0; i < tensor.size(); ++i)
    values[i] = tensor.at(i);
  return values;
}

reference::Rope attn::readRope(const Tensor &cosines, bool interleaved) {
  ArrayRef<int64_t> shape = cosines.shape();
  reference::Rope rope;
  rope.half = shape.back();
  rope.batchStride = shape.size() == 3 ? shape[1] * shape[2] : 0;
  rope.interleaved = interleaved;
  return rope;
}

namespace {
class Reader {
public:
  Reader(MhaOp op, FindValue find) : op(op), find(find) {}

  llvm::Expected<ReadBlock> read(const reference::Precision &precision);

private:
  void readProjections();
  const double *keep(Value value) {
    made.kept.push_back(doublesOf(find(value)));
    return made.kept.back().data();
  }

  MhaOp op;
  FindValue find;
  ReadBlock made;
};
} // namespace

/// Rows of Q, K and V, packed or apart; the output weight is the last.
void Reader::readProjections() {
  reference::Block &block = made.block;
  OperandRange weights = op.getWeights(), biases = op.getBiases();
  const auto make = [&](unsigned i) {
    reference::Linear linear;
    linear.weight = keep(weights[i]);
    linear.bias = biases.empty() ? nullptr : keep(biases[i]);
    linear.out = find(weights[i]).shape()[0];
    linear.in = find(weights[i]).shape()[1];
    return linear;
  };
  block.output = make(weights.size() - 1);
  if (!op.getPacked()) {
    block.query = make(0);
    block.key = make(1);
    block.value = make(2);
    return;
  }
  const reference::Linear whole = make(0);
  const int64_t dim = whole.out / (block.queryHeads + 2 * block.keyHeads);
  int64_t row = 0;
  const auto slice = [&](int64_t heads) {
    reference::Linear part = whole;
    part.weight += row * whole.in;
    part.bias = whole.bias ? whole.bias + row : nullptr;
    part.out = heads * dim;
    row += part.out;
    return part;
  };
  block.query = slice(block.queryHeads);
  block.key = slice(block.keyHeads);
  block.value = slice(block.keyHeads);
}

llvm::Expected<ReadBlock> Reader::read(const reference::Precision &precision) {
  const Tensor &x = find(op.getX()), &context = find(op.getKeySource());
  reference::Block &block = made.block;
  block.batch = x.shape()[0];
  block.queries = x.shape()[1];
  block.keys = context.shape()[1];
  block.queryHeads = op.getHeads();
  block.keyHeads = op.getNumKvHeads();
  block.x = Values::exact(doublesOf(x).data(), x.size());
  block.context = Values::exact(doublesOf(context).data(), context.size());
  readProjections();
  if (op.getRopeCos()) {
    block.rope = readRope(find(op.getRopeCos()), op.getRopeInterleaved());
    block.rope.cosines = keep(op.getRopeCos());
    block.rope.sines = keep(op.getRopeSin());
  }
  if (op.getNormQ()) {
    block.queryGamma = keep(op.getNormQ());
    block.keyGamma = keep(op.getNormK());
    block.eps = op.getNormEpsilon()->convertToDouble();
  }
  block.attention.precision = precision;
  block.attention.shape = {block.batch,
                           block.queryHeads,
                           block.keyHeads,
                           block.queries,
                           block.keys,
                           block.query.out / block.queryHeads,
                           block.value.out / block.keyHeads};
  if (llvm::Error failed = addRules(op, find, block.attention, made.escaped))
    return std::move(failed);
  return std::move(made);
}

llvm::Expected<ReadBlock>
attn::readBlock(MhaOp op, FindValue find,
                const reference::Precision &precision) {
  return Reader(op, find).read(precision);
}
