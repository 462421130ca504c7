//===- SizeRules.cpp - How arguments' sizes must agree --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A size is a dimension of a tensor, an index, or a number. Ops put sizes into
// classes of equal ones; a class that holds two arguments' dimensions, or one
// and a number, is a rule.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/SizeRules.h"
#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/EquivalenceClasses.h"

#include <array>
#include <map>
#include <tuple>

using namespace mlir;

namespace attn {
namespace {

/// Whose size, and which: a dimension of a value; an index value, at -1; a loop
/// of an op; or a number, without an owner.
using Size = std::pair<const void *, int64_t>;

Size numberOf(int64_t value) { return {nullptr, value}; }

Size dimOf(Value tensor, int64_t dim) {
  int64_t size = cast<RankedTensorType>(tensor.getType()).getDimSize(dim);
  if (!ShapedType::isDynamic(size))
    return numberOf(size);
  return {tensor.getAsOpaquePointer(), dim};
}

Size sizeOf(OpFoldResult value) {
  if (auto attribute = dyn_cast<Attribute>(value))
    return numberOf(cast<IntegerAttr>(attribute).getInt());
  auto index = cast<Value>(value);
  if (std::optional<int64_t> constant = getConstantIntValue(index))
    return numberOf(*constant);
  return {index.getAsOpaquePointer(), -1};
}

/// The sizes (b, h, m, n, d, dv) of an attention.
struct Problem {
  explicit Problem(SdpaOp op)
      : b(at(op.getQuery(), op.getQueryLayout(), 0)),
        h(at(op.getQuery(), op.getQueryLayout(), 1)),
        m(at(op.getQuery(), op.getQueryLayout(), 2)),
        n(at(op.getKey(), op.getKeyLayout(), 2)),
        dv(at(op.getValue(), op.getValueLayout(), 3)) {}

  static Size at(Value tensor, AffineMap layout, unsigned dim) {
    return dimOf(tensor, getLayoutPosition(layout, dim));
  }
  /// Of the score tensor [B, H, M, N].
  Size dim(unsigned i) const { return std::array<Size, 4>{b, h, m, n}[i]; }

  Size b, h, m, n, dv;
};

class RuleFinder {
public:
  void visit(Operation *op);
  std::vector<SizeRule> rulesFor(func::FuncOp entry);

private:
  struct Tie {
    SizeRule::Relation relation;
    Size size, other;
  };

  void equal(Size a, Size b) { classes.unionSets(a, b); }
  void tie(SizeRule::Relation relation, Size a, Size b) {
    classes.insert(a);
    classes.insert(b);
    ties.push_back({relation, a, b});
  }
  void equalShapes(Value a, Value b);
  void visitSdpa(SdpaOp op);
  void visitClauses(SdpaOp op, const Problem &problem);
  void visitPlaces(SdpaOp op, const Problem &problem);
  void visitMerge(MergeOp op);
  void visitPages(GatherPagesOp op);
  void visitRope(RopeOp op);
  void visitLinalg(linalg::LinalgOp op);
  void visitTensorOp(Operation *op);
  void visitReassociation(Value expanded, Value collapsed,
                          ArrayRef<ReassociationIndices> reassociation);
  void addRule(std::vector<SizeRule> &rules, SizeRule::Relation relation,
               Size size, Size other);

  llvm::EquivalenceClasses<Size> classes;
  std::vector<Tie> ties;
  std::map<Size, std::pair<int, int>>
      arguments; ///< dimension -> (argument, dimension)
  std::map<Size, Size>
      representatives; ///< leader of a class -> a number or an argument's size
};

void RuleFinder::equalShapes(Value a, Value b) {
  for (int64_t i = 0, rank = cast<RankedTensorType>(a.getType()).getRank();
       i < rank; ++i)
    equal(dimOf(a, i), dimOf(b, i));
}

void RuleFinder::visitSdpa(SdpaOp op) {
  Problem problem(op);
  auto key = [&](unsigned dim) {
    return Problem::at(op.getKey(), op.getKeyLayout(), dim);
  };
  auto value = [&](unsigned dim) {
    return Problem::at(op.getValue(), op.getValueLayout(), dim);
  };
  auto output = [&](unsigned dim) {
    return Problem::at(op.getOutput(), op.getOutputLayout(), dim);
  };
  equal(problem.b, key(0)); // sdpa_c3
  equal(problem.b, value(0));
  equal(key(1), value(1));
  equal(problem.n, value(2));
  equal(Problem::at(op.getQuery(), op.getQueryLayout(), 3), key(3));
  tie(SizeRule::MultipleOf, problem.h, key(1)); // sdpa_c4
  equal(output(0), problem.b);                  // sdpa_c5
  equal(output(1), problem.h);
  equal(output(2), problem.m);
  equal(output(3), problem.dv);
  for (Value result : {op.getLse(), op.getWeights()}) // sdpa_c6
    if (result)
      for (int64_t i = 0,
                   rank = cast<RankedTensorType>(result.getType()).getRank();
           i < rank; ++i)
        equal(dimOf(result, i), problem.dim(i));
  visitClauses(op, problem);
}

void RuleFinder::visitClauses(SdpaOp op, const Problem &problem) {
  for (Value perHead : {op.getAlibi(), op.getSinks()}) // sdpa_c11
    if (perHead)
      equal(dimOf(perHead, 0), problem.h);
  if (op.getKvLens()) // sdpa_c12
    equal(dimOf(op.getKvLens(), 0), problem.b);
  visitPlaces(op, problem);
  for (Value mask :
       {op.getAdditive(),
        op.getKeep()}) { // sdpa_c13; only a 1 in the type broadcasts
    auto type =
        mask ? cast<RankedTensorType>(mask.getType()) : RankedTensorType();
    for (int64_t i = 0; type && i < type.getRank(); ++i)
      if (type.getDimSize(i) != 1)
        equal(dimOf(mask, i), problem.dim(4 - type.getRank() + i));
  }
  for (auto [capture, map] :
       llvm::zip(op.getCaptures(), op.getCaptureMapValues())) // sdpa_c22
    if (isa<RankedTensorType>(capture.getType()))
      for (auto [i, expr] : llvm::enumerate(map.getResults()))
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          tie(SizeRule::AtLeast, dimOf(capture, i),
              problem.dim(dim.getPosition()));
}

/// Lists of places; which blocks of queries and keys there are is a size of no
/// argument, and is checked where the list is read.
void RuleFinder::visitPlaces(SdpaOp op, const Problem &problem) {
  // Sizes [B, size] or [size].
  auto perRow = [&](Value list, Size size) {
    int64_t rank = cast<RankedTensorType>(list.getType()).getRank();
    if (rank == 2)
      equal(dimOf(list, 0), problem.b);
    equal(dimOf(list, rank - 1), size);
  };
  Value prefix = op.getPrefix(); // sdpa_c25
  if (prefix && isa<RankedTensorType>(prefix.getType()))
    equal(dimOf(prefix, 0), problem.b);
  if (!op.getDocuments().empty()) { // sdpa_c26
    perRow(op.getDocuments().front(), problem.m);
    perRow(op.getDocuments().back(), problem.n);
  }
  if (Value table = op.getBlockSparse()) { // sdpa_c27
    auto type = cast<RankedTensorType>(table.getType());
    for (int64_t i = 0; i < type.getRank() - 2; ++i)
      if (type.getDimSize(i) != 1)
        equal(dimOf(table, i), problem.dim(4 - type.getRank() + i));
  }
  if (!op.getRagged().empty()) // sdpa_c30
    equal(dimOf(op.getRagged()[0], 0), dimOf(op.getRagged()[1], 0));
  if (op.getTree()) // sdpa_c28
    perRow(op.getTree(), problem.m);
  if (op.getRelativeBias()) // sdpa_c29
    equal(dimOf(op.getRelativeBias(), 0), problem.h);
}

void RuleFinder::visitMerge(MergeOp op) {
  auto part = [&](unsigned dim) {
    return dimOf(op.getParts(), 1 + getLayoutPosition(op.getPartLayout(), dim));
  };
  equal(dimOf(op.getPartLses(), 0), dimOf(op.getParts(), 0)); // merge_c3
  for (unsigned dim = 0; dim < 4; ++dim) {
    if (dim < 3)
      equal(dimOf(op.getPartLses(), dim + 1), part(dim));
    equal(Problem::at(op.getOutput(), op.getOutputLayout(), dim), // merge_c4
          part(dim));
    if (op.getLse() && dim < 3)
      equal(dimOf(op.getLse(), dim), part(dim));
  }
  if (op.getSinks()) // merge_c5
    equal(dimOf(op.getSinks(), 0), part(1));
}

void RuleFinder::visitPages(GatherPagesOp op) {
  equal(dimOf(op.getLens(), 0), dimOf(op.getTable(), 0)); // gather_pages_c4
  auto result = [&](unsigned dim) {
    return Problem::at(op.getResult(), op.getResultLayout(), dim);
  };
  equal(result(0), dimOf(op.getTable(), 0));
  for (unsigned dim : {1u, 3u})
    equal(result(dim), Problem::at(op.getPool(), op.getPoolLayout(), dim));
}

void RuleFinder::visitRope(RopeOp op) {
  equalShapes(op.getX(), op.getResult());
  for (Value table : {op.getCos(), op.getSin()}) { // rope_c2
    int64_t rank = cast<RankedTensorType>(table.getType()).getRank();
    equal(dimOf(table, rank - 2), Problem::at(op.getX(), op.getLayout(), 2));
    if (rank == 3)
      equal(dimOf(table, 0), Problem::at(op.getX(), op.getLayout(), 0));
  }
  equalShapes(op.getCos(), op.getSin());
}

/// Operands that one loop runs over have its length.
void RuleFinder::visitLinalg(linalg::LinalgOp op) {
  for (OpOperand &operand : op->getOpOperands())
    if (isa<RankedTensorType>(operand.get().getType()))
      for (auto [i, expr] :
           llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
        if (auto loop = dyn_cast<AffineDimExpr>(expr))
          equal(dimOf(operand.get(), i),
                Size{op.getOperation(), loop.getPosition()});
}

void RuleFinder::visitReassociation(
    Value expanded, Value collapsed,
    ArrayRef<ReassociationIndices> reassociation) {
  for (auto [i, group] : llvm::enumerate(reassociation))
    if (group.size() == 1)
      equal(dimOf(expanded, group.front()), dimOf(collapsed, i));
}

void RuleFinder::visitTensorOp(Operation *op) {
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    if (std::optional<int64_t> i = dim.getConstantIndex())
      equal(sizeOf(dim.getResult()), dimOf(dim.getSource(), *i));
  } else if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    for (auto [i, size] : llvm::enumerate(empty.getMixedSizes()))
      equal(dimOf(empty, i), sizeOf(size));
  } else if (auto cast = dyn_cast<tensor::CastOp>(op)) {
    if (isa<RankedTensorType>(cast.getSource().getType()) &&
        isa<RankedTensorType>(cast.getType()))
      equalShapes(cast.getSource(), cast);
  } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    visitReassociation(expand, expand.getSrc(),
                       expand.getReassociationIndices());
    for (auto [i, size] : llvm::enumerate(expand.getMixedOutputShape()))
      equal(dimOf(expand, i), sizeOf(size));
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    visitReassociation(collapse.getSrc(), collapse,
                       collapse.getReassociationIndices());
  }
}

void RuleFinder::visit(Operation *op) {
  if (auto sdpa = dyn_cast<SdpaOp>(op))
    visitSdpa(sdpa);
  else if (auto merge = dyn_cast<MergeOp>(op))
    visitMerge(merge);
  else if (auto pages = dyn_cast<GatherPagesOp>(op))
    visitPages(pages);
  else if (auto rope = dyn_cast<RopeOp>(op))
    visitRope(rope);
  else if (auto norm = dyn_cast<QkNormOp>(op))
    equalShapes(norm.getX(), norm.getResult());
  else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    visitLinalg(linalgOp);
  else
    visitTensorOp(op);
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    for (OpResult result : op->getResults())
      if (isa<RankedTensorType>(result.getType()))
        equalShapes(result, destination.getTiedOpOperand(result)->get());
}

void RuleFinder::addRule(std::vector<SizeRule> &rules,
                         SizeRule::Relation relation, Size size, Size other) {
  auto termOf = [&](Size of) {
    SizeTerm term;
    if (of.first)
      std::tie(term.argument, term.dim) = arguments.at(of);
    else
      term.value = of.second;
    return term;
  };
  SizeRule rule{relation, termOf(size), termOf(other)};
  // Two numbers are the verifier's business.
  if (!rule.size.isNumber() || !rule.other.isNumber())
    rules.push_back(rule);
}

std::vector<SizeRule> RuleFinder::rulesFor(func::FuncOp entry) {
  std::vector<SizeRule> rules;
  // A number stands for its class, or else the first argument in it.
  auto leader = [&](Size size) { return classes.getOrInsertLeaderValue(size); };
  for (auto &node : classes)
    if (const Size &size = node->getData(); !size.first)
      representatives.try_emplace(leader(size), size);
  for (BlockArgument argument : entry.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    for (int64_t i = 0; type && i < type.getRank(); ++i) {
      if (!type.isDynamicDim(i))
        continue;
      Size size = dimOf(argument, i);
      arguments[size] = {static_cast<int>(argument.getArgNumber()),
                         static_cast<int>(i)};
      auto [known, isNew] = representatives.try_emplace(leader(size), size);
      if (!isNew)
        addRule(rules, SizeRule::Equal, size, known->second);
    }
  }
  for (const Tie &tie : ties) {
    auto size = representatives.find(leader(tie.size)),
         other = representatives.find(leader(tie.other));
    if (size != representatives.end() && other != representatives.end())
      addRule(rules, tie.relation, size->second, other->second);
  }
  return rules;
}

} // namespace

bool SizeRule::holds(int64_t sizeValue, int64_t otherValue) const {
  switch (relation) {
  case Equal:
    return sizeValue == otherValue;
  case AtLeast:
    return sizeValue >= otherValue;
  case MultipleOf:
    return otherValue == 0 ? sizeValue == 0 : sizeValue % otherValue == 0;
  }
  llvm_unreachable("all relations are listed");
}

std::vector<SizeRule> findSizeRules(func::FuncOp entry) {
  RuleFinder finder;
  entry.walk([&](Operation *op) { finder.visit(op); });
  return finder.rulesFor(entry);
}

} // namespace attn
