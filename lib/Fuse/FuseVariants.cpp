//===- FuseVariants.cpp - Expand named variants into regions --------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One mechanism for every variant: after this pass nothing knows more of an
// attention than its two regions. They are scalar code on natural-base scores,
// and positions stay of type index. Differences n - m come before offsets, so
// that a comparison with a very large offset or window does not wrap.
//
//===----------------------------------------------------------------------===//

#include "Clauses.h"
#include "attn/Fuse/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

namespace attn {
#define GEN_PASS_DEF_FUSEVARIANTSPASS
#include "attn/Fuse/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

namespace {
/// Builds one region: arguments (b, h, m, n, captures...), in the score region
/// after the score.
class RegionBuilder {
public:
  RegionBuilder(SdpaOp op, const Clauses &clauses, bool isScore,
                ArrayRef<Type> captureTypes);

  void buildScore(Region &user);
  void buildMask(Region &user);

private:
  template <typename OpTy, typename... Args>
  Value make(Args &&...args) {
    return OpTy::create(builder, loc, std::forward<Args>(args)...);
  }
  Value capture(unsigned number) {
    return block->getArgument(firstIndex + 4 + number);
  }
  Value index(const Scalar &scalar) {
    if (!scalar.constant)
      return capture(scalar.capture);
    return arith::ConstantIndexOp::create(builder, loc, *scalar.constant);
  }
  Value compare(CmpIPredicate predicate, Value left, Value right) {
    return make<arith::CmpIOp>(predicate, left, right);
  }
  Value real(Type type, const APFloat &value) {
    return make<arith::ConstantOp>(FloatAttr::get(type, value));
  }

  Value keyLength();
  Value offset();
  Value difference();
  Value distance();
  Value diagonal();
  /// A captured integer as a position.
  Value position(unsigned number) {
    Value value = capture(number);
    return value.getType().isIndex()
               ? value
               : make<arith::IndexCastOp>(builder.getIndexType(), value);
  }
  Value toAccumulator(Value value);
  Value inlineUser(Region &user, Value score);
  Value softcap(Value score);
  Value addAlibi(Value score);
  Value addAdditive(Value score);
  Value addBuckets(Value score);
  void keepIf(Value condition) {
    kept = kept ? make<arith::AndIOp>(kept, condition) : condition;
  }
  void keepCausal();
  void keepWindow();
  void keepChunk();
  void keepTree();
  void keepPlaces();
  /// Moves the code to `target`.
  void finish(Region &target, Value result);

  const Clauses &clauses;
  FloatType accumulator;
  Location loc;
  OpBuilder builder;
  Region region;
  Block *block;
  unsigned firstIndex;
  Value b, h, m, n, kept;
  /// Values that several clauses use, once they are there.
  Value cachedLength, cachedOffset, cachedDifference, cachedDistance;
};
} // namespace

RegionBuilder::RegionBuilder(SdpaOp op, const Clauses &clauses, bool isScore,
                             ArrayRef<Type> captureTypes)
    : clauses(clauses), accumulator(op.getAccumulatorType()), loc(op.getLoc()),
      builder(op.getContext()), block(new Block), firstIndex(isScore) {
  region.push_back(block);
  if (isScore)
    block->addArgument(accumulator, loc);
  for (Value *position : {&b, &h, &m, &n})
    *position = block->addArgument(builder.getIndexType(), loc);
  for (Type type : captureTypes)
    block->addArgument(type, loc);
  builder.setInsertionPointToEnd(block);
}

/// kv_lens[b].
Value RegionBuilder::keyLength() {
  if (!cachedLength)
    cachedLength = position(*clauses.kvLens);
  return cachedLength;
}

/// The offset of the diagonal.
Value RegionBuilder::offset() {
  if (!cachedOffset)
    cachedOffset =
        clauses.offsetFromLens
            ? make<arith::SubIOp>(keyLength(), index(clauses.queries))
            : index(clauses.offset);
  return cachedOffset;
}

/// n - m.
Value RegionBuilder::difference() {
  if (!cachedDifference)
    cachedDifference = make<arith::SubIOp>(n, m);
  return cachedDifference;
}

/// n - (m + offset).
Value RegionBuilder::distance() {
  if (!cachedDistance)
    cachedDistance =
        clauses.place         ? make<arith::SubIOp>(n, position(*clauses.place))
        : clauses.hasOffset() ? make<arith::SubIOp>(difference(), offset())
                              : difference();
  return cachedDistance;
}

/// m + offset, the key where query m stands.
Value RegionBuilder::diagonal() {
  return clauses.hasOffset() ? make<arith::AddIOp>(m, offset()) : m;
}

Value RegionBuilder::toAccumulator(Value value) {
  unsigned from = value.getType().getIntOrFloatBitWidth();
  if (from < accumulator.getWidth())
    return make<arith::ExtFOp>(accumulator, value);
  if (from > accumulator.getWidth())
    return make<arith::TruncFOp>(accumulator, value);
  return value;
}

/// Copies the code of a region that a user wrote; returns what it yields.
Value RegionBuilder::inlineUser(Region &user, Value score) {
  IRMapping mapping;
  for (BlockArgument argument : user.getArguments())
    mapping.map(argument, block->getArgument(argument.getArgNumber()));
  if (score)
    mapping.map(user.getArgument(0), score);
  for (Operation &op : user.front().without_terminator())
    builder.clone(op, mapping);
  return mapping.lookup(cast<YieldOp>(user.front().back()).getValue());
}

/// c tanh(s / c); a cap of 0 caps nothing.
Value RegionBuilder::softcap(Value score) {
  Value cap = clauses.softcapConstant
                  ? real(accumulator, *clauses.softcapConstant)
                  : capture(*clauses.softcap);
  Value capped = make<arith::DivFOp>(score, cap);
  capped = make<arith::MulFOp>(cap, make<math::TanhOp>(capped));
  if (clauses.softcapConstant)
    return capped;
  Value zero = make<arith::ConstantOp>(FloatAttr::get(accumulator, 0.0));
  Value none = make<arith::CmpFOp>(CmpFPredicate::OEQ, cap, zero);
  return make<arith::SelectOp>(none, score, capped);
}

/// s - slope[h] |n - (m + offset)|.
Value RegionBuilder::addAlibi(Value score) {
  // 32 bits hold any distance between positions in memory and convert to f32 in
  // one instruction; f64 has one of its own for them.
  Value steps = make<arith::IndexCastOp>(builder.getI32Type(), distance());
  Value length = make<math::AbsFOp>(make<arith::SIToFPOp>(accumulator, steps));
  Value slope = toAccumulator(capture(*clauses.alibi));
  return make<arith::SubFOp>(score, make<arith::MulFOp>(slope, length));
}

Value RegionBuilder::addAdditive(Value score) {
  Value value = capture(*clauses.additive);
  if (value.getType().getIntOrFloatBitWidth() > accumulator.getWidth()) {
    // The lowest finite f64 must not become the -inf that drops a key.
    APFloat lowest =
        APFloat::getLargest(accumulator.getFloatSemantics(), /*Negative=*/true);
    bool inexact;
    lowest.convert(APFloat::IEEEdouble(), APFloat::rmTowardZero, &inexact);
    Type wide = value.getType();
    Value floor = make<arith::MaximumFOp>(value, real(wide, lowest));
    Value infinity =
        real(wide, APFloat::getInf(APFloat::IEEEdouble(), /*Negative=*/true));
    Value drops = make<arith::CmpFOp>(CmpFPredicate::OEQ, value, infinity);
    value = make<arith::SelectOp>(drops, value, floor);
  }
  return make<arith::AddFOp>(score, toAccumulator(value));
}

/// s + table[h, bucket of n - (m + offset)]: the last bucket that has begun.
Value RegionBuilder::addBuckets(Value score) {
  Value bias = toAccumulator(capture(clauses.buckets.front()));
  for (auto [number, start] : llvm::zip_equal(
           ArrayRef(clauses.buckets).drop_front(), clauses.bucketStarts)) {
    Value begun = compare(CmpIPredicate::sge, distance(), index({start}));
    bias = make<arith::SelectOp>(begun, toAccumulator(capture(number)), bias);
  }
  return make<arith::AddFOp>(score, bias);
}

void RegionBuilder::buildScore(Region &user) {
  Value argument = block->getArgument(0), score = argument;
  if (clauses.softcap || clauses.softcapConstant)
    score = softcap(score);
  if (!user.empty())
    score = inlineUser(user, score);
  if (clauses.alibi)
    score = addAlibi(score);
  if (!clauses.buckets.empty())
    score = addBuckets(score);
  if (clauses.additive)
    score = addAdditive(score);
  finish(user, score == argument ? nullptr : score);
}

/// n <= m + offset, or n < prefix.
void RegionBuilder::keepCausal() {
  Value past = clauses.place
                   ? compare(CmpIPredicate::sle, n, position(*clauses.place))
               : clauses.hasOffset()
                   ? compare(CmpIPredicate::sle, difference(), offset())
                   : compare(CmpIPredicate::sle, n, m);
  if (clauses.prefix)
    past = make<arith::OrIOp>(
        past, compare(CmpIPredicate::slt, n, position(*clauses.prefix)));
  keepIf(past);
}

/// (m + offset) floordiv chunk == n floordiv chunk.
void RegionBuilder::keepChunk() {
  Value size = index({clauses.chunk});
  Value place = clauses.hasOffset()
                    ? make<arith::FloorDivSIOp>(diagonal(), size)
                    : make<arith::DivSIOp>(m, size);
  keepIf(compare(CmpIPredicate::eq, place, make<arith::DivSIOp>(n, size)));
}

/// j = n - offset is a key before the tree, or bit j of the query's ancestors.
void RegionBuilder::keepTree() {
  Value bits = capture(*clauses.tree);
  if (bits.getType().isIndex())
    bits = make<arith::IndexCastOp>(builder.getI64Type(), bits);
  Type type = bits.getType();
  int64_t width = type.getIntOrFloatBitWidth();
  Value j = clauses.hasOffset() ? make<arith::SubIOp>(n, offset()) : n;
  Value zero = index({0}), last = index({width - 1});
  Value inside = make<arith::MinSIOp>(make<arith::MaxSIOp>(j, zero), last);
  Value shifted =
      make<arith::ShRUIOp>(bits, make<arith::IndexCastOp>(type, inside));
  Value isAncestor = make<arith::TruncIOp>(builder.getI1Type(), shifted);
  isAncestor =
      make<arith::AndIOp>(isAncestor, compare(CmpIPredicate::sle, j, last));
  keepIf(make<arith::OrIOp>(compare(CmpIPredicate::slt, j, zero), isAncestor));
}

void RegionBuilder::keepPlaces() {
  if (clauses.block)
    keepIf(capture(*clauses.block));
  if (clauses.documentOfQuery)
    keepIf(compare(CmpIPredicate::eq, capture(*clauses.documentOfQuery),
                   capture(*clauses.documentOfKey)));
  if (clauses.firstKey) {
    keepIf(compare(CmpIPredicate::sge, n, position(*clauses.firstKey)));
    keepIf(compare(CmpIPredicate::slt, n, position(*clauses.endKey)));
  }
  if (clauses.chunk)
    keepChunk();
  if (clauses.dilation) {
    Value steps = make<arith::RemSIOp>(distance(), index({clauses.dilation}));
    keepIf(compare(CmpIPredicate::eq, steps, index({0})));
  }
  if (clauses.tree)
    keepTree();
}

/// m + offset - left <= n <= m + offset + right; a negative size is no bound.
void RegionBuilder::keepWindow() {
  auto keepSide = [&](const Scalar &size, bool isLeft) {
    if (size.constant && *size.constant < 0)
      return;
    CmpIPredicate predicate = isLeft ? CmpIPredicate::sge : CmpIPredicate::sle;
    if (size.constant)
      return keepIf(
          compare(predicate, distance(),
                  index({isLeft ? -*size.constant : *size.constant})));
    Value zero = index({0}), bound = index(size);
    Value unbounded = compare(CmpIPredicate::slt, bound, zero);
    if (isLeft)
      bound = make<arith::SubIOp>(zero, bound);
    keepIf(
        make<arith::OrIOp>(unbounded, compare(predicate, distance(), bound)));
  };
  keepSide(clauses.left, /*isLeft=*/true);
  keepSide(clauses.right, /*isLeft=*/false);
}

void RegionBuilder::buildMask(Region &user) {
  if (clauses.keep)
    keepIf(capture(*clauses.keep));
  if (!user.empty())
    keepIf(inlineUser(user, nullptr));
  if (clauses.causal)
    keepCausal();
  keepWindow();
  keepPlaces();
  if (clauses.kvLens)
    keepIf(compare(CmpIPredicate::slt, n, keyLength()));
  finish(user, kept);
}

void RegionBuilder::finish(Region &target, Value result) {
  if (result)
    YieldOp::create(builder, loc, result);
  else
    region.getBlocks().clear();
  target.takeBody(region);
}

/// What the regions cannot say.
static LogicalResult checkClauses(SdpaOp op) {
  if (!op.getOffsets().empty())
    return op.emitOpError("expects named variants to be expanded before the op "
                          "is tiled");
  return success();
}

static LogicalResult expandVariants(SdpaOp op) {
  OpBuilder builder(op);
  if (!op.getScale())
    op.getScaleMutable().assign(readScale(builder, op));
  if (!op.hasNamedVariants())
    return success();
  if (failed(checkClauses(op)))
    return failure();
  CaptureList captures(op);
  Clauses clauses = readClauses(builder, op, captures);
  SmallVector<Type> types = captures.elementTypes();
  RegionBuilder(op, clauses, /*isScore=*/true, types).buildScore(op.getScore());
  RegionBuilder(op, clauses, /*isScore=*/false, types).buildMask(op.getMask());
  captures.store();
  // One after the other: a range knows where it begins when it is made.
  op.getSoftcapMutable().clear();
  op.getCausalOffsetMutable().clear();
  op.getWindowMutable().clear();
  op.getAlibiMutable().clear();
  op.getAdditiveMutable().clear();
  op.getKeepMutable().clear();
  op.getKvLensMutable().clear();
  op.getPrefixMutable().clear();
  op.getDocumentsMutable().clear();
  op.getBlockSparseMutable().clear();
  op.getTreeMutable().clear();
  op.getRaggedMutable().clear();
  op.getRelativeBiasMutable().clear();
  op.removeCausalAttr();
  op.removeStaticWindowAttr();
  op.removeChunkedAttr();
  op.removeDilatedAttr();
  op.removeBlockSizeAttr();
  op.removeMaxDistanceAttr();
  op.removeBidirectionalAttr();
  return success();
}

namespace {
struct FuseVariantsPass final
    : attn::impl::FuseVariantsPassBase<FuseVariantsPass> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([](SdpaOp op) {
      return failed(expandVariants(op)) ? WalkResult::interrupt()
                                        : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
