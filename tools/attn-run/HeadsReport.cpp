//===- HeadsReport.cpp - What each head of a run was worth ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HeadsReport.h"

#include "BlockReader.h"
#include "Tap.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>
#include <tuple>

using namespace mlir;
using namespace attn;

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

namespace {
/// Sums over the rows of a block.
class HeadSums {
public:
  HeadSums(const reference::Block &block, bool hasContext,
           const reference::BlockResult &result)
      : block(block), result(result), hasContext(hasContext),
        heads(block.queryHeads), look(heads * heads), write(heads * heads) {}

  /// False when there is nothing to report.
  bool run();
  std::vector<HeadLine> lines() const;

private:
  const double *weights(int64_t b, int64_t h, int64_t m) const {
    return result.weights.value.data() +
           ((b * heads + h) * block.queries + m) * block.keys;
  }
  void chooseRows(int64_t b);
  void addSentence(int64_t b);
  void addLooks(int64_t b, int64_t m);
  void addWrites(int64_t b, int64_t m);
  Alike mostAlike(const std::vector<double> &similarities, int64_t h) const;

  const reference::Block &block;
  const reference::BlockResult &result;
  bool hasContext;
  int64_t heads, count = 0;
  std::vector<int64_t> queries, keys; ///< of the batch entry at hand
  std::vector<Sentence> sentences;
  /// Sums of cosines of what pairs look at, and of products of what they write.
  std::vector<double> look, write;
  double squares = 0; ///< of the result
};
} // namespace

/// The keys that some query keeps; the queries that keep one, without padding.
void HeadSums::chooseRows(int64_t b) {
  std::vector<bool> kept(static_cast<size_t>(block.keys)),
      keeps(static_cast<size_t>(block.queries));
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t m = 0; m < block.queries; ++m)
      for (int64_t n = 0; n < block.keys; ++n)
        if (weights(b, h, m)[n] != 0)
          kept[n] = keeps[m] = true;
  queries.clear();
  keys.clear();
  for (int64_t n = 0; n < block.keys; ++n)
    if (kept[n])
      keys.push_back(n);
  for (int64_t m = 0; m < block.queries; ++m)
    if (keeps[m] && (hasContext || kept[m]))
      queries.push_back(m);
}

void HeadSums::addSentence(int64_t b) {
  Sentence sentence;
  sentence.heads = heads;
  sentence.queries = static_cast<int64_t>(queries.size());
  sentence.keys = static_cast<int64_t>(keys.size());
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t m : queries)
      for (int64_t n : keys)
        sentence.weights.push_back(weights(b, h, m)[n]);
  sentences.push_back(std::move(sentence));
}

void HeadSums::addLooks(int64_t b, int64_t m) {
  std::vector<double> length(static_cast<size_t>(heads));
  const auto product = [&](int64_t h, int64_t g) {
    double sum = 0;
    for (int64_t n : keys)
      sum += weights(b, h, m)[n] * weights(b, g, m)[n];
    return sum;
  };
  for (int64_t h = 0; h < heads; ++h)
    length[h] = std::sqrt(product(h, h));
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t g = 0; g < heads; ++g)
      if (length[h] > 0 && length[g] > 0)
        look[h * heads + g] += product(h, g) / (length[h] * length[g]);
}

void HeadSums::addWrites(int64_t b, int64_t m) {
  const reference::Linear &output = block.output;
  const int64_t size = output.in / heads, at = b * block.queries + m;
  const double *row = result.heads.value.data() + at * output.in;
  // What each head writes, [head, Eo].
  std::vector<double> written(static_cast<size_t>(heads * output.out));
  for (int64_t o = 0; o < output.out; ++o) {
    const double *w = output.weight + o * output.in;
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t d = h * size; d < (h + 1) * size; ++d)
        written[h * output.out + o] += row[d] * w[d];
    const double y = result.output.value[at * output.out + o];
    squares += y * y;
  }
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t g = 0; g <= h; ++g) {
      double sum = 0;
      for (int64_t o = 0; o < output.out; ++o)
        sum += written[h * output.out + o] * written[g * output.out + o];
      write[h * heads + g] += sum;
      if (g != h)
        write[g * heads + h] += sum;
    }
}

bool HeadSums::run() {
  for (double p : result.weights.value)
    if (!std::isfinite(p))
      return false;
  for (int64_t b = 0; b < block.batch; ++b) {
    chooseRows(b);
    addSentence(b);
    for (int64_t m : queries) {
      addLooks(b, m);
      addWrites(b, m);
    }
    count += static_cast<int64_t>(queries.size());
  }
  return count > 0;
}

Alike HeadSums::mostAlike(const std::vector<double> &similarities,
                          int64_t h) const {
  Alike most;
  for (int64_t g = 0; g < heads; ++g)
    if (g != h && (most.head < 0 || similarities[g] > most.similarity))
      most = {g, similarities[g]};
  return most;
}

std::vector<HeadLine> HeadSums::lines() const {
  const std::vector<HeadNumbers> numbers = headNumbers(sentences);
  const auto sizeOf = [&](int64_t h) {
    return std::sqrt(std::max(write[h * heads + h], 0.0));
  };
  double total = 0;
  for (int64_t h = 0; h < heads; ++h)
    total += sizeOf(h);
  std::vector<HeadLine> lines;
  for (int64_t h = 0; h < heads; ++h) {
    HeadLine line;
    line.numbers = numbers[h];
    std::vector<double> looks(static_cast<size_t>(heads)), writes = looks;
    for (int64_t g = 0; g < heads; ++g) {
      looks[g] = look[h * heads + g] / static_cast<double>(count);
      const double both = sizeOf(h) * sizeOf(g);
      writes[g] = both > 0 ? write[h * heads + g] / both : 0;
    }
    line.looks = mostAlike(looks, h);
    if (sizeOf(h) > 0) {
      line.writes = mostAlike(writes, h);
      line.contribution = sizeOf(h) / total;
      line.drop = sizeOf(h) / std::sqrt(squares);
    }
    lines.push_back(line);
  }
  return lines;
}

std::vector<HeadLine> attn::readHeads(const reference::Block &block,
                                      bool hasContext,
                                      const reference::BlockResult &result) {
  HeadSums sums(block, hasContext, result);
  return sums.run() ? sums.lines() : std::vector<HeadLine>();
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

/// `3.1`, as attn-optimize-prune-heads takes it.
static std::string nameOf(int64_t layer, int64_t head) {
  return std::to_string(layer) + "." + std::to_string(head);
}

static void printAlike(llvm::raw_ostream &os, int64_t layer, Alike alike) {
  if (alike.head < 0)
    os << "  -           ";
  else
    os << llvm::format("  %-6s %5.2f", nameOf(layer, alike.head).c_str(),
                       alike.similarity);
}

static void printHead(llvm::raw_ostream &os, int64_t layer, int64_t head,
                      const HeadLine &line) {
  os << llvm::format("%-6s %-8s %7.3f %8.2f %5.2f", nameOf(layer, head).c_str(),
                     line.numbers.kind(), line.numbers.entropy,
                     line.numbers.distance, line.numbers.own.sink);
  printAlike(os, layer, line.looks);
  printAlike(os, layer, line.writes);
  os << llvm::format("  %12.4f %8.4f\n", line.contribution, line.drop);
}

llvm::Error attn::reportHeads(llvm::raw_ostream &os, func::FuncOp entry,
                              ArrayRef<Tensor> inputs, ArrayRef<Tensor> outputs,
                              RunEntry run) {
  llvm::Expected<TappedEntry> tapped = TappedEntry::create(entry);
  if (!tapped)
    return tapped.takeError();
  if (llvm::none_of(tapped->ops(), llvm::IsaPred<MhaOp>))
    return makeError("--heads-report: expected an attn.mha in '" +
                     entry.getName() + "', found none");
  if (llvm::Error failed = tapped->evaluate(inputs, outputs, run))
    return failed;
  const auto find = [&](Value value) -> const Tensor & {
    return tapped->valueOf(value);
  };
  os << "head   kind     entropy distance  sink  looks like    writes like   "
        "contribution     drop\n";
  std::vector<std::tuple<double, int64_t, int64_t>> drops;
  int64_t layer = 0;
  for (Operation *op : tapped->ops()) {
    auto mha = dyn_cast<MhaOp>(op);
    if (!mha)
      continue;
    const auto precision =
        reference::Precision::forInputs(referenceType(find(mha.getX()).type()));
    llvm::Expected<ReadBlock> read = readBlock(mha, find, precision);
    if (!read)
      return read.takeError();
    const std::vector<HeadLine> lines =
        readHeads(read->block, bool(mha.getSource()),
                  reference::attendBlock(read->block, /*wantWeights=*/true));
    if (lines.empty())
      os << nameOf(layer, 0) << "    no query keeps a key, or weights are not "
         << "finite\n";
    for (auto [head, line] : llvm::enumerate(lines)) {
      printHead(os, layer, head, line);
      drops.emplace_back(line.drop, layer, head);
    }
    ++layer;
  }
  llvm::sort(drops);
  os << "smallest drop first: ";
  llvm::interleave(
      drops, os,
      [&](const auto &drop) {
        os << nameOf(std::get<1>(drop), std::get<2>(drop));
      },
      ",");
  os << "\n";
  return llvm::Error::success();
}
