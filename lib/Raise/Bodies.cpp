//===- Bodies.cpp - Elements of structured ops ----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps from an element of a result to the elements that its body reads.
//
//===----------------------------------------------------------------------===//

#include "Point.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/SetVector.h"

#include <map>

using namespace mlir;
using namespace attn;

using Kind = Point::Kind;

static RankedTensorType tensorType(Value value) {
  return dyn_cast<RankedTensorType>(value.getType());
}

namespace attn {
/// Reads values of the body of a structured op at one point of its loops.
class BodyReader {
public:
  BodyReader(PointReader &reader, linalg::LinalgOp op,
             ArrayRef<AffineExpr> loops)
      : reader(reader), op(op), loops(loops) {}

  /// Null for what is not scalar arithmetic. Elements of outputs are those of
  /// the initial tensors.
  const Point *translate(Value value) {
    const Point *&known = memo[value];
    if (!known)
      known = translateNew(value);
    return known;
  }

private:
  const Point *translateNew(Value value);

  PointReader &reader;
  linalg::LinalgOp op;
  ArrayRef<AffineExpr> loops;
  // Stable under growth while a reference into it is held.
  std::map<void *, const Point *> table;
  struct Memo {
    std::map<void *, const Point *> &table;
    const Point *&operator[](Value v) { return table[v.getAsOpaquePointer()]; }
  } memo{table};
};
} // namespace attn

const Point *BodyReader::translateNew(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value);
      argument && argument.getOwner() == op.getBlock()) {
    OpOperand &operand = op->getOpOperand(argument.getArgNumber());
    if (!tensorType(operand.get()))
      return reader.scalar(operand.get());
    SmallVector<AffineExpr> coords;
    for (AffineExpr e : op.getMatchingIndexingMap(&operand).getResults())
      coords.push_back(e.replaceDims(loops));
    return reader.read(operand.get(), coords);
  }
  Operation *def = value.getDefiningOp();
  if (!def || def->getBlock() != op.getBlock())
    return reader.scalar(value);
  if (def->hasTrait<OpTrait::ConstantLike>())
    return reader.scalar(value);
  if (auto index = dyn_cast<linalg::IndexOp>(def)) {
    Point *point = reader.make(Kind::Index);
    point->coords.push_back(loops[index.getDim()]);
    point->type = index.getType();
    return point;
  }
  if (!isa<arith::ArithDialect, math::MathDialect>(def->getDialect()) ||
      def->getNumResults() != 1 || def->getNumRegions() != 0)
    return nullptr;
  SmallVector<const Point *> args;
  for (Value operand : def->getOperands())
    args.push_back(translate(operand));
  if (llvm::is_contained(args, nullptr))
    return nullptr;
  return reader.apply(def, args);
}

/// The op that joins a new element to the output `argument`, with the operand
/// that is new, or null.
static std::pair<Operation *, Value> combiner(Value yielded, Value argument) {
  Operation *op = yielded.getDefiningOp();
  if (!op || op->getNumOperands() != 2)
    return {nullptr, {}};
  for (unsigned i = 0; i < 2; ++i)
    if (op->getOperand(i) == argument && op->getOperand(1 - i) != argument)
      return {op, op->getOperand(1 - i)};
  return {nullptr, {}};
}

static std::optional<Point::Reducer> reducerOf(Operation *op) {
  if (!op)
    return std::nullopt;
  bool isBool = op->getResult(0).getType().isInteger(1);
  if (isa<arith::AddFOp>(op))
    return Point::Reducer::Sum;
  if (isa<arith::MaximumFOp, arith::MaxNumFOp>(op))
    return Point::Reducer::Max;
  if (isBool && isa<arith::OrIOp>(op))
    return Point::Reducer::Any;
  if (isBool && isa<arith::AndIOp>(op))
    return Point::Reducer::All;
  return std::nullopt;
}

const Point *PointReader::stepLinalg(linalg::LinalgOp op, const Point *point) {
  if (!op.hasPureTensorSemantics())
    return nullptr;
  unsigned number = cast<OpResult>(point->value).getResultNumber();
  OpOperand *init = op.getDpsInitOperand(number);
  // Loops from positions of the result.
  SmallVector<AffineExpr> loops(op.getNumLoops());
  AffineMap map = op.getMatchingIndexingMap(init);
  for (auto [expr, coord] : llvm::zip(map.getResults(), point->coords)) {
    // A dimension that a reduction has kept as 1.
    if (isa<AffineConstantExpr>(expr) && expr == coord)
      continue;
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || loops[dim.getPosition()])
      return nullptr;
    loops[dim.getPosition()] = coord;
  }
  AffineExpr reduced;
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  for (auto [i, type] : llvm::enumerate(op.getIteratorTypesArray())) {
    if (loops[i])
      continue;
    if (type != utils::IteratorType::reduction || reduced)
      return nullptr;
    loops[i] = reduced = freshDim(ranges[i]);
  }
  Block *block = op.getBlock();
  BodyReader body(*this, op, loops);
  Value yielded = block->getTerminator()->getOperand(number);
  if (!reduced)
    return body.translate(yielded);
  BlockArgument out = block->getArgument(init->getOperandNumber());
  auto [joins, element] = combiner(yielded, out);
  std::optional<Point::Reducer> reducer = reducerOf(joins);
  if (!reducer)
    return nullptr;
  // An element that reads the running value is no reduction.
  SetVector<Operation *> slice;
  SmallVector<Value> work{element};
  while (!work.empty()) {
    Value v = work.pop_back_val();
    if (v == out)
      return nullptr;
    if (Operation *def = v.getDefiningOp())
      if (def->getBlock() == block && slice.insert(def))
        llvm::append_range(work, def->getOperands());
  }
  const Point *each = body.translate(element), *from = body.translate(out);
  if (!each || !from)
    return nullptr;
  Point *result = make(Kind::Reduce);
  result->op = op;
  result->args = {each, from};
  result->dim = reduced;
  result->reducer = *reducer;
  return result;
}
