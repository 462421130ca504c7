//===- BF16Bits.cpp - bf16 as the integer that it is stored as ------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// When all arithmetic of bf16 is done in f32, what is left moves and selects.
// LLVM does even that in f32 where a machine has no bf16, and calls
// __truncsfbf2 to come back, which Debian 12's libgcc does not have. Integers
// cost nothing.
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinTypes.h"

namespace attn {
#define GEN_PASS_DEF_CPUBF16BITSPASS
#include "attn/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;

namespace {
struct CPUBF16BitsPass final
    : attn::impl::CPUBF16BitsPassBase<CPUBF16BitsPass> {
  void runOnOperation() override {
    Type bits = IntegerType::get(&getContext(), 16);
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](BFloat16Type) { return bits; });
    using Replaced = std::optional<std::pair<Attribute, WalkResult>>;
    replacer.addReplacement([&](FloatAttr attr) -> Replaced {
      if (!attr.getType().isBF16())
        return std::nullopt;
      APInt value = attr.getValue().bitcastToAPInt();
      return {{IntegerAttr::get(bits, value), WalkResult::skip()}};
    });
    replacer.addReplacement([&](DenseElementsAttr attr) -> Replaced {
      if (!attr.getElementType().isBF16())
        return std::nullopt;
      return {{attr.bitcast(bits), WalkResult::skip()}};
    });
    // The types of packed weights are for the caller, who thinks in bf16.
    StringRef kept = "attn.packed";
    SmallVector<std::pair<Operation *, Attribute>> packed;
    getOperation()->walk([&](func::FuncOp func) {
      if (Attribute types = func->removeDiscardableAttr(kept))
        packed.push_back({func, types});
    });
    replacer.recursivelyReplaceElementsIn(getOperation(),
                                          /*replaceAttrs=*/true,
                                          /*replaceLocs=*/false,
                                          /*replaceTypes=*/true);
    for (auto [func, types] : packed)
      func->setDiscardableAttr(kept, types);
  }
};
} // namespace
