//===- Rules.cpp - The clauses of an op as callbacks of the reference -----===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order: scale, softcap, score region, alibi, relative_bias, additive; then
// everything that keeps or drops keys; then sinks. Not one line is shared with
// the expansion in Fuse, which this judges.
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "Interpreter.h"

#include <cmath>

using namespace mlir;
using namespace attn;

namespace {

/// An operand that broadcasts, aligned to the right, to [B, H, M, N].
// sdpa_s13
class Broadcast {
public:
  Broadcast() = default;
  explicit Broadcast(const Tensor &tensor) : tensor(tensor) {
    int64_t stride = 1;
    const auto rank = static_cast<int64_t>(tensor.shape().size());
    for (int64_t i = rank; i-- > 0;) {
      const int64_t size = tensor.shape()[i];
      strides[4 - rank + i] = size == 1 ? 0 : stride;
      stride *= size;
    }
  }
  explicit operator bool() const { return tensor.has_value(); }

  double at(int64_t b, int64_t h, int64_t m, int64_t n) const {
    return tensor->at(b * strides[0] + h * strides[1] + m * strides[2] +
                      n * strides[3]);
  }

private:
  std::optional<Tensor> tensor;
  int64_t strides[4] = {};
};

int64_t evaluate(AffineExpr expr, const int64_t *dims) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  auto binary = cast<AffineBinaryOpExpr>(expr);
  const int64_t a = evaluate(binary.getLHS(), dims);
  const int64_t b = evaluate(binary.getRHS(), dims);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return a + b;
  case AffineExprKind::Mul:
    return a * b;
  case AffineExprKind::Mod:
    return b > 0 ? ((a % b) + b) % b : 0;
  case AffineExprKind::FloorDiv:
    return b ? a / b - ((a % b != 0) && ((a < 0) != (b < 0))) : 0;
  default:
    return b ? a / b + ((a % b != 0) && ((a < 0) == (b < 0))) : 0;
  }
}

/// One captured operand and where it is read.
struct Capture {
  Tensor tensor;
  SmallVector<AffineExpr> indices;

  Scalar at(const int64_t *position, bool &escaped) const {
    int64_t linear = 0;
    for (auto [expr, size] : llvm::zip(indices, tensor.shape())) {
      const int64_t index = evaluate(expr, position);
      if (index < 0 || index >= size) {
        escaped = true;
        return {};
      }
      linear = linear * size + index;
    }
    if (isFloat(tensor.type()))
      return {tensor.at(linear), 0};
    if (tensor.type() == Dtype::I64 || tensor.type() == Dtype::Index)
      return {0.0, tensor.dataAs<int64_t>()[linear]};
    return {0.0, static_cast<int64_t>(tensor.at(linear))};
  }
};

/// Integers [size] or [B, size].
struct PerRow {
  std::vector<int64_t> values;
  int64_t size = 0, batchStride = 0;

  PerRow() = default;
  explicit PerRow(const Tensor &tensor) : size(tensor.shape().back()) {
    if (tensor.shape().size() == 2)
      batchStride = size;
    const bool wide =
        tensor.type() == Dtype::I64 || tensor.type() == Dtype::Index;
    for (int64_t i = 0; i < tensor.size(); ++i)
      values.push_back(wide ? tensor.dataAs<int64_t>()[i]
                            : static_cast<int64_t>(tensor.at(i)));
  }
  explicit operator bool() const { return !values.empty(); }
  int64_t at(int64_t b, int64_t place) const {
    return values[b * batchStride + place];
  }
};

/// Biases [H, buckets] by the distance from query to key, as the T5 models
/// count it: half of the buckets for one distance each, the others on a
/// logarithmic scale.
// sdpa_s21
struct BucketBias {
  std::vector<double> table;
  int64_t buckets = 0, furthest = 0;
  bool bidirectional = false;

  double at(int64_t h, int64_t distance) const {
    int64_t count = buckets, bucket = 0;
    if (bidirectional) {
      count /= 2;
      if (distance > 0)
        bucket = count;
    } else if (distance > 0) {
      distance = 0;
    }
    const int64_t away = std::abs(distance), exact = count / 2;
    if (away < exact)
      return table[h * buckets + bucket + away];
    const float share =
        std::log(static_cast<float>(away) / static_cast<float>(exact)) /
        static_cast<float>(std::log(static_cast<double>(furthest) /
                                    static_cast<double>(exact)));
    const auto step =
        static_cast<int64_t>(share * static_cast<float>(count - exact));
    return table[h * buckets + bucket + std::min(exact + step, count - 1)];
  }
};

/// Everything that the clauses of one op say.
struct Rules {
  reference::Shape shape;
  double softcap = 0.0;
  std::vector<double> alibi;
  std::vector<int64_t> keyLengths;
  Broadcast additive, keep;
  std::optional<Causal> causal;
  int64_t causalOffset = 0;
  int64_t left = -1, right = -1;
  int64_t chunk = 0, dilation = 0; ///< 0: absent
  PerRow prefix, queryDocuments, keyDocuments, tree;
  int64_t treeBits = 0;
  Broadcast blocks;
  int64_t blockRows = 1, blockColumns = 1;
  BucketBias buckets;
  std::vector<int64_t> queryEnds, keyEnds; ///< of ragged; empty: absent
  std::vector<Capture> captures;
  std::optional<RegionProgram> scoreRegion, maskRegion;
  std::shared_ptr<bool> escaped;

  /// The region arguments after the score: b, h, m, n, captures. Kept for the
  /// position last asked for, since the score of one is asked for repeatedly.
  std::vector<Scalar> arguments = std::vector<Scalar>(1);
  int64_t last[4] = {-1, -1, -1, -1};

  bool hasScore() const {
    return softcap != 0.0 || scoreRegion || !alibi.empty() || additive ||
           !buckets.table.empty();
  }
  bool hasMask() const {
    return keep || maskRegion || causal || left >= 0 || right >= 0 || chunk ||
           dilation || queryDocuments || tree || blocks || !queryEnds.empty() ||
           !keyLengths.empty();
  }
  /// The sequence of query m, the number of sequences where it is in none.
  size_t sequenceOf(int64_t m) const {
    size_t i = 0;
    while (i + 1 < queryEnds.size() &&
           !(queryEnds[i] <= m && m < queryEnds[i + 1]))
      ++i;
    return i;
  }
  /// Query m stands at key m + offset.
  // sdpa_s8 sdpa_s22
  int64_t offset(int64_t b, int64_t m) const {
    if (!queryEnds.empty()) {
      const size_t i = sequenceOf(m);
      if (i + 1 >= queryEnds.size())
        return 0;
      return causal == Causal::BottomRight ? keyEnds[i + 1] - queryEnds[i + 1]
                                           : keyEnds[i] - queryEnds[i];
    }
    if (causal == Causal::BottomRight)
      return (keyLengths.empty() ? shape.keys : keyLengths[b]) - shape.queries;
    return causal == Causal::Offset ? causalOffset : 0;
  }
  void setPosition(int64_t b, int64_t h, int64_t m, int64_t n);
  double score(double s, int64_t b, int64_t h, int64_t m, int64_t n);
  bool mask(int64_t b, int64_t h, int64_t m, int64_t n);
  bool keepsPlace(int64_t b, int64_t h, int64_t m, int64_t n) const;
};

void Rules::setPosition(int64_t b, int64_t h, int64_t m, int64_t n) {
  if (last[0] == b && last[1] == h && last[2] == m && last[3] == n)
    return;
  const int64_t position[4] = {b, h, m, n};
  std::copy_n(position, 4, last);
  arguments.resize(1);
  for (int64_t index : position)
    arguments.push_back({0.0, index});
  for (const Capture &capture : captures)
    arguments.push_back(capture.at(position, *escaped));
}

// sdpa_s7 sdpa_s11 sdpa_s12
double Rules::score(double s, int64_t b, int64_t h, int64_t m, int64_t n) {
  if (softcap != 0.0)
    s = softcap * std::tanh(s / softcap);
  if (scoreRegion) {
    setPosition(b, h, m, n);
    arguments[0] = {s, 0};
    s = scoreRegion->run(arguments).number;
  }
  if (!alibi.empty())
    s -= alibi[h] * std::abs(static_cast<double>(n - (m + offset(b, m))));
  if (!buckets.table.empty())
    s += buckets.at(h, n - (m + offset(b, m)));
  if (additive)
    s += additive.at(b, h, m, n);
  return s;
}

// sdpa_s7 sdpa_s8 sdpa_s9 sdpa_s10
bool Rules::mask(int64_t b, int64_t h, int64_t m, int64_t n) {
  if (keep && keep.at(b, h, m, n) == 0.0)
    return false;
  if (maskRegion) {
    setPosition(b, h, m, n);
    if (!maskRegion->run(ArrayRef<Scalar>(arguments).drop_front()).integer)
      return false;
  }
  const int64_t diagonal = m + offset(b, m);
  // sdpa_s17
  if (causal && n > diagonal && !(prefix && n < prefix.at(b, 0)))
    return false;
  if (!keepsPlace(b, h, m, n))
    return false;
  if (left >= 0 && n < diagonal - left)
    return false;
  if (right >= 0 && n > diagonal + right)
    return false;
  return keyLengths.empty() || n < keyLengths[b];
}

// sdpa_s15 sdpa_s16 sdpa_s18 sdpa_s19 sdpa_s20 sdpa_s22
bool Rules::keepsPlace(int64_t b, int64_t h, int64_t m, int64_t n) const {
  const int64_t diagonal = m + offset(b, m);
  const auto floorOf = [&](int64_t place) {
    return place >= 0 ? place / chunk : -((chunk - 1 - place) / chunk);
  };
  if (chunk && floorOf(diagonal) != floorOf(n))
    return false;
  if (dilation && (diagonal - n) % dilation != 0)
    return false;
  if (queryDocuments && queryDocuments.at(b, m) != keyDocuments.at(b, n))
    return false;
  if (!queryEnds.empty()) {
    const size_t i = sequenceOf(m);
    if (i + 1 >= queryEnds.size() || n < keyEnds[i] || n >= keyEnds[i + 1])
      return false;
  }
  if (blocks && blocks.at(b, h, m / blockRows, n / blockColumns) == 0.0)
    return false;
  const int64_t j = n - offset(b, m);
  if (!tree || j < 0)
    return true;
  return j < treeBits && (static_cast<uint64_t>(tree.at(b, m)) >> j & 1) != 0;
}

std::vector<double> doublesOf(const Tensor &tensor) {
  std::vector<double> values(tensor.size());
  for (int64_t i = 0; i < tensor.size(); ++i)
    values[i] = tensor.at(i);
  return values;
}

template <typename OpTy>
void readWindow(OpTy op, FindValue find, Rules &rules) {
  std::optional<ArrayRef<int64_t>> window = op.getStaticWindow();
  if (!window)
    return;
  auto dynamic = op.getWindow().begin();
  int64_t sizes[2];
  for (auto [size, written] : llvm::zip(sizes, *window))
    size = ShapedType::isDynamic(written)
               ? static_cast<int64_t>(find(*dynamic++).at(0))
               : written;
  rules.left = sizes[0];
  rules.right = sizes[1];
}

template <typename OpTy>
void readPlaces(OpTy op, FindValue find, Rules &rules) {
  rules.chunk = op.getChunked().value_or(0);
  rules.dilation = op.getDilated().value_or(0);
  if (Value prefix = op.getPrefix()) {
    const Tensor &lengths = find(prefix);
    // One number is the prefix of every batch.
    for (int64_t b = 0; b < rules.shape.batch; ++b)
      rules.prefix.values.push_back(static_cast<int64_t>(
          lengths.at(isa<RankedTensorType>(prefix.getType()) ? b : 0)));
    rules.prefix.batchStride = 1;
  }
  if (!op.getDocuments().empty()) {
    rules.queryDocuments = PerRow(find(op.getDocuments().front()));
    rules.keyDocuments = PerRow(find(op.getDocuments().back()));
  }
  if (!op.getRagged().empty()) {
    rules.queryEnds = PerRow(find(op.getRagged()[0])).values;
    rules.keyEnds = PerRow(find(op.getRagged()[1])).values;
  }
  if (Value tree = op.getTree()) {
    rules.tree = PerRow(find(tree));
    Type element = getElementTypeOrSelf(tree.getType());
    rules.treeBits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  }
  if (Value blocks = op.getBlockSparse()) {
    rules.blocks = Broadcast(find(blocks));
    rules.blockRows = (*op.getBlockSize())[0];
    rules.blockColumns = (*op.getBlockSize())[1];
  }
  if (Value table = op.getRelativeBias())
    rules.buckets = {doublesOf(find(table)), find(table).shape()[1],
                     op.getMaxDistanceAttr().getInt(), op.getBidirectional()};
}

template <typename OpTy>
llvm::Error readRegions(OpTy op, FindValue find, Rules &rules) {
  if (ArrayAttr maps = op.getCaptureMapsAttr())
    for (auto [value, map] : llvm::zip(
             op.getCaptures(), maps.template getAsValueRange<AffineMapAttr>()))
      rules.captures.push_back(
          {find(value), SmallVector<AffineExpr>(map.getResults())});
  for (auto [region, program] : {std::pair(&op.getScore(), &rules.scoreRegion),
                                 std::pair(&op.getMask(), &rules.maskRegion)}) {
    if (region->empty())
      continue;
    llvm::Expected<RegionProgram> translated =
        RegionProgram::translate(*region);
    if (!translated)
      return translated.takeError();
    program->emplace(std::move(*translated));
  }
  return llvm::Error::success();
}

template <typename OpTy>
llvm::Error readRules(OpTy op, FindValue find, reference::Problem &problem,
                      Rules &rules) {
  problem.scale = op.getScale()
                      ? find(op.getScale()).at(0)
                      : 1.0 / std::sqrt(double(problem.shape.headDim));
  if (Value softcap = op.getSoftcap())
    rules.softcap = find(softcap).at(0);
  if (Value alibi = op.getAlibi())
    rules.alibi = doublesOf(find(alibi));
  if (Value additive = op.getAdditive())
    rules.additive = Broadcast(find(additive));
  if (Value keep = op.getKeep())
    rules.keep = Broadcast(find(keep));
  if (Value lengths = op.getKvLens())
    for (double length : doublesOf(find(lengths)))
      rules.keyLengths.push_back(static_cast<int64_t>(length));
  if (Value sinks = op.getSinks())
    problem.sinks = doublesOf(find(sinks));
  rules.causal = op.getCausal();
  if (Value offset = op.getCausalOffset())
    rules.causalOffset = static_cast<int64_t>(find(offset).at(0));
  readWindow(op, find, rules);
  readPlaces(op, find, rules);
  return readRegions(op, find, rules);
}

} // namespace

llvm::Error attn::addRules(Operation *op, FindValue find,
                           reference::Problem &problem,
                           std::shared_ptr<bool> &escaped) {
  escaped = std::make_shared<bool>(false);
  auto rules = std::make_shared<Rules>();
  rules->shape = problem.shape;
  rules->escaped = escaped;
  auto sdpa = dyn_cast<SdpaOp>(op);
  if (llvm::Error failed =
          sdpa ? readRules(sdpa, find, problem, *rules)
               : readRules(cast<MhaOp>(op), find, problem, *rules))
    return failed;
  if (rules->hasScore())
    problem.score = [rules](double s, int64_t b, int64_t h, int64_t m,
                            int64_t n) { return rules->score(s, b, h, m, n); };
  if (rules->hasMask())
    problem.mask = [rules](int64_t b, int64_t h, int64_t m, int64_t n) {
      return rules->mask(b, h, m, n);
    };
  return llvm::Error::success();
}
