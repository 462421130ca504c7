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
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;

using Reducer = Point::Reducer;

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

/// Gives dimensions of the root their meaning.
static bool nameDims(Attention &found, const Point *weights,
                     std::optional<NearMiss> &miss) {
  while (weights->applies<arith::ExtFOp>())
    weights = weights->args[0];
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
  if (batch.size() > 2 || rows.size() > 1 || columns.size() > 1) {
    miss = NearMiss{found.root.getDefiningOp(),
                    "expected at most two batch dimensions, one of queries and "
                    "one of value channels larger than 1, but found " +
                        std::to_string(batch.size()) + ", " +
                        std::to_string(rows.size()) + " and " +
                        std::to_string(columns.size())};
    return false;
  }
  // One batch dimension is heads, but for the first of four: that has one head.
  bool isBatch =
      batch.size() == 2 || (batch.size() == 1 && found.rootCoords.size() == 4 &&
                            found.rootCoords.front() == batch.front());
  found.b = isBatch ? batch.front() : AffineExpr();
  found.h = batch.size() == 2 || (batch.size() == 1 && !isBatch) ? batch.back()
                                                                 : AffineExpr();
  found.m = rows.empty() ? AffineExpr() : rows.front();
  found.dv = columns.empty() ? AffineExpr() : columns.front();
  return true;
}

namespace {
/// One tensor read as softmax times values.
struct Root {
  Finding finding;
  /// What uses it may be the root: the weights are still to be divided by their
  /// sum, or dimensions have to join.
  bool goOn = false;
  bool isRounded = false; ///< it is the second product in fewer bits
};
} // namespace

/// The reduction that `point` is, past a rounding to f16 or bf16.
static const Point *peelRounding(PointReader &reader, const Point *point,
                                 bool &isRounded) {
  if (!point->applies<arith::TruncFOp>() ||
      !elementTypeOf(point->args[0]).isF32())
    return point;
  isRounded = true;
  return reader.resolve(point->args[0]);
}

/// What keeps softmax times values, once found, from being attention.
static std::optional<NearMiss> checkProduct(PointReader &reader,
                                            const Point *product, bool isWhole,
                                            Operation *root) {
  if (!isWhole)
    return NearMiss{root, "the divisor after the second product is not the sum "
                          "of the exponentials over the keys"};
  if (!isZero(reader, product->args[1]))
    return NearMiss{product->op, "the second product starts from a sum"};
  Type type = elementTypeOf(product);
  if (type.isF16() || type.isBF16())
    return NearMiss{product->op, kNarrowSum.str()};
  return std::nullopt;
}

static Root matchRoot(Value value, int64_t heads) {
  Root root;
  Finding &finding = root.finding;
  Attention found;
  found.reader = std::make_unique<PointReader>(value.getContext());
  PointReader &reader = *found.reader;
  SoftmaxMatcher matcher(reader);
  found.root = value;
  found.heads = heads;
  const Point *start =
      heads ? reader.readHeads(value, heads) : reader.readAnywhere(value);
  found.rootCoords = start->coords;
  const Point *product =
      peelRounding(reader, reader.resolve(start), root.isRounded);
  const Point *sum = nullptr;
  if (auto division = matcher.matchDivision(product)) {
    product = reader.resolve(division->first);
    sum = division->second;
  }
  if (!product->reduces(Reducer::Sum))
    return root;
  const Point *factors = reader.resolve(product->args[0]);
  if (!factors->applies<arith::MulFOp>())
    return root;
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
    // Scores that are scaled may be -inf where they were not before.
    found.scores = row->scaled ? row->scaled : row->scores;
    found.factor = row->factor / row->scaledBy;
    found.isTestedBefore = row->emptyIsZero && row->scaledBy > 1.0;
    found.startsFinite = matcher.startsFinite;
    found.emptyRowsAreZero = row->emptyIsZero;
    found.dividedBefore = row->divided;
    root.goOn = !row->divided && !sum;
    if (root.goOn)
      return root;
    bool isWhole =
        row->divided ? !sum : matcher.isSumOf(sum, row->exponential, found.n);
    finding.miss =
        checkProduct(reader, product, isWhole, value.getDefiningOp());
    if (finding.miss)
      return root;
    if (nameDims(found, weights, finding.miss))
      finding.attention = std::move(found);
    else
      root.goOn = true;
    return root;
  }
  finding.miss = matcher.miss;
  return root;
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

/// True for what only moves elements, or rounds them.
static bool movesOrRounds(Operation *op) {
  if (isa_and_nonnull<tensor::CastOp, tensor::ExpandShapeOp,
                      tensor::CollapseShapeOp, linalg::TransposeOp,
                      arith::TruncFOp>(op))
    return true;
  auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
  return generic && generic.getNumDpsInputs() == 1 &&
         generic.getNumReductionLoops() == 0 &&
         llvm::all_of(generic.getBody()->without_terminator(),
                      llvm::IsaPred<arith::TruncFOp>);
}

/// Someone else who reads the weights that `product` multiplies: they would be
/// computed twice.
static Operation *otherUser(Value weights, Operation *product) {
  while (onlyUser(weights)) {
    Operation *def = weights.getDefiningOp();
    if (!movesOrRounds(def))
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

/// Someone else who reads the weights.
static std::optional<NearMiss> findOtherUser(const Attention &attention,
                                             linalg::LinalgOp product) {
  if (!attention.dividedBefore)
    return std::nullopt;
  for (OpOperand *operand : product.getDpsInputOperands()) {
    const Point *values = attention.values;
    while (values->kind == Point::Kind::Apply)
      values = values->args[0];
    if (values->kind == Point::Kind::Read && values->value == operand->get())
      continue;
    if (Operation *user = otherUser(operand->get(), product))
      return NearMiss{
          user,
          (user->getName().getStringRef() + " uses the weights as well").str()};
  }
  return std::nullopt;
}

/// The tensor that its only user makes of `value`, or null. Heads that are
/// joined with the batch stay so in all but reshapes.
static Value nextRoot(Value value, int64_t &heads) {
  Operation *user = onlyUser(value);
  if (!user || user->getNumResults() != 1 ||
      !isa<RankedTensorType>(user->getResult(0).getType()))
    return {};
  auto type = cast<RankedTensorType>(user->getResult(0).getType());
  if (type.getShape() != cast<RankedTensorType>(value.getType()).getShape())
    heads = 0;
  return user->getResult(0);
}

/// How many users after the second product may have to be passed.
constexpr unsigned kFarthestRoot = 4;

Finding attn::matchAttention(linalg::LinalgOp product, int64_t heads) {
  if (product.getNumDpsInputs() != 2)
    return {};
  Root root = matchRoot(product->getResult(0), heads);
  Value value = product->getResult(0);
  std::optional<NearMiss> first = root.finding.miss;
  for (unsigned i = 0; root.goOn && i < kFarthestRoot; ++i) {
    value = nextRoot(value, heads);
    if (!value)
      break;
    root = matchRoot(value, heads);
  }
  Finding &finding = root.finding;
  if (root.goOn)
    finding.miss =
        first ? first
              : NearMiss{product,
                         "the exponentials are not divided by their sum alone, "
                         "before or after the second product"};
  if (finding.attention)
    finding.miss = findOtherUser(*finding.attention, product);
  if (finding.miss)
    finding.attention.reset();
  return std::move(finding);
}

std::optional<Attention> attn::goFarther(const Attention &attention) {
  std::optional<Attention> last;
  Value value = attention.root;
  int64_t heads = attention.heads;
  for (unsigned i = 0; i < kFarthestRoot; ++i) {
    value = nextRoot(value, heads);
    if (!value || !movesOrRounds(value.getDefiningOp()) ||
        isa<tensor::CollapseShapeOp>(value.getDefiningOp()))
      break;
    Root root = matchRoot(value, heads);
    if (!root.finding.attention)
      break;
    last = std::move(root.finding.attention);
  }
  return last;
}
