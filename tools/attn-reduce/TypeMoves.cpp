//===- TypeMoves.cpp - Plainer types and smaller sizes --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Moves.h"
#include "Sizes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AttrTypeSubElements.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// f32
//===----------------------------------------------------------------------===//

/// The input of an argument that has become f32: "2x3xbf16=..." to
/// "2x3xf32=...".
static void renameInputs(ModuleOp module, StringRef from) {
  for (auto func : module.getOps<func::FuncOp>())
    for (unsigned i = 0; i < func.getNumArguments(); ++i) {
      auto input = func.getArgAttrOfType<StringAttr>(i, inputAttrName);
      if (!input)
        continue;
      auto [type, how] = input.getValue().split('=');
      // bf16 ends like f16: an x or nothing stands before the whole word.
      StringRef sizes = type;
      if (!sizes.consume_back(from) || !(sizes.empty() || sizes.back() == 'x'))
        continue;
      func.setArgAttr(i, inputAttrName,
                      StringAttr::get(func.getContext(), sizes + "f32=" + how));
    }
}

/// Conversions between equal types are left behind.
static void dropConversions(ModuleOp module) {
  module.walk([](Operation *op) {
    if (isa<arith::ExtFOp, arith::TruncFOp>(op) &&
        op->getOperand(0).getType() == op->getResult(0).getType()) {
      op->getResult(0).replaceAllUsesWith(op->getOperand(0));
      op->erase();
    }
  });
}

static bool makeF32(ModuleOp module, FloatType from) {
  auto f32 = Float32Type::get(module.getContext());
  bool possible = true;
  AttrTypeReplacer replacer;
  replacer.addReplacement(
      [&](FloatType type) -> Type { return type == from ? Type(f32) : type; });
  replacer.addReplacement(
      [&](FloatAttr attribute) -> std::pair<Attribute, WalkResult> {
        if (attribute.getType() != from)
          return {attribute, WalkResult::skip()};
        return {FloatAttr::get(f32, attribute.getValueAsDouble()),
                WalkResult::skip()};
      });
  replacer.addReplacement(
      [&](DenseElementsAttr attribute) -> std::pair<Attribute, WalkResult> {
        possible &= attribute.getElementType() != from;
        return {attribute, WalkResult::skip()};
      });
  // An epsilon is an f64 whatever the tensors are.
  module.walk([&](Operation *op) {
    Attribute epsilon = op->getAttr("epsilon");
    Attribute normEpsilon = op->getAttr("norm_epsilon");
    replacer.replaceElementsIn(op, /*replaceAttrs=*/true,
                               /*replaceLocs=*/false, /*replaceTypes=*/true);
    if (epsilon)
      op->setAttr("epsilon", epsilon);
    if (normEpsilon)
      op->setAttr("norm_epsilon", normEpsilon);
  });
  std::string name;
  llvm::raw_string_ostream(name) << from;
  renameInputs(module, name);
  dropConversions(module);
  return possible;
}

void attn::listTypeMoves(ModuleOp module, Moves &moves) {
  MLIRContext *context = module.getContext();
  for (FloatType type : {FloatType(BFloat16Type::get(context)),
                         FloatType(Float16Type::get(context)),
                         FloatType(Float64Type::get(context))}) {
    bool used = false;
    module.walk([&](Operation *op) {
      for (Type other : op->getOperandTypes())
        used |= getElementTypeOrSelf(other) == type;
    });
    std::string name;
    llvm::raw_string_ostream(name) << type;
    if (used)
      moves.push_back({"f32 for " + name,
                       [type](ModuleOp copy) { return makeF32(copy, type); }});
  }
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// The function that a move of sizes changes, in a clone.
static func::FuncOp functionNumber(ModuleOp module, unsigned number) {
  return *std::next(module.getOps<func::FuncOp>().begin(), number);
}

/// Halvings of a size, the smallest first.
static SmallVector<int64_t> halvings(int64_t size) {
  SmallVector<int64_t> result;
  for (int64_t smaller = size / 2; smaller >= 1; smaller /= 2)
    result.insert(result.begin(), smaller);
  return result;
}

static void listResize(Sizes &sizes, Sizes::Id id, unsigned function,
                       Moves &moves) {
  int64_t size = sizes.number(id);
  Sizes::Id keyHeads = sizes.keyHeadsOf(id);
  for (int64_t smaller : halvings(size)) {
    SmallVector<std::pair<Sizes::Id, int64_t>> changes = {{id, smaller}};
    std::string what = sizes.name(id) + " = " + std::to_string(smaller);
    // Query heads stay a multiple of the key heads.
    if (keyHeads != Sizes::none && smaller % sizes.number(keyHeads) != 0) {
      int64_t fewer =
          std::max<int64_t>(1, sizes.number(keyHeads) * smaller / size);
      changes.push_back({keyHeads, smaller % fewer == 0 ? fewer : smaller});
      what += ", Hkv = " + std::to_string(changes.back().second);
    }
    moves.push_back(
        {what, [function, changes](ModuleOp copy) {
           return Sizes(functionNumber(copy, function)).resize(changes);
         }});
  }
}

void attn::listSizeMoves(ModuleOp module, Moves &moves) {
  for (auto [i, func] : llvm::enumerate(module.getOps<func::FuncOp>())) {
    if (func.isExternal() || !llvm::hasSingleElement(func.getBody()))
      continue;
    Sizes sizes(func);
    std::vector<Sizes::Id> ids = sizes.bases();
    // All at once first: one try instead of one per size.
    SmallVector<Sizes::Id> open = llvm::filter_to_vector(
        ids, [&](Sizes::Id id) { return sizes.isOpen(id); });
    auto offerClose = [&, i = i](ArrayRef<Sizes::Id> which, std::string what) {
      moves.push_back(
          {what, [i, list = SmallVector<Sizes::Id>(which)](ModuleOp copy) {
             Sizes sizes(functionNumber(copy, i));
             return llvm::all_of(list,
                                 [&](Sizes::Id id) { return sizes.close(id); });
           }});
    };
    if (open.size() > 1)
      offerClose(open, "numbers for all open sizes");
    for (Sizes::Id id : open)
      offerClose(id, "a number for " + sizes.name(id));
    for (Sizes::Id id : ids)
      listResize(sizes, id, i, moves);
  }
}
