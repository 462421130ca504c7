//===- FusePlan.cpp - Write into each attention how it is computed --------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The decision is an attribute: later rooms obey it, remarks tell it, and a
// test writes it by hand.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/PlanChoice.h"
#include "attn/Fuse/Passes.h"
#include "attn/Support/TargetInfo.h"

#include "mlir/IR/Remarks.h"

namespace attn {
#define GEN_PASS_DEF_FUSEPLANPASS
#include "attn/Fuse/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// `wanted` is false where a target with kernels of its own gets the general
/// way instead: what a user should hear of.
static void remarkPlan(SdpaOp op, PlanAttr plan, StringRef reason,
                       bool wanted = true) {
  std::string text;
  llvm::raw_string_ostream(text) << plan;
  constexpr auto options =
      remark::RemarkOpts::name("Plan").category("attn-fuse");
  (wanted ? remark::passed(op.getLoc(), options)
          : remark::missed(op.getLoc(), options))
      << text << remark::reason("{0}", reason);
}

namespace {
struct FusePlanPass final : attn::impl::FusePlanPassBase<FusePlanPass> {
  using Base::Base;

  void runOnOperation() override {
    llvm::Expected<TargetInfo> info = TargetInfo::parse(target);
    if (!info) {
      getOperation().emitError() << llvm::toString(info.takeError());
      return signalPassFailure();
    }
    if (info->kind != TargetKind::Linalg && !info->isResolved()) {
      getOperation().emitError()
          << "expects a target that names the processor, such as "
             "cpu:x86-64-v3 or nvvm:sm_90a, but got "
          << target;
      return signalPassFailure();
    }
    getOperation().walk([&](SdpaOp op) {
      if (PlanAttr plan = op.getPlanAttr())
        return remarkPlan(op, plan, "written by hand");
      PlanChoice choice = choosePlan(PlanRequest::of(op), *info);
      op.setPlanAttr(choice.plan);
      if (info->isNVVM() && choice.plan.getRoom() == Room::Linalg)
        op.emitWarning("'attn.sdpa' takes the general way on ")
            << target << ": " << choice.reason;
      remarkPlan(op, choice.plan, choice.reason,
                 info->kind == TargetKind::Linalg ||
                     choice.plan.getRoom() != Room::Linalg);
    });
  }
};
} // namespace
