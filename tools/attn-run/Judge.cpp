//===- Judge.cpp - One attn op against the reference ----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Judge.h"

#include "BlockReader.h"
#include "attn/Reference/Merge.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;
using reference::Values;

namespace {

/// A tensor of heads in the order [B, H, S, D], whatever its layout in memory.
struct Heads {
  std::vector<double> values;
  int64_t batch, heads, rows, length;

  /// Of a tensor [P, ...] of parts the one numbered `part`.
  Heads(const Tensor &tensor, AffineMap layout, int64_t part = 0) {
    ArrayRef<int64_t> shape = ArrayRef(tensor.shape()).take_back(4);
    int64_t sizes[4], strides[4], stride = 1;
    for (unsigned i = 4; i-- > 0;) {
      const unsigned dim = layout.getDimPosition(i);
      sizes[dim] = shape[i];
      strides[dim] = stride;
      stride *= shape[i];
    }
    const int64_t first = part * stride;
    batch = sizes[0], heads = sizes[1], rows = sizes[2], length = sizes[3];
    values.reserve(stride);
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t s = 0; s < rows; ++s)
          for (int64_t d = 0; d < length; ++d)
            values.push_back(tensor.at(first + b * strides[0] + h * strides[1] +
                                       s * strides[2] + d * strides[3]));
  }
  reference::View view() const {
    return reference::View::headMajor(values.data(), heads, rows, length);
  }
};

class OpJudge {
public:
  OpJudge(StringRef name, FindValue find,
          ArrayRef<reference::Dtype> narrowWeights,
          std::vector<Judgement> &judged)
      : name(name), find(find), narrowWeights(narrowWeights), judged(judged) {}

  llvm::Error judge(SdpaOp op);
  llvm::Error judge(MhaOp op);
  llvm::Error judge(MergeOp op);
  llvm::Error judge(GatherPagesOp op);
  llvm::Error judge(RopeOp op);
  llvm::Error judge(QkNormOp op);
  llvm::Error judgeMove(Value heads, Value rows, Value result);

private:
  void add(StringRef result, ArrayRef<int64_t> shape,
           const reference::Worst &worst) {
    judged.push_back(
        {name.str(), result.str(), SmallVector<int64_t>(shape), worst});
  }
  void compare(StringRef result, Value value, const Values &expected,
               ArrayRef<double> found, reference::Dtype type);
  void compareLses(Value value, const Values &expected, reference::Dtype type);
  /// What attention on inputs of `type` computes in.
  reference::Precision precisionOf(reference::Dtype type) const {
    reference::Precision precision = reference::Precision::forInputs(type);
    if (llvm::is_contained(narrowWeights, type))
      precision.probability = type;
    return precision;
  }
  const double *keepAlive(std::vector<double> values) {
    kept.push_back(std::move(values));
    return kept.back().data();
  }
  const double *read(Value value) { return keepAlive(doublesOf(find(value))); }

  StringRef name;
  FindValue find;
  ArrayRef<reference::Dtype> narrowWeights;
  std::vector<Judgement> &judged;
  std::vector<std::vector<double>> kept;
};

void OpJudge::compare(StringRef result, Value value, const Values &expected,
                      ArrayRef<double> found, reference::Dtype type) {
  reference::Worst worst;
  for (auto [i, number] : llvm::enumerate(found))
    worst.see(i, expected.value[i], number, expected.error[i], type);
  add(result, find(value).shape(), worst);
}

/// An lse of -inf is found as such, never as NaN.
void OpJudge::compareLses(Value value, const Values &expected,
                          reference::Dtype type) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  reference::Worst worst;
  for (auto [i, found] : llvm::enumerate(doublesOf(find(value)))) {
    if (expected.value[i] == -infinity)
      worst.take(i, -infinity, found, 0.0, found == -infinity ? 0.0 : infinity);
    else
      worst.see(i, expected.value[i], found, expected.error[i], type);
  }
  add("lse", find(value).shape(), worst);
}

llvm::Error checkEscaped(bool escaped) {
  if (escaped)
    return llvm::createStringError("a capture is read outside its tensor");
  return llvm::Error::success();
}

llvm::Error OpJudge::judge(SdpaOp op) {
  if (!op.getOffsets().empty())
    return llvm::createStringError("it is a tile of a larger attention");
  const Heads q(find(op.getQuery()), op.getQueryLayout());
  const Heads k(find(op.getKey()), op.getKeyLayout());
  const Heads v(find(op.getValue()), op.getValueLayout());
  const Heads output(find(op.getOutput()), op.getOutputLayout());
  reference::Problem problem;
  problem.shape = {q.batch, q.heads,  k.heads, q.rows,
                   k.rows,  q.length, v.length};
  problem.query = q.view();
  problem.key = k.view();
  problem.value = v.view();
  problem.precision = precisionOf(referenceType(find(op.getQuery()).type()));
  std::shared_ptr<bool> escaped;
  if (llvm::Error failed = addRules(op, find, problem, escaped))
    return failed;

  reference::Results found;
  found.output = output.values.data();
  if (op.getLse())
    found.lse = read(op.getLse());
  if (op.getWeights())
    found.weights = read(op.getWeights());
  const reference::Verdict verdict =
      reference::compareAttention(problem, found);
  add("output", {q.batch, q.heads, q.rows, v.length}, verdict.output);
  if (op.getLse())
    add("lse", {q.batch, q.heads, q.rows}, verdict.lse);
  if (op.getWeights())
    add("weights", {q.batch, q.heads, q.rows, k.rows}, verdict.weights);
  return checkEscaped(*escaped);
}

llvm::Error OpJudge::judge(MhaOp op) {
  const reference::Dtype type = referenceType(find(op.getX()).type());
  llvm::Expected<ReadBlock> read = readBlock(op, find, precisionOf(type));
  if (!read)
    return read.takeError();
  const bool wantsWeights = static_cast<bool>(op.getProbabilities());
  const reference::BlockResult expected =
      reference::attendBlock(read->block, wantsWeights);
  compare("output", op.getOutput(), expected.output,
          doublesOf(find(op.getOutput())), type);
  if (wantsWeights)
    compare("weights", op.getProbabilities(), expected.weights,
            doublesOf(find(op.getProbabilities())),
            read->block.attention.precision.weights);
  return checkEscaped(*read->escaped);
}

llvm::Error OpJudge::judge(MergeOp op) {
  const Tensor &lses = find(op.getPartLses()), &all = find(op.getParts());
  // Parts in the order [P, B, H, M, Dv]: each is a tensor of heads.
  const int64_t count = lses.shape()[0];
  std::vector<double> outputs;
  const Heads output(find(op.getOutput()), op.getOutputLayout());
  const int64_t rows = output.batch * output.heads * output.rows;
  for (int64_t p = 0; p < count; ++p) {
    const Heads part(all, op.getPartLayout(), p);
    outputs.insert(outputs.end(), part.values.begin(), part.values.end());
  }
  const std::vector<double> sinks =
      op.getSinks() ? doublesOf(find(op.getSinks())) : std::vector<double>();
  reference::RowParts parts;
  parts.stride = rows * output.length;
  parts.valueDim = output.length;
  parts.precision = reference::Precision::forInputs(
      referenceType(find(op.getOutput()).type()));
  parts.lses.resize(count);
  Values expected, expectedLse;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t p = 0; p < count; ++p)
      parts.lses[p] = lses.at(p * rows + r);
    parts.outputs = outputs.data() + r * output.length;
    if (!sinks.empty())
      parts.sink = sinks[(r / output.rows) % output.heads];
    reference::Row row;
    reference::mergeRow(parts, row);
    for (auto [d, number] : llvm::enumerate(row.output)) {
      const double found = output.values[r * output.length + d];
      if (row.overflow || (row.infinite && std::isnan(found)))
        number = found;
    }
    llvm::append_range(expected.value, row.output);
    llvm::append_range(expected.error, row.outputBound);
    expectedLse.value.push_back(row.lse);
    expectedLse.error.push_back(row.lseBound);
  }
  const reference::Dtype accumulator = referenceType(lses.type());
  compare("output", op.getOutput(), expected, output.values,
          parts.precision.output);
  if (op.getLse())
    compareLses(op.getLse(), expectedLse, accumulator);
  return llvm::Error::success();
}

/// Moves elements and changes none.
// gather_pages_s1
llvm::Error OpJudge::judge(GatherPagesOp op) {
  const Heads pool(find(op.getPool()), op.getPoolLayout());
  const Heads found(find(op.getResult()), op.getResultLayout());
  const std::vector<double> table = doublesOf(find(op.getTable())),
                            lens = doublesOf(find(op.getLens()));
  const int64_t each = find(op.getTable()).shape()[1];
  Values expected;
  expected.value.assign(found.values.size(), 0.0);
  expected.error.assign(found.values.size(), 0.0);
  size_t at = 0;
  for (int64_t b = 0; b < found.batch; ++b)
    for (int64_t h = 0; h < found.heads; ++h)
      for (int64_t n = 0; n < found.rows; ++n)
        for (int64_t d = 0; d < found.length; ++d, ++at) {
          if (static_cast<double>(n) >= lens[b])
            continue;
          const auto page =
              static_cast<int64_t>(table[b * each + n / pool.rows]);
          if (page < 0 || page >= pool.batch)
            return llvm::createStringError("a page is not in the pool");
          expected.value[at] = pool.view().row(page, h, n % pool.rows)[d];
        }
  compare("result", op.getResult(), expected, found.values,
          referenceType(find(op.getPool()).type()));
  return llvm::Error::success();
}

llvm::Error OpJudge::judge(RopeOp op) {
  const Heads x(find(op.getX()), op.getLayout());
  const Heads found(find(op.getResult()), op.getLayout());
  const reference::Dtype type = referenceType(find(op.getX()).type());
  reference::Rope rope = readRope(find(op.getCos()), op.getInterleaved());
  rope.cosines = read(op.getCos());
  rope.sines = read(op.getSin());
  Values expected = Values::exact(x.values.data(), x.values.size());
  reference::rotate(expected, {x.batch, x.heads, x.rows, x.length, false}, rope,
                    reference::Precision::forInputs(type));
  compare("result", op.getResult(), expected, found.values, type);
  return llvm::Error::success();
}

llvm::Error OpJudge::judge(QkNormOp op) {
  const Tensor &x = find(op.getX());
  const reference::Dtype type = referenceType(x.type());
  Values expected = Values::exact(doublesOf(x).data(), x.size());
  reference::normalize(expected, x.shape().back(), read(op.getGamma()),
                       op.getEpsilon().convertToDouble(),
                       reference::Precision::forInputs(type));
  compare("result", op.getResult(), expected, doublesOf(find(op.getResult())),
          type);
  return llvm::Error::success();
}

/// split_heads and merge_heads move elements and change none.
llvm::Error OpJudge::judgeMove(Value heads, Value rows, Value result) {
  const Tensor &h = find(heads), &r = find(rows);
  const int64_t batch = h.shape()[0], count = h.shape()[1],
                length = h.shape()[2], dim = h.shape()[3];
  const reference::HeadLayout inHeads = {batch, count, length, dim, false};
  const reference::HeadLayout inRows = {batch, count, length, dim, true};
  reference::Worst worst;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t head = 0; head < count; ++head)
      for (int64_t s = 0; s < length; ++s)
        for (int64_t d = 0; d < dim; ++d) {
          const int64_t there = inHeads.offset(b, head, s) + d;
          const int64_t here = inRows.offset(b, head, s) + d;
          const bool isHeads = result == heads;
          worst.see(isHeads ? there : here, isHeads ? r.at(here) : h.at(there),
                    isHeads ? h.at(there) : r.at(here), 0.0,
                    referenceType(h.type()));
        }
  add("result", find(result).shape(), worst);
  return llvm::Error::success();
}

} // namespace

llvm::Error attn::judgeOp(Operation *op, StringRef name, FindValue find,
                          ArrayRef<reference::Dtype> narrowWeights,
                          std::vector<Judgement> &judged) {
  OpJudge judge(name, find, narrowWeights, judged);
  return llvm::TypeSwitch<Operation *, llvm::Error>(op)
      .Case<SdpaOp, MhaOp, MergeOp, GatherPagesOp, RopeOp, QkNormOp>(
          [&](auto attnOp) { return judge.judge(attnOp); })
      .Case([&](SplitHeadsOp split) {
        return judge.judgeMove(split.getResult(), split.getX(),
                               split.getResult());
      })
      .Case([&](MergeHeadsOp merge) {
        return judge.judgeMove(merge.getX(), merge.getResult(),
                               merge.getResult());
      })
      .Default([](Operation *) {
        return llvm::createStringError("it has no reference");
      });
}
