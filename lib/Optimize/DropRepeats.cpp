//===- DropRepeats.cpp - The pass attn-optimize-drop-repeats --------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention reads one key head for several query heads by itself.
//
//===----------------------------------------------------------------------===//

#include "MovedBytes.h"
#include "RepeatedHeads.h"
#include "attn/Optimize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

namespace attn {
#define GEN_PASS_DEF_OPTIMIZEDROPREPEATSPASS
#include "attn/Optimize/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr auto kRemark =
    remark::RemarkOpts::name("DropRepeats").category("attn-optimize");

namespace {
struct OptimizeDropRepeatsPass final
    : attn::impl::OptimizeDropRepeatsPassBase<OptimizeDropRepeatsPass> {
  using Base::Base;

  void runOnOperation() override {
    getOperation().walk([this](SdpaOp op) { dropRepeats(op); });
  }

private:
  void dropRepeats(SdpaOp op) {
    SmallVector<HeadSource> keys =
        findHeadSources(op.getKey(), op.getKeyLayout());
    SmallVector<HeadSource> values =
        findHeadSources(op.getValue(), op.getValueLayout());
    const HeadSource *key = nullptr, *value = nullptr;
    for (const HeadSource &k : keys)
      for (const HeadSource &v : values)
        if (k.group == v.group && (!key || k.group >= key->group))
          key = &k, value = &v;
    if (!key) {
      if (!keys.empty() || !values.empty())
        remark::missed(op.getLoc(), kRemark) << remark::reason(
            "repeated heads of {0} stay: those of {1} do not repeat alike",
            keys.empty() ? "V" : "K", keys.empty() ? "K" : "V");
      else if (isTileOfHeads(op.getKey(), op.getKeyLayout()) &&
               isTileOfHeads(op.getValue(), op.getValueLayout()))
        remark::missed(op.getLoc(), kRemark)
            << remark::reason("repeated heads of K and V stay: they are tiles, "
                              "for which query heads would have to move");
      return;
    }
    // K and V as they were, less what remains of them.
    MovedBytes saved;
    for (unsigned i = 0; i < 2; ++i)
      saved.add(cast<RankedTensorType>(op.getKey().getType()));
    saved.bytes -= saved.bytes / key->group;
    OpBuilder b(op);
    SmallVector<AffineMap> layouts;
    for (unsigned i = 0; i < 4; ++i)
      layouts.push_back(op.getLayout(i));
    Value newKey = key->withHeads(b, op.getLoc(), layouts[1]);
    Value newValue = value->withHeads(b, op.getLoc(), layouts[2]);
    op.getKeyMutable().assign(newKey);
    op.getValueMutable().assign(newValue);
    op.setLayoutsAttr(b.getAffineMapArrayAttr(layouts));
    remark::passed(op.getLoc(), kRemark)
        << ("each head of K and V was there " + Twine(key->group) +
            " times: " + saved.less())
               .str();
  }
};
} // namespace
