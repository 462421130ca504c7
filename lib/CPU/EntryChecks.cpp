//===- EntryChecks.cpp - What an entry expects of its arguments' sizes ----===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types say static sizes only. That two arguments have the same batch, or that
// there are as many values as keys, follows from the ops that use them: this
// reads it off the entry while it is on tensors. An expectation on something
// that is not the size of an argument is not checked.
//
//===----------------------------------------------------------------------===//

#include "lib/CPU/Entry.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <set>

using namespace mlir;
using namespace attn;

/// Written by the Linalg room: which dimensions of the pool are its pages and
/// the rows of one.
static constexpr StringLiteral kGatherPages = "attn.gather_pages";

namespace {

class Collector {
public:
  explicit Collector(func::FuncOp entry) : entry(entry) {}
  FailureOr<EntryChecks> run();

private:
  using Size = std::optional<ArgumentSize>;
  Size resolve(Value tensor, int64_t dim);
  Size resolve(OpFoldResult size);
  Size loopBound(Value index);
  void expect(Size size, Size reference, bool exactly);
  void visit(linalg::LinalgOp op);
  void visitGather(tensor::ExtractOp op, ArrayRef<Size> lengths);
  LogicalResult visit(OnlineSdpaOp op);
  LogicalResult visitCapture(OnlineSdpaOp op, unsigned number,
                             ArrayRef<Size> reach);
  bool expectReach(Size size, AffineExpr index, ArrayRef<Size> reach);
  LogicalResult visitPages(scf::ForallOp loop);
  void visitSlice(Value operand);
  void visitConstantSlice(tensor::ExtractSliceOp slice);

  func::FuncOp entry;
  std::set<SizeCheck> checks;
  SmallVector<ReachCheck> reaches;
  SmallVector<PageCheck> pages;
};

} // namespace

/// The size of an argument that dimension `dim` of `tensor` has.
std::optional<ArgumentSize> Collector::resolve(Value tensor, int64_t dim) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type)
    return std::nullopt;
  if (!type.isDynamicDim(dim))
    return ArgumentSize{-1, type.getDimSize(dim)};
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (parent == entry)
      return ArgumentSize{argument.getArgNumber(), dim};
    if (auto loop = dyn_cast<LoopLikeOpInterface>(parent))
      if (OpOperand *init = loop.getTiedLoopInit(argument))
        return resolve(init->get(), dim);
    return std::nullopt;
  }
  Operation *op = tensor.getDefiningOp();
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return resolve(empty.getMixedSizes()[dim]);
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return resolve(cast.getSource(), dim);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return resolve(expand.getMixedOutputShape()[dim]);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    ReassociationIndices group = collapse.getReassociationIndices()[dim];
    return group.size() == 1 ? resolve(collapse.getSrc(), group[0])
                             : std::nullopt;
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return slice.getDroppedDims().none() ? resolve(slice.getMixedSizes()[dim])
                                         : std::nullopt;
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return resolve(destination.getTiedOpOperand(cast<OpResult>(tensor))->get(),
                   dim);
  if (auto loop = dyn_cast<LoopLikeOpInterface>(op))
    if (OpOperand *init = loop.getTiedLoopInit(cast<OpResult>(tensor)))
      return resolve(init->get(), dim);
  return std::nullopt;
}

std::optional<ArgumentSize> Collector::resolve(OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return ArgumentSize{-1, *constant};
  auto dim = cast<Value>(size).getDefiningOp<tensor::DimOp>();
  if (!dim || !dim.getConstantIndex())
    return std::nullopt;
  return resolve(dim.getSource(), *dim.getConstantIndex());
}

/// Where the parallel loop with this index ends; a loop over one index is gone
/// and has left the index as a constant.
std::optional<ArgumentSize> Collector::loopBound(Value index) {
  if (std::optional<int64_t> only = getConstantIntValue(index))
    return ArgumentSize{-1, *only + 1};
  auto argument = dyn_cast<BlockArgument>(index);
  auto loop = argument
                  ? dyn_cast<scf::ForallOp>(argument.getOwner()->getParentOp())
                  : scf::ForallOp();
  if (!loop || argument.getArgNumber() >= loop.getRank())
    return std::nullopt;
  return resolve(loop.getMixedUpperBound()[argument.getArgNumber()]);
}

/// `size` has to be `reference`, or at least that.
void Collector::expect(Size size, Size reference, bool exactly) {
  if (!size || !reference || *size == *reference)
    return;
  if (size->isConstant()) {
    if (!exactly || reference->isConstant())
      return;
    std::swap(size, reference);
  }
  // The later argument is to blame.
  if (exactly && *size < *reference)
    std::swap(size, reference);
  checks.insert({*size, *reference, exactly});
}

/// All operands that a loop runs over have its length.
void Collector::visit(linalg::LinalgOp op) {
  SmallVector<Size> lengths(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [d, result] : llvm::enumerate(map.getResults())) {
      auto loop = dyn_cast<AffineDimExpr>(result);
      if (!loop)
        continue;
      Size size = resolve(operand.get(), d),
           &length = lengths[loop.getPosition()];
      expect(size, length, /*exactly=*/true);
      if (!length)
        length = size;
    }
  }
  op->walk([&](tensor::ExtractOp gather) { visitGather(gather, lengths); });
}

/// A tensor read at sums of the loops' indices holds all of them. Other indices
/// come from data.
void Collector::visitGather(tensor::ExtractOp op, ArrayRef<Size> lengths) {
  for (auto [d, index] : llvm::enumerate(op.getIndices())) {
    auto apply = index.getDefiningOp<affine::AffineApplyOp>();
    if (!apply)
      continue;
    SmallVector<Size> reach;
    for (Value operand : apply.getOperands()) {
      auto loop = operand.getDefiningOp<linalg::IndexOp>();
      reach.push_back(loop ? lengths[loop.getDim()] : Size());
    }
    AffineMap map = apply.getAffineMap();
    // Symbols are dimensions that do not change.
    SmallVector<AffineExpr> symbols;
    for (unsigned i = 0; i < map.getNumSymbols(); ++i)
      symbols.push_back(
          getAffineDimExpr(map.getNumDims() + i, map.getContext()));
    expectReach(resolve(op.getTensor(), d),
                map.getResult(0).replaceSymbols(symbols), reach);
  }
}

/// False when a size is not known at the call.
bool Collector::expectReach(Size size, AffineExpr index, ArrayRef<Size> reach) {
  ReachCheck check;
  for (auto [i, bound] : llvm::enumerate(reach)) {
    if (!bound && index.isFunctionOfDim(i))
      return false;
    check.reach.push_back(bound.value_or(ArgumentSize{-1, 1}));
  }
  if (!size)
    return false;
  check.size = *size;
  check.index = AffineMap::get(reach.size(), 0, index);
  reaches.push_back(std::move(check));
  return true;
}

/// A slice at a parallel loop's index covers its source; a slice from 0 on with
/// a size taken from elsewhere is all of it.
void Collector::visitSlice(Value operand) {
  auto slice = operand.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice)
    return;
  for (auto [d, offset] : llvm::enumerate(slice.getMixedOffsets())) {
    Size size = resolve(slice.getSource(), d);
    if (auto index = dyn_cast<Value>(offset))
      expect(size, loopBound(index), /*exactly=*/true);
    else if (isConstantIntValue(offset, 0))
      expect(size, resolve(slice.getMixedSizes()[d]), /*exactly=*/true);
  }
}

/// A part of fixed place and size, whatever the call, is there.
void Collector::visitConstantSlice(tensor::ExtractSliceOp slice) {
  if (slice->getParentOp() != entry)
    return; // in a loop that may have no step
  for (auto [d, offset] : llvm::enumerate(slice.getMixedOffsets())) {
    std::optional<int64_t> first = getConstantIntValue(offset),
                           size = getConstantIntValue(slice.getMixedSizes()[d]);
    if (first && size && *first + *size > 0)
      expect(resolve(slice.getSource(), d), ArgumentSize{-1, *first + *size},
             /*exactly=*/false);
  }
}

LogicalResult Collector::visit(OnlineSdpaOp op) {
  visitSlice(op.getQuery());
  visitSlice(op.getKey());
  visitSlice(op.getValue());
  Size reach[] = {loopBound(op.getBatch()), loopBound(op.getHead()),
                  resolve(op.getNumQueries()), resolve(op.getNumKeys())};
  for (unsigned i = 0; i < op.getCaptures().size(); ++i)
    // What is generated beside the op was made for it.
    if (isa<RankedTensorType>(op.getCaptures()[i].getType()) &&
        !op.getCaptures()[i].getDefiningOp<tensor::GenerateOp>())
      if (failed(visitCapture(op, i, reach)))
        return failure();
  return success();
}

/// A capture holds what its map reaches. What is neither a dimension nor known
/// at the call (the place of a tile that somebody else cut) cannot be checked.
LogicalResult Collector::visitCapture(OnlineSdpaOp op, unsigned number,
                                      ArrayRef<Size> reach) {
  Value capture = op.getCaptures()[number];
  AffineMap map = op.getCaptureMapValues()[number];
  bool isTile = !reach[0] || !reach[1] ||
                op.getNumQueries().getDefiningOp<arith::AddIOp>();
  for (auto [d, result] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (dim && (reach[dim.getPosition()] || !isTile))
      expect(resolve(capture, d), reach[dim.getPosition()],
             /*exactly=*/false);
    else if (!expectReach(resolve(capture, d), result, reach))
      return op.emitOpError()
             << "reads dimension " << d << " of capture #" << number << " at "
             << AffineMapAttr::get(AffineMap::get(4, 0, result))
             << "; expected positions and a tensor whose sizes follow from the "
                "arguments' sizes";
  }
  return success();
}

/// What attn.gather_pages became: rows of the tensors that it names are read
/// where others say.
LogicalResult Collector::visitPages(scf::ForallOp loop) {
  auto dims = loop->getAttrOfType<DenseI64ArrayAttr>(kGatherPages);
  if (!dims)
    return success();
  Value table, lens, pool;
  loop.walk([&](Operation *op) {
    if (auto extract = dyn_cast<tensor::ExtractOp>(op))
      (extract.getIndices().size() == 2 ? table : lens) = extract.getTensor();
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
      if (!llvm::is_contained(loop.getRegionIterArgs(), slice.getSource()))
        pool = slice.getSource();
  });
  auto argumentOf = [&](Value value) -> std::optional<int64_t> {
    while (auto cast = value.getDefiningOp<tensor::CastOp>())
      value = cast.getSource();
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument || argument.getOwner()->getParentOp() != entry)
      return std::nullopt;
    return argument.getArgNumber();
  };
  std::optional<int64_t> tableNumber = argumentOf(table),
                         lensNumber = argumentOf(lens);
  Size count = resolve(pool, dims[0]), rows = resolve(pool, dims[1]);
  if (!tableNumber || !lensNumber || !count || !rows)
    return loop.emitOpError("expects table, lens and pool of gathered pages to "
                            "be arguments of the entry, but found others");
  expect(resolve(lens, 0), resolve(table, 0), /*exactly=*/true);
  pages.push_back({*tableNumber, *lensNumber, *count, *rows});
  return success();
}

AffineExpr attn::boundOf(AffineExpr expr, bool largest) {
  MLIRContext *context = expr.getContext();
  if (isa<AffineDimExpr>(expr))
    return largest ? expr : getAffineConstantExpr(0, context);
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return expr;
  AffineExpr lhs = binary.getLHS(), rhs = binary.getRHS();
  if (binary.getKind() == AffineExprKind::Add)
    return boundOf(lhs, largest) + boundOf(rhs, largest);
  // The others have a constant on their right; what they divide by is positive.
  int64_t constant = cast<AffineConstantExpr>(rhs).getValue();
  switch (binary.getKind()) {
  case AffineExprKind::Mul:
    return boundOf(lhs, largest == (constant >= 0)) * constant;
  case AffineExprKind::Mod:
    return getAffineConstantExpr(largest ? constant - 1 : 0, context);
  case AffineExprKind::FloorDiv:
    return boundOf(lhs, largest).floorDiv(constant);
  default:
    return boundOf(lhs, largest).ceilDiv(constant);
  }
}

FailureOr<EntryChecks> Collector::run() {
  WalkResult walked = entry.walk([&](Operation *op) {
    if (auto linalg = dyn_cast<linalg::LinalgOp>(op))
      visit(linalg);
    else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
      visitConstantSlice(slice);
    else if (auto sdpa = dyn_cast<OnlineSdpaOp>(op))
      return WalkResult(visit(sdpa));
    else if (auto loop = dyn_cast<scf::ForallOp>(op))
      return WalkResult(visitPages(loop));
    return WalkResult::advance();
  });
  if (walked.wasInterrupted())
    return failure();
  return EntryChecks{SmallVector<SizeCheck>(checks.begin(), checks.end()),
                     std::move(reaches), std::move(pages)};
}

FailureOr<EntryChecks> attn::collectEntryChecks(func::FuncOp entry) {
  return Collector(entry).run();
}
