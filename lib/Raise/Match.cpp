//===- Match.cpp - Softmax in front of a product --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one match, on expressions of a point.
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "Softmax.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;

using Reducer = Point::Reducer;

namespace {
/// Weights at (.., n): exp(scores - max), divided by their sum or not yet.
struct Row {
  const Point *scores = nullptr;
  const Point *exponential = nullptr; ///< null for linalg.softmax
  bool divided = false;
  bool emptyIsZero = false; ///< a row of -inf has weights 0, not NaN
};

class Matcher {
public:
  explicit Matcher(PointReader &reader) : reader(reader) {}

  std::optional<Row> matchRow(const Point *point, AffineExpr n);
  bool isSumOf(const Point *sum, const Point *exponential, AffineExpr n);
  /// Softmax somewhere in front of `point`, which is itself none.
  bool findBehind(const Point *point, AffineExpr n);
  /// x and l of x / l or x * (1 / l), l a reduction.
  std::optional<std::pair<const Point *, const Point *>>
  matchDivision(const Point *point);

  std::optional<NearMiss> miss;

private:
  std::optional<Row> matchExponential(const Point *point, AffineExpr n,
                                      bool isDivided);
  std::optional<Row> matchSafe(const Point *point, AffineExpr n);
  std::optional<Row> matchNamed(const Point *point, AffineExpr n);
  void note(Operation *op, const Twine &reason) {
    if (!miss)
      miss = NearMiss{op, reason.str()};
  }

  PointReader &reader;
};
} // namespace

static bool isZero(PointReader &reader, const Point *point) {
  return floatValue(reader.resolve(point)) == 0.0;
}

/// -inf or the lowest number of its type: with both, a row of -inf is NaN, and
/// any other has the same maximum.
static bool isBelowAll(PointReader &reader, const Point *point) {
  const Point *start = reader.resolve(point);
  if (!floatValue(start))
    return false;
  APFloat value = cast<FloatAttr>(start->constant).getValue();
  return value.isNegative() && (value.isInfinity() || value.isLargest());
}

std::optional<Row> Matcher::matchNamed(const Point *point, AffineExpr n) {
  if (point->kind != Point::Kind::Read)
    return std::nullopt;
  auto softmax = point->value.getDefiningOp<linalg::SoftmaxOp>();
  if (!softmax || !softmax.hasPureTensorSemantics())
    return std::nullopt;
  if (point->coords[softmax.getDimension()] != n) {
    note(softmax, "softmax over another dimension than the keys");
    return std::nullopt;
  }
  Row row;
  row.scores = reader.read(softmax.getInput(), point->coords);
  row.divided = true;
  return row;
}

/// Exponentials that are not divided by a sum are everywhere (sigmoids), so of
/// those only what has a maximum in it is told.
std::optional<Row> Matcher::matchExponential(const Point *point, AffineExpr n,
                                             bool isDivided) {
  if (!point->applies<math::ExpOp>())
    return std::nullopt;
  const Point *difference = reader.resolve(point->args[0]);
  if (!difference->applies<arith::SubFOp>()) {
    if (isDivided)
      note(point->op, "exponentials without the maximum subtracted");
    return std::nullopt;
  }
  const Point *scores = difference->args[0];
  const Point *maximum = reader.resolve(difference->args[1]);
  if (!maximum->reduces(Reducer::Max)) {
    if (isDivided)
      note(difference->op, "what is subtracted is no maximum");
    return std::nullopt;
  }
  if (!isBelowAll(reader, maximum->args[1])) {
    note(maximum->op, "the maximum starts from something else than -inf");
    return std::nullopt;
  }
  if (reader.sizeOf(maximum->dim) != reader.sizeOf(n) ||
      !reader.same(scores, maximum->args[0], {{n, maximum->dim}})) {
    note(maximum->op, "the maximum is not that of the scores over the keys");
    return std::nullopt;
  }
  Row row;
  row.scores = scores;
  row.exponential = point;
  return row;
}

std::optional<std::pair<const Point *, const Point *>>
Matcher::matchDivision(const Point *point) {
  auto found = [&](const Point *numerator, const Point *denominator) {
    return std::pair(numerator, reader.resolve(denominator));
  };
  if (point->applies<arith::DivFOp>())
    return found(point->args[0], point->args[1]);
  if (!point->applies<arith::MulFOp>())
    return std::nullopt;
  for (unsigned i = 0; i < 2; ++i) {
    const Point *inverse = reader.resolve(point->args[i]);
    if (inverse->applies<arith::DivFOp>() &&
        floatValue(reader.resolve(inverse->args[0])) == 1.0)
      return found(point->args[1 - i], inverse->args[1]);
  }
  return std::nullopt;
}

bool Matcher::isSumOf(const Point *sum, const Point *exponential,
                      AffineExpr n) {
  return sum->reduces(Reducer::Sum) && isZero(reader, sum->args[1]) &&
         reader.sizeOf(sum->dim) == reader.sizeOf(n) &&
         reader.same(exponential, sum->args[0], {{n, sum->dim}});
}

/// select(all scores are -inf, 0, weights).
std::optional<Row> Matcher::matchSafe(const Point *point, AffineExpr n) {
  if (!point->applies<arith::SelectOp>())
    return std::nullopt;
  for (unsigned i = 1; i < 3; ++i) {
    if (!isZero(reader, point->args[i]))
      continue;
    std::optional<Row> row = matchRow(point->args[3 - i], n);
    if (!row || !row->divided ||
        !isAllLowest(reader, point->args[0], /*negated=*/i == 2, row->scores,
                     n))
      return std::nullopt;
    row->emptyIsZero = true;
    return row;
  }
  return std::nullopt;
}

std::optional<Row> Matcher::matchRow(const Point *point, AffineExpr n) {
  point = reader.resolve(point);
  if (std::optional<Row> row = matchNamed(point, n))
    return row;
  if (std::optional<Row> row = matchSafe(point, n))
    return row;
  auto division = matchDivision(point);
  if (!division)
    return matchExponential(point, n, /*isDivided=*/false);
  const Point *exponential = reader.resolve(division->first);
  std::optional<Row> row =
      matchExponential(exponential, n, division->second->reduces(Reducer::Sum));
  if (!row)
    return std::nullopt;
  if (!isSumOf(division->second, exponential, n)) {
    note(point->op, "the divisor is not the sum of the exponentials over the "
                    "keys");
    return std::nullopt;
  }
  row->divided = true;
  return row;
}

bool Matcher::findBehind(const Point *point, AffineExpr n) {
  constexpr size_t kFarthest = 256;
  llvm::SetVector<const Point *> work;
  work.insert(reader.resolve(point));
  for (size_t i = 0; i < work.size() && i < kFarthest; ++i) {
    const Point *user = work[i];
    if (user->kind != Point::Kind::Apply)
      continue;
    for (const Point *arg : user->args) {
      std::optional<Row> row = matchRow(arg, n);
      if ((row && row->divided) || miss) {
        note(user->op, user->op->getName().getStringRef() +
                           " between softmax and the second product");
        return true;
      }
      work.insert(reader.resolve(arg));
    }
  }
  return false;
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

/// Gives dimensions of the root their meaning.
static bool nameDims(Attention &found, const Point *weights,
                     std::optional<NearMiss> &miss) {
  SmallVector<AffineExpr> batch, rows, columns, dims;
  for (AffineExpr position : found.rootCoords)
    position.walk([&](AffineExpr e) {
      if (isa<AffineDimExpr>(e))
        dims.push_back(e);
    });
  for (AffineExpr dim : dims) {
    bool inWeights = dependsOn(weights, dim);
    bool inValues = dependsOn(found.values, dim);
    (inWeights && inValues ? batch : inWeights ? rows : columns).push_back(dim);
  }
  // Heads that share all keys and values: the weights' order tells which of
  // the two are rows.
  if (rows.size() == 2 && batch.size() < 2 &&
      weights->kind == Point::Kind::Read) {
    const auto *order = &weights->coords;
    if (llvm::find(*order, rows[0]) > llvm::find(*order, rows[1]))
      std::swap(rows[0], rows[1]);
    batch.push_back(rows[0]);
    rows.erase(rows.begin());
  }
  // The same with one query.
  if (rows.size() == 1 && batch.size() < 2 &&
      weights->kind == Point::Kind::Read && weights->coords.size() > 2 &&
      weights->coords[weights->coords.size() - 2] == found.reader->zero() &&
      weights->coords[weights->coords.size() - 3] == rows[0]) {
    batch.push_back(rows[0]);
    rows.clear();
  }
  if (batch.size() > 2 || rows.size() > 1 || columns.size() != 1) {
    miss = NearMiss{found.root.getDefiningOp(),
                    "expected at most two batch dimensions, one of queries and "
                    "one of value channels larger than 1, but found " +
                        std::to_string(batch.size()) + ", " +
                        std::to_string(rows.size()) + " and " +
                        std::to_string(columns.size())};
    return false;
  }
  found.h = batch.empty() ? AffineExpr() : batch.back();
  found.b = batch.size() == 2 ? batch.front() : AffineExpr();
  found.m = rows.empty() ? AffineExpr() : rows.front();
  found.dv = columns.front();
  return true;
}

/// Reads `root` as softmax times values. `divideAfter` is set when the weights
/// turn out to be not yet divided by their sum.
static Finding matchRoot(Value root, int64_t heads, bool &divideAfter) {
  Finding finding;
  Attention found;
  found.reader = std::make_unique<PointReader>(root.getContext());
  PointReader &reader = *found.reader;
  Matcher matcher(reader);
  found.root = root;
  found.heads = heads;
  const Point *start =
      heads ? reader.readHeads(root, heads) : reader.readAnywhere(root);
  found.rootCoords = start->coords;
  const Point *product = reader.resolve(start), *sum = nullptr;
  if (auto division = matcher.matchDivision(product)) {
    product = reader.resolve(division->first);
    sum = division->second;
  }
  if (!product->reduces(Reducer::Sum))
    return finding;
  const Point *factors = reader.resolve(product->args[0]);
  if (!factors->applies<arith::MulFOp>())
    return finding;
  found.n = product->dim;
  for (unsigned i = 0; i < 2; ++i) {
    const Point *weights = factors->args[i];
    std::optional<Row> row = matcher.matchRow(weights, found.n);
    if (!row) {
      if (!matcher.miss)
        matcher.findBehind(weights, found.n);
      continue;
    }
    found.values = factors->args[1 - i];
    found.scores = row->scores;
    found.emptyRowsAreZero = row->emptyIsZero;
    divideAfter = !row->divided && !sum;
    if (divideAfter)
      return finding;
    bool isWhole =
        row->divided ? !sum : matcher.isSumOf(sum, row->exponential, found.n);
    if (!isWhole)
      finding.miss = NearMiss{root.getDefiningOp(),
                              "the divisor after the second product is not the "
                              "sum of the exponentials over the keys"};
    else if (!isZero(reader, product->args[1]))
      finding.miss =
          NearMiss{product->op, "the second product starts from a sum"};
    else if (nameDims(found, weights, finding.miss))
      finding.attention = std::move(found);
    return finding;
  }
  finding.miss = matcher.miss;
  return finding;
}

/// The op other than a size that uses `value`, if there is one only.
static Operation *onlyUser(Value value) {
  Operation *only = nullptr;
  for (Operation *user : value.getUsers()) {
    if (isa<tensor::DimOp>(user))
      continue;
    if (only && only != user)
      return nullptr;
    only = user;
  }
  return only;
}

/// Someone else who reads the weights that `product` multiplies: it would be
/// computed twice.
static Operation *otherUser(Value weights, Operation *product) {
  while (onlyUser(weights)) {
    Operation *def = weights.getDefiningOp();
    if (!isa_and_nonnull<tensor::CastOp, tensor::ExpandShapeOp,
                         tensor::CollapseShapeOp, linalg::TransposeOp>(def))
      return nullptr;
    weights = def->getOperand(0);
    product = def;
  }
  for (Operation *user : weights.getUsers())
    if (user != product && !isa<tensor::DimOp>(user))
      return user;
  return nullptr;
}

int64_t attn::findCollapsedHeads(linalg::LinalgOp product) {
  auto type = dyn_cast<RankedTensorType>(product->getResult(0).getType());
  if (!type || type.getRank() != 3)
    return 0;
  for (OpOperand *operand : product.getDpsInputOperands()) {
    Value value = operand->get();
    // Past a cast or a transpose.
    for (unsigned i = 0; i < 4 && value.getDefiningOp(); ++i) {
      Operation *def = value.getDefiningOp();
      if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(def)) {
        ReassociationIndices group = collapse.getReassociationIndices().front();
        int64_t heads = collapse.getSrcType().getDimSize(group.back());
        int64_t all = type.getDimSize(0);
        bool divides =
            !ShapedType::isDynamic(heads) && heads > 1 &&
            (ShapedType::isDynamic(all) || (all > 0 && all % heads == 0));
        if (group.size() == 2 && divides)
          return heads;
      }
      if (def->getNumOperands() == 0)
        break;
      value = def->getOperand(0);
    }
  }
  return 0;
}

Finding attn::matchAttention(linalg::LinalgOp product, int64_t heads) {
  if (!product.hasPureTensorSemantics() || product->getNumResults() != 1 ||
      product.getNumReductionLoops() != 1 || product.getNumDpsInputs() != 2)
    return {};
  bool divideAfter = false;
  Finding finding = matchRoot(product->getResult(0), heads, divideAfter);
  Value root = product->getResult(0);
  // A division may come after reshapes.
  for (unsigned i = 0; divideAfter && i < 4; ++i) {
    heads = 0;
    Operation *user = onlyUser(root);
    if (!user || user->getNumResults() != 1 ||
        !isa<RankedTensorType>(user->getResult(0).getType()))
      break;
    root = user->getResult(0);
    finding = matchRoot(root, heads, divideAfter);
  }
  if (divideAfter)
    finding.miss = NearMiss{
        product, "the exponentials are not divided by their sum alone, before "
                 "or after the second product"};
  if (!finding.attention)
    return finding;
  for (OpOperand *operand : product.getDpsInputOperands()) {
    if (operand->get() == product.getDpsInitOperand(0)->get())
      continue;
    const Point *values = finding.attention->values;
    if (values->kind == Point::Kind::Read && values->value == operand->get())
      continue;
    if (Operation *user = otherUser(operand->get(), product))
      if (root == product->getResult(0)) {
        finding.attention.reset();
        finding.miss = NearMiss{
            user, (user->getName().getStringRef() + " uses the weights as well")
                      .str()};
        return finding;
      }
  }
  return finding;
}
