//===- Block.cpp - Attention with its projections as attn.mha -------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matches all of it first, then emits.
//
//===----------------------------------------------------------------------===//

#include "Block.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

namespace {
/// Sizes of the attention; B, M and N may be unknown.
struct Sizes {
  int64_t b, h, hkv, m, n, d, dv;
};

struct BlockParts {
  HeadsOf q, k, v;
  Linear out;
  Value root;          ///< the output projection's result
  bool isFlat = false; ///< which is [B * M, Eo]
};

class BlockMatcher {
public:
  explicit BlockMatcher(SdpaOp op) : op(op), reader(op.getContext()) {}

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
  return function &&
         function.getArgAttr(argument.getArgNumber(), "attn.weight");
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
  return llvm::all_of(varying, [&](Operation *each) {
    return llvm::all_of(each->getUsers(), [&](Operation *user) {
      return user == op || made.contains(user) || isa<tensor::DimOp>(user);
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

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

namespace {
class BlockWriter {
public:
  BlockWriter(SdpaOp op, const BlockParts &block, const Sizes &sizes)
      : op(op), block(block), sizes(sizes),
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

  SdpaOp op;
  const BlockParts &block;
  const Sizes &sizes;
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

/// What Raise says of an attention: scale, captures and the two regions.
void BlockWriter::addRule(MhaOp mha) {
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

MhaOp attn::raiseBlock(SdpaOp op, Operation *&replaced) {
  BlockMatcher matcher(op);
  std::optional<BlockParts> block = matcher.match();
  if (!block)
    return {};
  replaced = block->root.getDefiningOp();
  return BlockWriter(op, *block, matcher.sizes).write();
}
