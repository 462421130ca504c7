//===- SizeTies.cpp - What ops ask of the sizes of their operands ---------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sizes.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;

Sizes::Id Sizes::make() {
  parents.push_back(static_cast<Id>(parents.size()));
  numbers.push_back(-1);
  letters.push_back(0);
  frozen.push_back(false);
  return parents.back();
}

Sizes::Id Sizes::dim(Value value, unsigned index) {
  auto [place, isNew] = dims.try_emplace({value, index}, 0);
  if (isNew)
    place->second = make();
  return place->second;
}

Sizes::Id Sizes::find(Id id) {
  while (parents[id] != id)
    id = parents[id] = parents[parents[id]];
  return id;
}

/// The one that was mentioned first stands for both.
void Sizes::tie(Id a, Id b) {
  a = find(a);
  b = find(b);
  if (a > b)
    std::swap(a, b);
  if (a == b)
    return;
  parents[b] = a;
  if (!letters[a])
    letters[a] = letters[b];
  if (numbers[a] < 0)
    numbers[a] = numbers[b];
}

void Sizes::nameIt(Id id, char letter) {
  if (!letters[find(id)])
    letters[find(id)] = letter;
}

void Sizes::tieAll(Value a, Value b) {
  auto left = dyn_cast<RankedTensorType>(a.getType());
  auto right = dyn_cast<RankedTensorType>(b.getType());
  if (left && right && left.getRank() == right.getRank())
    for (unsigned i = 0; i < left.getRank(); ++i)
      tie(dim(a, i), dim(b, i));
}

/// The lists of places that clauses read; `bhmn` as below.
template <typename OpTy>
void Sizes::addPlaces(OpTy op, ArrayRef<Id> bhmn) {
  auto perRow = [&](Value list, Id size) {
    unsigned rank = cast<RankedTensorType>(list.getType()).getRank();
    if (rank == 2)
      tie(dim(list, 0), bhmn[0]);
    tie(dim(list, rank - 1), size);
  };
  if (Value prefix = op.getPrefix())
    if (isa<RankedTensorType>(prefix.getType()))
      tie(dim(prefix, 0), bhmn[0]);
  if (!op.getDocuments().empty()) {
    perRow(op.getDocuments().front(), bhmn[2]);
    perRow(op.getDocuments().back(), bhmn[3]);
  }
  if (!op.getRagged().empty())
    tie(dim(op.getRagged()[0], 0), dim(op.getRagged()[1], 0));
  if (op.getTree())
    perRow(op.getTree(), bhmn[2]);
  if (op.getRelativeBias())
    tie(dim(op.getRelativeBias(), 0), bhmn[1]);
}

/// The operands of the clauses; `bhmn` are the sizes of the scores.
template <typename OpTy>
void Sizes::addClauses(OpTy op, ArrayRef<Id> bhmn) {
  for (Value bias : {op.getAdditive(), op.getKeep()}) {
    if (!bias)
      continue;
    // Aligned to the right; a 1 broadcasts.
    auto type = cast<RankedTensorType>(bias.getType());
    for (unsigned i = 0; i < type.getRank(); ++i)
      if (type.getDimSize(i) != 1)
        tie(dim(bias, i), bhmn[4 - type.getRank() + i]);
  }
  for (Value perHead : {op.getAlibi(), op.getSinks()})
    if (perHead)
      tie(dim(perHead, 0), bhmn[1]);
  if (op.getKvLens())
    tie(dim(op.getKvLens(), 0), bhmn[0]);
  addPlaces(op, bhmn);
  if (!op.getCaptureMapsAttr())
    return;
  for (auto [capture, attribute] :
       llvm::zip(op.getCaptures(), op.getCaptureMapsAttr())) {
    AffineMap map = cast<AffineMapAttr>(attribute).getValue();
    if (!isa<RankedTensorType>(capture.getType()))
      continue;
    for (auto [i, place] : llvm::enumerate(map.getResults()))
      if (auto letter = dyn_cast<AffineDimExpr>(place))
        tie(dim(capture, i), bhmn[letter.getPosition()]);
  }
}

void Sizes::addSdpa(Operation *untyped) {
  auto op = cast<SdpaOp>(untyped);
  // Logical dimension (0 b, 1 h, 2 s, 3 d) of query, key, value or output.
  auto at = [&](Value value, unsigned operand, unsigned logical) {
    return dim(value, getLayoutPosition(op.getLayout(operand), logical));
  };
  Value q = op.getQuery(), k = op.getKey(), v = op.getValue(),
        o = op.getOutput();
  Id b = at(q, 0, 0), h = at(q, 0, 1), m = at(q, 0, 2), n = at(k, 1, 2);
  for (auto [value, operand] : {std::pair(k, 1u), {v, 2u}, {o, 3u}})
    tie(b, at(value, operand, 0));
  tie(h, at(o, 3, 1));
  tie(at(k, 1, 1), at(v, 2, 1));
  groups.push_back({h, at(k, 1, 1)});
  tie(m, at(o, 3, 2));
  tie(n, at(v, 2, 2));
  tie(at(q, 0, 3), at(k, 1, 3));
  tie(at(v, 2, 3), at(o, 3, 3));
  for (auto [id, letter] : {std::pair(b, 'B'),
                            {h, 'H'},
                            {at(k, 1, 1), 'G'},
                            {m, 'M'},
                            {n, 'N'},
                            {at(q, 0, 3), 'D'},
                            {at(v, 2, 3), 'V'}})
    nameIt(id, letter);
  const Id scores[] = {b, h, m, n};
  for (Value result : {op.getLse(), op.getWeights()})
    for (int i = 0;
         result && i < cast<RankedTensorType>(result.getType()).getRank(); ++i)
      tie(dim(result, i), scores[i]);
  addClauses(op, scores);
}

void Sizes::addMha(Operation *untyped) {
  auto op = cast<MhaOp>(untyped);
  Value x = op.getX(), source = op.getKeySource(), y = op.getOutput();
  Id b = dim(x, 0), m = dim(x, 1), n = dim(source, 1);
  tie(b, dim(source, 0));
  tie(b, dim(y, 0));
  tie(m, dim(y, 1));
  Id h = make(), hkv = op.getKvHeads() ? make() : h, d = make(), dv = make();
  numbers[h] = op.getHeads();
  numbers[hkv] = op.getNumKvHeads();
  headsAttrs.push_back({op, "heads", h});
  if (op.getKvHeads())
    headsAttrs.push_back({op, "kv_heads", hkv});
  groups.push_back({h, hkv});
  for (auto [id, letter] : {std::pair(b, 'B'),
                            {h, 'H'},
                            {hkv, 'G'},
                            {m, 'M'},
                            {n, 'N'},
                            {d, 'D'},
                            {dv, 'V'}})
    nameIt(id, letter);
  ValueRange weights = op.getWeights();
  Value wo = weights.back();
  if (op.getPacked()) {
    tie(d, dv);
    formulas.push_back({dim(weights[0], 0), {{h, d}, {hkv, d}, {hkv, d}}});
    tie(dim(weights[0], 1), dim(x, 2));
  } else {
    formulas.push_back({dim(weights[0], 0), {{h, d}}});
    formulas.push_back({dim(weights[1], 0), {{hkv, d}}});
    formulas.push_back({dim(weights[2], 0), {{hkv, dv}}});
    tie(dim(weights[0], 1), dim(x, 2));
    tie(dim(weights[1], 1), dim(source, 2));
    tie(dim(weights[2], 1), dim(source, 2));
  }
  formulas.push_back({dim(wo, 1), {{h, dv}}});
  tie(dim(wo, 0), dim(y, 2));
  for (auto [weight, bias] : llvm::zip(weights, op.getBiases()))
    tie(dim(weight, 0), dim(bias, 0));
  for (Value gamma : {op.getNormQ(), op.getNormK()})
    if (gamma)
      tie(dim(gamma, 0), d);
  const Id scores[] = {b, h, m, n};
  for (unsigned i = 0; op.getProbabilities() && i < 4; ++i)
    tie(dim(op.getProbabilities(), i), scores[i]);
  addClauses(op, scores);
}

/// [B, S, H*D] to [B, H, S, D] or back.
void Sizes::addHeadMove(Operation *op) {
  bool splits = isa<SplitHeadsOp>(op);
  Value packed = splits ? op->getOperand(0) : op->getResult(0);
  Value heads = splits ? op->getResult(0) : op->getOperand(0);
  tie(dim(packed, 0), dim(heads, 0));
  tie(dim(packed, 1), dim(heads, 2));
  formulas.push_back({dim(packed, 2), {{dim(heads, 1), dim(heads, 3)}}});
  if (splits)
    headsAttrs.push_back({op, "heads", dim(heads, 1)});
}

/// Dimensions that one loop runs over are equal.
void Sizes::addLinalg(Operation *untyped) {
  auto op = cast<linalg::LinalgOp>(untyped);
  DenseMap<unsigned, Id> loops;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [i, place] : llvm::enumerate(map.getResults()))
      if (auto loop = dyn_cast<AffineDimExpr>(place)) {
        Id id = dim(operand.get(), i);
        auto [first, isNew] = loops.try_emplace(loop.getPosition(), id);
        if (!isNew)
          tie(first->second, id);
      }
  }
}

void Sizes::addOp(Operation *op) {
  TypeSwitch<Operation *>(op)
      .Case<SdpaOp>([&](auto) { addSdpa(op); })
      .Case<MhaOp>([&](auto) { addMha(op); })
      .Case<SplitHeadsOp, MergeHeadsOp>([&](auto) { addHeadMove(op); })
      .Case<linalg::LinalgOp>([&](auto) { addLinalg(op); });
  if (auto rope = dyn_cast<RopeOp>(op)) {
    tieAll(rope.getCos(), rope.getSin());
    auto table = cast<RankedTensorType>(rope.getCos().getType());
    tie(dim(rope.getCos(), table.getRank() - 2),
        dim(rope.getX(), getLayoutPosition(rope.getLayout(), 2)));
  }
  if (auto norm = dyn_cast<QkNormOp>(op)) {
    auto type = cast<RankedTensorType>(norm.getX().getType());
    tie(dim(norm.getGamma(), 0), dim(norm.getX(), type.getRank() - 1));
  }
  if (isa<RopeOp, QkNormOp>(op) ||
      op->hasTrait<OpTrait::SameOperandsAndResultShape>() ||
      op->hasTrait<OpTrait::Elementwise>())
    for (Value operand : op->getOperands())
      for (Value result : op->getResults())
        if (!isa<RopeOp, QkNormOp>(op) || operand == op->getOperand(0))
          tieAll(operand, result);
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    for (Value result : op->getResults())
      tieAll(destination.getTiedOpOperand(cast<OpResult>(result))->get(),
             result);
}
