//===- Attend.cpp - What was found as attn.sdpa ---------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks first, then emits: the operands and the two regions.
//
//===----------------------------------------------------------------------===//

#include "Match.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace attn;

using Kind = Point::Kind;

namespace {
/// The captures of the op: each tensor or number that a rule reads, once per
/// place at which it is read.
class Captures {
public:
  Captures(const Attention &attention) : attention(attention) {}

  void collect(const Point *point, const Point *dot);
  unsigned numberOf(const Point *point) const;

  SmallVector<Value> values;
  SmallVector<AffineMap> maps;

private:
  AffineMap mapOf(const Point *point) const;

  const Attention &attention;
};

/// Emits an expression into a region.
class RegionWriter {
public:
  RegionWriter(const Attention &attention, const Captures &captures,
               Region &region, Location loc, FloatType score);

  Value write(const Point *point, const Point *dot);
  void yield(Value value) { YieldOp::create(builder, value); }
  ImplicitLocOpBuilder builder;

private:
  Value writeIndex(AffineExpr position, Type type);
  Value writeNew(const Point *point, const Point *dot);

  const Attention &attention;
  const Captures &captures;
  Block *block;
  unsigned first; ///< argument of b
  DenseMap<const Point *, Value> written;
};
} // namespace

/// Positions of the attention's own dimensions as expressions of (b, h, m, n).
static AffineExpr toBhmn(const Attention &attention, AffineExpr e) {
  Renaming names;
  unsigned i = 0;
  for (AffineExpr dim : {attention.b, attention.h, attention.m, attention.n}) {
    if (dim)
      names[dim] = getAffineDimExpr(i, e.getContext());
    ++i;
  }
  return e.replace(names);
}

AffineMap Captures::mapOf(const Point *point) const {
  SmallVector<AffineExpr> results;
  for (AffineExpr e : point->coords)
    results.push_back(toBhmn(attention, e));
  return AffineMap::get(4, 0, results, attention.n.getContext());
}

unsigned Captures::numberOf(const Point *point) const {
  AffineMap map = mapOf(point);
  for (unsigned i = 0; i < values.size(); ++i)
    if (values[i] == point->value && maps[i] == map)
      return i;
  return values.size();
}

void Captures::collect(const Point *point, const Point *dot) {
  if (point == dot)
    return;
  if ((point->kind == Kind::Read || point->kind == Kind::Scalar) &&
      numberOf(point) == values.size()) {
    values.push_back(point->value);
    maps.push_back(mapOf(point));
  }
  for (const Point *arg : point->args)
    collect(arg, dot);
}

RegionWriter::RegionWriter(const Attention &attention, const Captures &captures,
                           Region &region, Location loc, FloatType score)
    : builder(loc, region.getContext()), attention(attention),
      captures(captures), block(new Block), first(score ? 1 : 0) {
  region.push_back(block);
  if (score)
    block->addArgument(score, loc);
  for (unsigned i = 0; i < 4; ++i)
    block->addArgument(builder.getIndexType(), loc);
  for (Value value : captures.values)
    block->addArgument(getElementTypeOrSelf(value.getType()), loc);
  builder.setInsertionPointToEnd(block);
}

Value RegionWriter::writeIndex(AffineExpr position, Type type) {
  Value index = affine::expandAffineExpr(
      builder, builder.getLoc(), toBhmn(attention, position),
      block->getArguments().slice(first, 4), {});
  if (index.getType() == type)
    return index;
  return arith::IndexCastOp::create(builder, type, index);
}

Value RegionWriter::writeNew(const Point *point, const Point *dot) {
  if (point == dot)
    return block->getArgument(0);
  switch (point->kind) {
  case Kind::Read:
  case Kind::Scalar:
    return block->getArgument(first + 4 + captures.numberOf(point));
  case Kind::Constant:
    return arith::ConstantOp::create(builder, point->constant);
  case Kind::Index:
    return writeIndex(point->coords[0], point->type);
  case Kind::Apply:
    break;
  case Kind::Reduce:
    llvm_unreachable("the only reduction of a rule is the dot product");
  }
  OperationState state(builder.getLoc(), point->op->getName());
  for (const Point *arg : point->args)
    state.operands.push_back(write(arg, dot));
  state.addTypes(getElementTypeOrSelf(point->op->getResult(0).getType()));
  state.addAttributes(point->op->getAttrs());
  state.propertiesAttr = point->op->getPropertiesAsAttribute();
  Operation *op = builder.create(state);
  // What a flag promises of values, such as no infinities, does not hold of
  // masks.
  if (auto fast = dyn_cast<arith::ArithFastMathInterface>(op))
    op->setAttr(fast.getFastMathAttrName(),
                arith::FastMathFlagsAttr::get(builder.getContext(),
                                              arith::FastMathFlags::none));
  SmallVector<Value> folded;
  if (succeeded(builder.tryFold(op, folded)) && !folded.empty()) {
    op->erase();
    return folded.front();
  }
  return op->getResult(0);
}

Value RegionWriter::write(const Point *point, const Point *dot) {
  if (Value known = written.lookup(point))
    return known;
  Value value = writeNew(point, dot);
  written[point] = value;
  return value;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

namespace {
struct Operands {
  HeadView query, key, value, output;
};
} // namespace

static std::string nameOf(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

static std::optional<Operands> findOperands(const Attention &attention,
                                            const ScoreRule &rule,
                                            std::optional<NearMiss> &miss) {
  PointReader &reader = *attention.reader;
  AffineExpr b = attention.b, h = attention.h;
  auto fail = [&](const Twine &reason) {
    miss = NearMiss{attention.root.getDefiningOp(), reason.str()};
    return std::nullopt;
  };
  const HeadView &query = rule.dot.query, &key = rule.dot.key;
  Type element = getElementTypeOrSelf(attention.root.getType());
  bool hasKeys = reader.sizeOf(attention.n) != 1;
  auto value =
      viewDeepest(reader, attention.values,
                  {b, h, hasKeys ? attention.n : AffineExpr(), attention.dv},
                  element, key.group);
  if (!value)
    return fail("the values are no tensor of [b, h, n, d]");
  if (query.group != 1)
    return fail("the queries are the same for several heads");
  if (key.group != value->group)
    return fail("keys and values have different numbers of heads");
  HeadView output;
  SmallVector<AffineExpr> dims(attention.rootCoords);
  if (attention.heads) {
    // [B * H, ..] is [B, H, ..] with one dimension less.
    dims.front() = b ? b : reader.zero();
    dims.insert(dims.begin() + 1, h);
  }
  for (AffineExpr dim : dims) {
    auto names = {b, h, attention.m, attention.dv};
    int at = -1, i = 0;
    for (AffineExpr name : names) {
      if (name && name == dim)
        at = i;
      ++i;
    }
    output.dims.push_back(at);
  }
  if (!isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(element))
    return fail("expected queries, keys, values and result of f16, bf16, f32 "
                "or f64, but found " +
                nameOf(element));
  Type sums =
      element.isF64() ? element : Float32Type::get(element.getContext());
  if (elementTypeOf(rule.tree) != sums)
    return fail("expected scores of " + nameOf(sums) + ", but found " +
                nameOf(elementTypeOf(rule.tree)));
  const HeadView &values = *value;
  for (const HeadView *view : {&query, &key, &values})
    if (!canWiden(getElementTypeOrSelf(view->value.getType()), element))
      return fail("expected queries, keys, values and result of one type, but "
                  "found " +
                  nameOf(getElementTypeOrSelf(view->value.getType())) +
                  " and " + nameOf(element));
  return Operands{query, key, *value, output};
}

static AffineMap layoutOf(ArrayRef<int> order, MLIRContext *context) {
  SmallVector<AffineExpr> results;
  for (int dim : order)
    results.push_back(getAffineDimExpr(dim, context));
  return AffineMap::get(4, 0, results, context);
}

static Value emitScale(ImplicitLocOpBuilder &b, const Dot &dot,
                       FloatType type) {
  Value scale = arith::ConstantOp::create(b, b.getFloatAttr(type, dot.scale));
  for (Value factor : dot.scalars)
    scale = arith::MulFOp::create(b, scale, factor);
  return scale;
}

/// The conditions, all of which keep a key, or null where there are none.
static Value writeConditions(RegionWriter &mask,
                             decltype(ScoreRule::keep) conditions) {
  Value kept;
  for (auto [condition, inverted] : conditions) {
    Value each = mask.write(condition, nullptr);
    if (inverted) {
      Value yes = arith::ConstantIntOp::create(mask.builder, 1, 1);
      each = arith::XOrIOp::create(mask.builder, each, yes);
    }
    kept = kept ? arith::AndIOp::create(mask.builder, kept, each) : each;
  }
  return kept;
}

/// `guard`: what is true where guarded conditions do not count.
static void writeRegions(SdpaOp op, const Attention &attention,
                         const ScoreRule &rule, const Captures &captures,
                         const Point *guard) {
  if (rule.tree != rule.dotPoint) {
    RegionWriter score(attention, captures, op.getScore(), op.getLoc(),
                       op.getAccumulatorType());
    Value value = score.write(rule.tree, rule.dotPoint);
    if (rule.factor != 1.0) {
      auto factor = score.builder.getFloatAttr(value.getType(), rule.factor);
      value = arith::MulFOp::create(
          score.builder, value,
          arith::ConstantOp::create(score.builder, factor));
    }
    score.yield(value);
  }
  if (rule.keep.empty() && !guard)
    return;
  RegionWriter mask(attention, captures, op.getMask(), op.getLoc(), nullptr);
  Value kept = writeConditions(mask, rule.keep);
  if (guard) {
    Value held =
        arith::OrIOp::create(mask.builder, writeConditions(mask, rule.guarded),
                             mask.write(guard, nullptr));
    kept = kept ? arith::AndIOp::create(mask.builder, kept, held) : held;
  }
  mask.yield(kept);
}

FailureOr<Attended> attn::attend(const Attention &attention,
                                 const ScoreRule &rule,
                                 std::optional<NearMiss> &miss) {
  std::optional<Operands> operands = findOperands(attention, rule, miss);
  if (!operands)
    return failure();
  Operation *root = attention.root.getDefiningOp();
  ImplicitLocOpBuilder b(root->getLoc(), root);
  Type element = getElementTypeOrSelf(attention.root.getType());
  SmallVector<Attribute> layouts;
  SmallVector<Value> values;
  unsigned channels = 0; // dimension of the query that D is
  for (const HeadView *view :
       {&operands->query, &operands->key, &operands->value}) {
    SmallVector<int> order;
    Value value = toRank4(b, b.getLoc(), *view, order);
    if (values.empty())
      channels = llvm::find(order, 3) - order.begin();
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getElementType() != element)
      value = arith::ExtFOp::create(b, type.clone(element), value);
    values.push_back(value);
    layouts.push_back(AffineMapAttr::get(layoutOf(order, b.getContext())));
  }
  layouts.push_back(AffineMapAttr::get(
      layoutOf(rank4Order(operands->output), b.getContext())));
  Value scale =
      emitScale(b, rule.dot, cast<FloatType>(elementTypeOf(rule.tree)));
  Guard test;
  const Point *guard = nullptr;
  if (!rule.guarded.empty()) {
    FloatType sums = cast<FloatType>(scale.getType());
    test = emitGuard(b, b.createOrFold<tensor::DimOp>(values[0], channels),
                     emitLargest(b, values[0], sums),
                     emitLargest(b, values[1], sums), scale, rule.largestDot);
    guard = attention.reader->scalar(test.isLarge);
  }
  Captures captures(attention);
  captures.collect(rule.tree, rule.dotPoint);
  for (auto [condition, inverted] :
       llvm::concat<const std::pair<const Point *, bool>>(rule.keep,
                                                          rule.guarded))
    captures.collect(condition, nullptr);
  if (guard)
    captures.collect(guard, nullptr);
  auto plain = AffineMapAttr::get(getIdentityLayout(b.getContext()));
  bool isPlain = llvm::all_of(layouts, [&](auto map) { return map == plain; });
  auto op = SdpaOp::create(b, values[0], values[1], values[2],
                           isPlain ? ArrayAttr() : b.getArrayAttr(layouts),
                           rule.emptyRows != EmptyRows::None);
  op.getScaleMutable().assign(scale);
  if (!captures.values.empty()) {
    op.getCapturesMutable().assign(captures.values);
    op.setCaptureMapsAttr(b.getAffineMapArrayAttr(captures.maps));
  }
  writeRegions(op, attention, rule, captures, guard);
  Value output = rule.emptyRows == EmptyRows::None
                     ? op.getOutput()
                     : restoreEmptyRows(b, op, rule.emptyRows);
  if (attention.heads) {
    const SmallVector<ReassociationIndices> groups{{0, 1}, {2}, {3}};
    output = tensor::CollapseShapeOp::create(b, output, groups);
    if (output.getType() != attention.root.getType())
      output = tensor::CastOp::create(b, attention.root.getType(), output);
  } else {
    output = fromRank4(b, b.getLoc(), output, operands->output,
                       attention.root.getType());
  }
  Value(attention.root).replaceAllUsesWith(output);
  return Attended{op, test};
}
