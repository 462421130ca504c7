//===- BlockTest.cpp - The test that a task asks of each key block --------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the bounds of the keys do not follow the mask, the region `blocks` of
// attn.online_sdpa does, one block at a time. What the mask captures enters it
// as a smallest and a largest element, O(N) for all tasks together, and one
// step for each element of a table of blocks.
//
//===----------------------------------------------------------------------===//

#include "BlockTest.h"

#include "attn/Analysis/MaskBlocks.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace attn;

/// Elements of a table of blocks are read one by one, those of smaller blocks
/// too often.
static constexpr int64_t kSmallestBlock = 8;

/// c where `map` reads `dim` as `dim floordiv c` alone.
static std::optional<int64_t> blockOf(AffineMap map, unsigned dim) {
  std::optional<int64_t> size;
  for (AffineExpr expr : map.getResults()) {
    if (!expr.isFunctionOfDim(dim))
      continue;
    auto quotient = dyn_cast<AffineBinaryOpExpr>(expr);
    if (!quotient || quotient.getKind() != AffineExprKind::FloorDiv ||
        !isa<AffineDimExpr>(quotient.getLHS()))
      return std::nullopt;
    int64_t divisor = cast<AffineConstantExpr>(quotient.getRHS()).getValue();
    if (divisor < kSmallestBlock || size.value_or(divisor) != divisor)
      return std::nullopt;
    size = divisor;
  }
  return size;
}

namespace {
class TestBuilder {
public:
  TestBuilder(OpBuilder &builder, SdpaOp tile, const Task &task)
      : b(tile.getLoc(), builder), tile(tile), task(task),
        maps(tile.getCaptureMapValues()) {}

  void build(BlockTest &test);

private:
  /// A bound that stands for an argument of the region.
  struct Bound {
    unsigned capture;
    bool largest;
  };

  bool canBound(unsigned capture);
  Value element(OpBuilder &at, unsigned capture, ArrayRef<Value> position);
  Value combine(OpBuilder &at, Value x, Value y, bool largest);
  /// The bound over positions [first, end) of dimension `dim`, not empty.
  Value reduce(OpBuilder &at, const Bound &bound, SmallVector<Value> position,
               unsigned dim, Value end);
  /// The bound over queries [m0, m1) and keys [n0, n1), not empty, of a table
  /// of blocks at b and h of `position`.
  Value reduceTable(OpBuilder &at, const Bound &bound,
                    SmallVector<Value> position, Value m1, Value n1);
  void ofQueries(const Bound &bound, BlockTest &test);
  /// A tensor over the blocks of keys, over the groups of queries if
  /// `byQueries`, and over b and h where the capture depends on them.
  void generate(const Bound &bound, BlockTest &test, bool byQueries);

  ImplicitLocOpBuilder b;
  SdpaOp tile;
  const Task &task;
  SmallVector<AffineMap> maps;
};
} // namespace

/// Elements that have an order; what every block would have to read again, at
/// both m and n, has no bounds worth having unless it is a table of blocks.
bool TestBuilder::canBound(unsigned capture) {
  Type element = getElementTypeOrSelf(tile.getCaptures()[capture].getType());
  if (!element.isIntOrIndex())
    return false;
  AffineMap map = maps[capture];
  return getCaptureReach(map) != CaptureReach::Both ||
         (blockOf(map, 2) && blockOf(map, 3));
}

Value TestBuilder::element(OpBuilder &at, unsigned capture,
                           ArrayRef<Value> position) {
  SmallVector<Value> indices;
  for (AffineExpr expr : maps[capture].getResults())
    indices.push_back(affine::AffineApplyOp::create(
        at, b.getLoc(), AffineMap::get(4, 0, expr), position));
  return tensor::ExtractOp::create(at, b.getLoc(), tile.getCaptures()[capture],
                                   indices);
}

Value TestBuilder::combine(OpBuilder &at, Value x, Value y, bool largest) {
  Location loc = b.getLoc();
  if (x.getType().isInteger(1))
    return largest ? Value(arith::OrIOp::create(at, loc, x, y))
                   : arith::AndIOp::create(at, loc, x, y);
  return largest ? Value(arith::MaxSIOp::create(at, loc, x, y))
                 : arith::MinSIOp::create(at, loc, x, y);
}

Value TestBuilder::reduce(OpBuilder &at, const Bound &bound,
                          SmallVector<Value> position, unsigned dim,
                          Value end) {
  Value first = element(at, bound.capture, position);
  Value one = arith::ConstantIndexOp::create(at, b.getLoc(), 1);
  Value second = arith::AddIOp::create(at, b.getLoc(), position[dim], one);
  auto loop = scf::ForOp::create(
      at, b.getLoc(), second, end, one, first,
      [&](OpBuilder &inner, Location loc, Value i, ValueRange carried) {
        position[dim] = i;
        Value next = element(inner, bound.capture, position);
        scf::YieldOp::create(inner, loc,
                             combine(inner, carried[0], next, bound.largest));
      });
  return loop.getResult(0);
}

Value TestBuilder::reduceTable(OpBuilder &at, const Bound &bound,
                               SmallVector<Value> position, Value m1,
                               Value n1) {
  Location loc = b.getLoc();
  Value one = arith::ConstantIndexOp::create(at, loc, 1);
  Value first = element(at, bound.capture, position);
  // Blocks [first, end) of dimension `dim`, and how large they are.
  auto range = [&](unsigned dim, Value end) {
    Value size = arith::ConstantIndexOp::create(
        at, loc, *blockOf(maps[bound.capture], dim));
    Value begin = arith::DivUIOp::create(at, loc, position[dim], size);
    return std::make_tuple(
        begin, arith::CeilDivUIOp::create(at, loc, end, size), size);
  };
  auto [rowBegin, rowEnd, rowSize] = range(2, m1);
  auto [columnBegin, columnEnd, columnSize] = range(3, n1);
  Value rows = rowSize, columns = columnSize, begin = columnBegin,
        end = columnEnd;
  auto loop = scf::ForOp::create(
      at, loc, rowBegin, rowEnd, one, first,
      [&](OpBuilder &outer, Location, Value row, ValueRange carried) {
        position[2] = arith::MulIOp::create(outer, loc, row, rows);
        auto inside = scf::ForOp::create(
            outer, loc, begin, end, one, carried,
            [&](OpBuilder &inner, Location, Value column, ValueRange so) {
              position[3] = arith::MulIOp::create(inner, loc, column, columns);
              Value next = element(inner, bound.capture, position);
              scf::YieldOp::create(inner, loc,
                                   combine(inner, so[0], next, bound.largest));
            });
        scf::YieldOp::create(outer, loc, inside.getResults());
      });
  return loop.getResult(0);
}

/// A number of the task.
void TestBuilder::ofQueries(const Bound &bound, BlockTest &test) {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value batch = tile.getOffsets()[0], head = tile.getOffsets()[1];
  test.values.push_back(
      reduce(b, bound, {batch, head, task.m0, zero}, 2, task.m1));
  test.maps.push_back(AffineMap::get(4, 0, b.getContext()));
}

void TestBuilder::generate(const Bound &bound, BlockTest &test,
                           bool byQueries) {
  AffineMap map = maps[bound.capture];
  int64_t steps[4] = {1, 1, tile.getPlan()->getQueryGroup(),
                      tile.getPlan()->getKeyBlock()};
  OpFoldResult lengths[4] = {task.batch, task.heads, task.queries, task.keys};
  ImplicitLocOpBuilder before(b.getLoc(), task.loop);
  SmallVector<unsigned> dims;
  SmallVector<OpFoldResult> sizes;
  SmallVector<AffineExpr> place;
  for (unsigned dim = 0; dim < 4; ++dim) {
    bool wanted = dim < 2 ? map.isFunctionOfDim(dim) : dim == 3 || byQueries;
    if (!wanted)
      continue;
    dims.push_back(dim);
    sizes.push_back(dim < 2 ? lengths[dim]
                            : affine::makeComposedFoldedAffineApply(
                                  before, b.getLoc(),
                                  b.getAffineSymbolExpr(0).ceilDiv(steps[dim]),
                                  {lengths[dim]}));
    place.push_back(b.getAffineDimExpr(dim).floorDiv(steps[dim]));
  }

  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(sizes, dynamic, shape);
  Type element =
      getElementTypeOrSelf(tile.getCaptures()[bound.capture].getType());
  Value bounds = tensor::GenerateOp::create(
      before, RankedTensorType::get(shape, element), dynamic,
      [&](OpBuilder &inner, Location loc, ValueRange at) {
        SmallVector<Value> position(
            4, arith::ConstantIndexOp::create(inner, loc, 0));
        Value ends[4];
        for (auto [dim, index] : llvm::zip(dims, at)) {
          position[dim] = index;
          if (dim < 2)
            continue;
          Value step = arith::ConstantIndexOp::create(inner, loc, steps[dim]);
          position[dim] = arith::MulIOp::create(inner, loc, index, step);
          ends[dim] = arith::MinSIOp::create(
              inner, loc,
              arith::AddIOp::create(inner, loc, position[dim], step),
              cast<Value>(lengths[dim]));
        }
        tensor::YieldOp::create(
            inner, loc,
            byQueries ? reduceTable(inner, bound, position, ends[2], ends[3])
                      : reduce(inner, bound, position, 3, ends[3]));
      });
  test.values.push_back(bounds);
  test.maps.push_back(AffineMap::get(4, 0, place, b.getContext()));
}

void TestBuilder::build(BlockTest &test) {
  Block *block = new Block;
  test.region.push_back(block);
  Location loc = b.getLoc();
  Value place[6];
  for (Value &position : place)
    position = block->addArgument(b.getIndexType(), loc);
  SmallVector<CaptureBounds> bounds(maps.size());
  SmallVector<Type> elements;
  for (Value capture : tile.getCaptures()) {
    elements.push_back(getElementTypeOrSelf(capture.getType()));
    block->addArgument(elements.back(), loc);
  }
  SmallVector<std::pair<Bound, BlockArgument>> wanted;
  for (unsigned i = 0; i < maps.size(); ++i) {
    if (!canBound(i))
      continue;
    if (getCaptureReach(maps[i]) == CaptureReach::None) {
      bounds[i].least = bounds[i].most = block->getArgument(6 + i);
      continue;
    }
    bounds[i] = {block->addArgument(elements[i], loc),
                 block->addArgument(elements[i], loc)};
    wanted.push_back({{i, false}, cast<BlockArgument>(bounds[i].least)});
    wanted.push_back({{i, true}, cast<BlockArgument>(bounds[i].most)});
  }

  OpBuilder inner(b.getContext());
  inner.setInsertionPointToEnd(block);
  auto classOf = [&](Value kept) {
    return buildBlockClass(
        inner, loc, kept,
        {place[0], place[1], place[2], place[3], place[4], place[5]}, bounds);
  };
  auto canBeEmpty = [&](Value part) {
    return !matchPattern(classOf(part).some, m_One());
  };
  if (llvm::none_of(getOpenParts(tile), canBeEmpty)) {
    test.region.getBlocks().clear();
    return;
  }
  auto kept = cast<YieldOp>(tile.getMask().front().getTerminator());
  BlockClass result = classOf(kept.getValue());
  attn::YieldOp::create(inner, loc, ValueRange{result.some, result.all});
  // Bounds that the test does not read are not computed.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
    if (isOpTriviallyDead(&op))
      op.erase();
  for (auto [bound, argument] : wanted) {
    if (argument.use_empty())
      block->eraseArgument(argument.getArgNumber());
    else if (getCaptureReach(maps[bound.capture]) == CaptureReach::Queries)
      ofQueries(bound, test);
    else
      generate(bound, test,
               getCaptureReach(maps[bound.capture]) == CaptureReach::Both);
  }
}

void attn::buildBlockTest(OpBuilder &builder, SdpaOp tile, const Task &task,
                          BlockTest &test) {
  if (!getOpenParts(tile).empty())
    TestBuilder(builder, tile, task).build(test);
}
