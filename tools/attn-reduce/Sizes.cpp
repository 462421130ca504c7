//===- Sizes.cpp - The sizes of a function and how they hang together -----===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sizes.h"
#include "Moves.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "attn/Execute/Signature.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace attn;

static RankedTensorType tensorOf(Value value) {
  return dyn_cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

std::string attn::defaultInput(Type type, ArrayRef<int64_t> shape,
                               unsigned seed) {
  Type element = getElementTypeOrSelf(type);
  std::optional<Dtype> dtype = dtypeOf(element);
  if (!dtype)
    return "";
  std::string text = shapeString(shape, *dtype);
  // A scalar is a scale, a cap or a position: one that keeps its meaning.
  if (!isa<ShapedType>(type))
    return text + (isFloat(*dtype) ? "=1.5" : "=2");
  if (isFloat(*dtype) || *dtype == Dtype::I1)
    return text + "=random:" + std::to_string(seed);
  // Lengths and positions stay inside of what they index.
  return text + "=1";
}

/// The sizes at the start of "2x3xf32=random:1".
static SmallVector<int64_t> sizesOf(StringRef input) {
  SmallVector<int64_t> sizes;
  while (!input.empty() && llvm::isDigit(input.front())) {
    int64_t size;
    if (input.consumeInteger(10, size) || !input.consume_front("x"))
      break;
    sizes.push_back(size);
  }
  return sizes;
}

void attn::permuteInput(func::FuncOp func, unsigned argument,
                        AffineMap layout) {
  auto input = func.getArgAttrOfType<StringAttr>(argument, inputAttrName);
  std::optional<Dtype> dtype =
      dtypeOf(getElementTypeOrSelf(func.getArgument(argument)));
  if (!input || !dtype)
    return;
  SmallVector<int64_t> sizes = sizesOf(input), logical;
  if (sizes.size() != 4)
    return;
  for (unsigned d = 0; d < 4; ++d)
    logical.push_back(sizes[getLayoutPosition(layout, d)]);
  func.setArgAttr(argument, inputAttrName,
                  StringAttr::get(func.getContext(),
                                  shapeString(logical, *dtype) + "=" +
                                      input.getValue().split('=').second));
}

void Sizes::readInputs() {
  for (BlockArgument argument : func.getArguments()) {
    auto input = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                   inputAttrName);
    RankedTensorType type = tensorOf(argument);
    if (!input || !type)
      continue;
    bool isFile = input.getValue().contains('@');
    SmallVector<int64_t> sizes = sizesOf(input);
    for (unsigned i = 0; i < type.getRank(); ++i) {
      Id id = find(dim(argument, i));
      if (isFile || input.getValue().contains(','))
        frozen[id] = true;
      if (i < sizes.size() && numbers[id] < 0)
        numbers[id] = sizes[i];
    }
  }
}

/// Sizes that nobody gave: several blocks of keys, nothing round.
void Sizes::guessOpenNumbers() {
  for (Id id = 0; id < static_cast<Id>(parents.size()); ++id) {
    if (find(id) != id || numbers[id] >= 0)
      continue;
    switch (letters[id]) {
    case 'B':
      numbers[id] = 2;
      break;
    case 'H':
      numbers[id] = 4;
      break;
    case 'G':
      numbers[id] = 2;
      break;
    case 'N':
      numbers[id] = 150;
      break;
    default:
      numbers[id] = 37;
    }
  }
}

//===----------------------------------------------------------------------===//
// Asking
//===----------------------------------------------------------------------===//

Sizes::Sizes(func::FuncOp func) : func(func) {
  auto take = [&](Value value) {
    RankedTensorType type = tensorOf(value);
    if (!type)
      return;
    values.push_back(value);
    for (unsigned i = 0; i < type.getRank(); ++i)
      dim(value, i);
  };
  llvm::for_each(func.getArguments(), take);
  func.walk([&](Operation *op) { llvm::for_each(op->getResults(), take); });
  func.walk([&](Operation *op) { addOp(op); });
  readNumbers();
  readInputs();
  guessOpenNumbers();
}

void Sizes::readNumbers() {
  for (Value value : values)
    for (auto [i, size] : llvm::enumerate(tensorOf(value).getShape()))
      if (!ShapedType::isDynamic(size))
        numbers[find(dim(value, i))] = size;
  // heads * D: D has no dimension of its own in a block.
  for (const Formula &formula : formulas) {
    int64_t total = numbers[find(formula.total)], sum = 0;
    Id unknown = none;
    for (const auto &term : formula.terms) {
      int64_t product = 1;
      for (Id id : term) {
        if (numbers[find(id)] < 0)
          unknown = find(id);
        else
          product *= numbers[find(id)];
      }
      sum += product;
    }
    if (unknown != none && total >= 0 && sum > 0)
      numbers[unknown] = total / sum;
  }
}

std::vector<Sizes::Id> Sizes::bases() {
  std::vector<Id> result;
  std::vector<bool> seen(parents.size());
  for (const Formula &formula : formulas)
    seen[find(formula.total)] = true;
  for (Id id = 0; id < static_cast<Id>(parents.size()); ++id) {
    if (seen[find(id)] || frozen[find(id)])
      continue;
    seen[find(id)] = true;
    result.push_back(find(id));
  }
  return result;
}

std::string Sizes::name(Id id) {
  switch (char letter = letters[find(id)]) {
  case 0:
    return "a size of " + std::to_string(number(id));
  case 'G':
    return "Hkv";
  case 'V':
    return "Dv";
  default:
    return std::string(1, letter);
  }
}

bool Sizes::isOpen(Id id) {
  return llvm::any_of(dims, [&](const auto &entry) {
    auto [value, index] = entry.first;
    return find(entry.second) == find(id) &&
           tensorOf(value).isDynamicDim(index);
  });
}

Sizes::Id Sizes::keyHeadsOf(Id heads) {
  for (auto [query, key] : groups)
    if (find(query) == find(heads) && find(key) != find(heads))
      return find(key);
  return none;
}

SmallVector<int64_t> Sizes::shapeOf(Value value) {
  SmallVector<int64_t> shape;
  if (RankedTensorType type = tensorOf(value))
    for (unsigned i = 0; i < type.getRank(); ++i)
      shape.push_back(number(dim(value, i)));
  return shape;
}

//===----------------------------------------------------------------------===//
// Changing
//===----------------------------------------------------------------------===//

bool Sizes::resize(ArrayRef<std::pair<Id, int64_t>> changes) {
  for (auto [id, number] : changes) {
    if (frozen[find(id)])
      return false;
    numbers[find(id)] = number;
  }
  for (const Formula &formula : formulas) {
    int64_t total = 0;
    for (const auto &term : formula.terms) {
      int64_t product = 1;
      for (Id id : term)
        product *= number(id);
      total += product;
    }
    if (frozen[find(formula.total)] && number(formula.total) != total)
      return false;
    numbers[find(formula.total)] = total;
  }
  for (const HeadsAttr &attribute : headsAttrs)
    attribute.op->setAttr(
        attribute.name,
        Builder(func.getContext()).getI64IntegerAttr(number(attribute.id)));
  return writeTypes(/*closing=*/false, none);
}

bool Sizes::close(Id id) { return writeTypes(/*closing=*/true, find(id)); }

static bool retype(Value value, RankedTensorType type) {
  if (auto constant = value.getDefiningOp<arith::ConstantOp>()) {
    auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
    if (!splat)
      return false;
    constant.setValueAttr(
        DenseElementsAttr::get(type, splat.getSplatValue<Attribute>()));
  }
  value.setType(type);
  return true;
}

bool Sizes::writeTypes(bool closing, Id closed) {
  for (Value value : values) {
    RankedTensorType type = tensorOf(value);
    SmallVector<int64_t> shape(type.getShape());
    for (auto [i, size] : llvm::enumerate(shape)) {
      Id id = find(dim(value, i));
      if (!ShapedType::isDynamic(size) || (closing && id == closed))
        size = numbers[id];
    }
    if (ArrayRef<int64_t>(shape) == type.getShape())
      continue;
    if (!retype(value, type.clone(shape)))
      return false;
  }
  for (BlockArgument argument : func.getArguments()) {
    unsigned i = argument.getArgNumber();
    auto input = func.getArgAttrOfType<StringAttr>(i, inputAttrName);
    if (!input || !tensorOf(argument) || input.getValue().contains('@'))
      continue;
    StringRef how = input.getValue().split('=').second;
    std::optional<Dtype> dtype = dtypeOf(getElementTypeOrSelf(argument));
    func.setArgAttr(i, inputAttrName,
                    StringAttr::get(func.getContext(),
                                    shapeString(shapeOf(argument), *dtype) +
                                        "=" + how.str()));
  }
  updateType(func);
  return true;
}
