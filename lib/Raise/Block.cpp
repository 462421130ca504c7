//===- Block.cpp - Attention with its projections as attn.mha -------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matches all of it; BlockWriter.cpp then emits.
//
//===----------------------------------------------------------------------===//

#include "Block.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

namespace {
class BlockMatcher {
public:
  BlockMatcher(SdpaOp op, const Guard &guard)
      : op(op), guard(guard), reader(op.getContext()) {}

  std::optional<BlockParts> match();
  Sizes sizes{};

private:
  bool readSizes();
  std::optional<HeadsOf> matchHeads(Value tensor, AffineMap layout, int64_t h,
                                    int64_t s, int64_t d);
  std::optional<Linear> matchOut(Value root, bool &isFlat);
  bool isMergedHeads(const Rows &rows);
  bool findRoot(BlockParts &block);
  bool fitTogether(const BlockParts &block);
  bool areUsedHereOnly(const BlockParts &block);

  SdpaOp op;
  const Guard &guard;
  PointReader reader;
};
} // namespace

bool BlockMatcher::readSizes() {
  auto size = [](Value value, AffineMap layout, unsigned dim) {
    return getLogicalDim(cast<ShapedType>(value.getType()), layout, dim);
  };
  sizes.b = size(op.getQuery(), op.getQueryLayout(), 0);
  sizes.h = size(op.getQuery(), op.getQueryLayout(), 1);
  sizes.m = size(op.getQuery(), op.getQueryLayout(), 2);
  sizes.d = size(op.getQuery(), op.getQueryLayout(), 3);
  sizes.hkv = size(op.getKey(), op.getKeyLayout(), 1);
  sizes.n = size(op.getKey(), op.getKeyLayout(), 2);
  sizes.dv = size(op.getValue(), op.getValueLayout(), 3);
  return llvm::all_of(
      llvm::ArrayRef{sizes.h, sizes.hkv, sizes.d, sizes.dv},
      [](int64_t s) { return !ShapedType::isDynamic(s) && s > 0; });
}

std::optional<HeadsOf> BlockMatcher::matchHeads(Value tensor, AffineMap layout,
                                                int64_t h, int64_t s,
                                                int64_t d) {
  auto dimOf = [&](int64_t size) {
    return size == 1 ? AffineExpr() : reader.freshDim(size);
  };
  HeadDims dims{dimOf(sizes.b), dimOf(h), dimOf(s), dimOf(d), d};
  auto orZero = [&](AffineExpr dim) { return dim ? dim : reader.zero(); };
  HeadsOf heads;
  Turn turn;
  const Point *point = peelTurn(reader, tensor, layout, dims, turn);
  if (point)
    heads.turn = turn;
  else
    point = reader.read(tensor, applyLayout<AffineExpr>(
                                    layout, {orZero(dims.b), orZero(dims.h),
                                             orZero(dims.s), orZero(dims.d)}));
  Norm norm;
  if (const Point *inner = peelNorm(reader, point, dims, norm)) {
    heads.norm = norm;
    point = inner;
  }
  AffineExpr o = orZero(dims.h) * d + orZero(dims.d);
  auto linear = matchLinear(reader, point, dims.b, dims.s, o, s);
  if (!linear)
    return std::nullopt;
  heads.linear = *linear;
  return heads;
}

/// True when the rows are the output of the attention, [.., H * Dv].
bool BlockMatcher::isMergedHeads(const Rows &rows) {
  SmallVector<AffineExpr> coords;
  AffineExpr b = sizes.b == 1 ? reader.zero() : reader.freshDim(sizes.b);
  AffineExpr m = sizes.m == 1 ? reader.zero() : reader.freshDim(sizes.m);
  AffineExpr j = reader.freshDim(sizes.h * sizes.dv);
  if (rows.isFlat)
    coords = {sizes.b == 1 ? m : b * sizes.m + m, j};
  else
    coords = {b, m, j};
  AffineExpr h = sizes.h == 1 ? reader.zero() : j.floorDiv(sizes.dv);
  AffineExpr d = sizes.dv == 1 ? reader.zero() : j % sizes.dv;
  if (sizes.h == 1)
    d = j;
  const Point *point = reader.resolve(reader.read(rows.value, coords));
  return point->kind == Point::Kind::Read && point->value == op.getOutput() &&
         ArrayRef<AffineExpr>(point->coords) ==
             ArrayRef<AffineExpr>(
                 applyLayout<AffineExpr>(op.getOutputLayout(), {b, h, m, d}));
}

std::optional<Linear> BlockMatcher::matchOut(Value root, bool &isFlat) {
  ArrayRef<int64_t> shape = typeOf(root).getShape();
  bool isKnown =
      !ShapedType::isDynamic(sizes.b) && !ShapedType::isDynamic(sizes.m);
  isFlat = shape.size() == 2;
  if (isFlat ? shape[0] != (sizes.b == 1 ? sizes.m
                            : isKnown    ? sizes.b * sizes.m
                                         : -1)
             : shape.size() != 3 || shape[0] != sizes.b || shape[1] != sizes.m)
    return std::nullopt;
  AffineExpr b = sizes.b == 1 ? AffineExpr() : reader.freshDim(sizes.b);
  AffineExpr m = sizes.m == 1 ? AffineExpr() : reader.freshDim(sizes.m);
  AffineExpr e = reader.freshDim(shape.back());
  AffineExpr row = m ? m : reader.zero();
  SmallVector<AffineExpr> coords{b ? b : reader.zero(), row, e};
  if (isFlat)
    coords = {b ? b * sizes.m + row : row, e};
  auto linear =
      matchLinear(reader, reader.read(root, coords), b, m, e, sizes.m);
  if (!linear || !isMergedHeads(linear->input))
    return std::nullopt;
  return linear;
}

/// The farthest result that is an output projection.
bool BlockMatcher::findRoot(BlockParts &block) {
  constexpr unsigned kFarthest = 8;
  Value value = op.getOutput();
  for (unsigned i = 0; i < kFarthest; ++i) {
    if (!value.hasOneUse() && block.root)
      break;
    SmallVector<Operation *> users;
    for (Operation *user : value.getUsers())
      if (!isa<tensor::DimOp>(user))
        users.push_back(user);
    if (users.size() != 1 || users[0]->getNumResults() != 1 ||
        !isa<RankedTensorType>(users[0]->getResult(0).getType()))
      break;
    value = users[0]->getResult(0);
    bool isFlat = false;
    if (auto linear = matchOut(value, isFlat)) {
      block.out = *linear;
      block.root = value;
      block.isFlat = isFlat;
    } else if (block.root) {
      break;
    }
  }
  return block.root != nullptr;
}

/// True for what is known before the call.
static bool isWeight(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return matchPattern(value, m_Constant());
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  return function && function.getArgAttr(argument.getArgNumber(),
                                         AttnDialect::getWeightArgName());
}

/// What one attn.mha can say.
bool BlockMatcher::fitTogether(const BlockParts &block) {
  Type element = typeOf(op.getOutput()).getElementType();
  for (const Linear *linear :
       {&block.q.linear, &block.k.linear, &block.v.linear, &block.out}) {
    for (Value value : {linear->input.value, linear->weight, linear->bias})
      if (value && typeOf(value).getElementType() != element)
        return false;
    // Turning a weight round is worth it where that is done once.
    if (!linear->isTransposed)
      continue;
    if (!isWeight(linear->weight))
      return false;
  }
  const HeadsOf &q = block.q, &k = block.k;
  if (k.linear.input.value != block.v.linear.input.value || block.v.turn ||
      block.v.norm || q.turn.has_value() != k.turn.has_value() ||
      q.norm.has_value() != k.norm.has_value())
    return false;
  if (q.turn && (q.turn->cos != k.turn->cos || q.turn->sin != k.turn->sin ||
                 typeOf(q.turn->cos).getElementType() !=
                     typeOf(q.turn->sin).getElementType()))
    return false;
  return !q.norm || q.norm->epsilon == k.norm->epsilon;
}

/// What computes the guard of queries and keys; a block has one of its own.
static llvm::SmallPtrSet<Operation *, 16> opsOfGuard(SdpaOp op,
                                                     const Guard &guard) {
  llvm::SmallPtrSet<Operation *, 16> ops;
  SmallVector<Value> work;
  if (guard.isLarge)
    work.push_back(guard.isLarge);
  while (!work.empty()) {
    Value value = work.pop_back_val();
    Operation *def = value.getDefiningOp();
    bool isOperand = value == op.getQuery() || value == op.getKey();
    if (def && !isOperand && ops.insert(def).second)
      llvm::append_range(work, def->getOperands());
  }
  return ops;
}

/// True when nothing else reads what is computed from the inputs: it would be
/// computed twice.
bool BlockMatcher::areUsedHereOnly(const BlockParts &block) {
  llvm::SetVector<Operation *> made;
  Value inputs[] = {block.q.linear.input.value, block.k.linear.input.value};
  SmallVector<Value> work{op.getQuery(), op.getKey(), op.getValue()};
  while (!work.empty()) {
    Value value = work.pop_back_val();
    Operation *def = value.getDefiningOp();
    if (def && !llvm::is_contained(inputs, value) && made.insert(def))
      llvm::append_range(work, def->getOperands());
  }
  // Those that depend on the inputs, to a fixed point.
  llvm::SmallPtrSet<Operation *, 16> varying;
  for (bool grows = true; grows;) {
    grows = false;
    for (Operation *each : made)
      if (llvm::any_of(each->getOperands(), [&](Value operand) {
            return llvm::is_contained(inputs, operand) ||
                   varying.contains(operand.getDefiningOp());
          }))
        grows |= varying.insert(each).second;
  }
  auto ofGuard = opsOfGuard(op, guard);
  return llvm::all_of(varying, [&](Operation *each) {
    return llvm::all_of(each->getUsers(), [&](Operation *user) {
      return user == op || made.contains(user) || ofGuard.contains(user) ||
             isa<tensor::DimOp>(user);
    });
  });
}

std::optional<BlockParts> BlockMatcher::match() {
  if (op.getLse() || op.getWeights() || !op.getOffsets().empty() ||
      !readSizes())
    return std::nullopt;
  BlockParts block;
  if (!findRoot(block))
    return std::nullopt;
  auto q =
      matchHeads(op.getQuery(), op.getQueryLayout(), sizes.h, sizes.m, sizes.d);
  if (!q)
    return std::nullopt;
  auto k =
      matchHeads(op.getKey(), op.getKeyLayout(), sizes.hkv, sizes.n, sizes.d);
  if (!k)
    return std::nullopt;
  auto v = matchHeads(op.getValue(), op.getValueLayout(), sizes.hkv, sizes.n,
                      sizes.dv);
  if (!v)
    return std::nullopt;
  block.q = *q;
  block.k = *k;
  block.v = *v;
  if (!fitTogether(block) || !areUsedHereOnly(block))
    return std::nullopt;
  return block;
}

MhaOp attn::raiseBlock(SdpaOp op, const Guard &guard, Operation *&replaced) {
  BlockMatcher matcher(op, guard);
  std::optional<BlockParts> block = matcher.match();
  if (!block)
    return {};
  replaced = block->root.getDefiningOp();
  return writeBlock(op, *block, matcher.sizes, guard);
}
