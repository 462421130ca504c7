//===- Asserts.cpp - The pass attn-cpu-asserts ----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exporters assert that what is looked up in a table lies in it. A failed
// assert would end the caller's process: here the position is clamped, so that
// nothing outside is read, and the element becomes NaN, which nobody takes for
// an answer.
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

namespace attn {
#define GEN_PASS_DEF_CPUASSERTSPASS
#include "attn/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;

/// NaN, or the lowest integer: as a position that lies in no table either.
static TypedAttr getPoison(OpBuilder &b, Type type) {
  if (auto number = dyn_cast<FloatType>(type))
    return b.getFloatAttr(number, APFloat::getNaN(number.getFloatSemantics()));
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  return b.getIntegerAttr(type, APInt::getSignedMinValue(width));
}

/// Positions of `extract` within its tensor.
static void clampPositions(tensor::ExtractOp extract) {
  ImplicitLocOpBuilder b(extract.getLoc(), extract);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  for (auto [i, position] : llvm::enumerate(extract.getIndicesMutable())) {
    if (matchPattern(position.get(), m_Constant()))
      continue;
    Value size = b.createOrFold<tensor::DimOp>(extract.getTensor(), i);
    Value last = arith::SubIOp::create(b, size, one);
    Value low = arith::MaxSIOp::create(b, position.get(), zero);
    position.set(arith::MinSIOp::create(b, low, last));
  }
}

/// Makes what the body yields NaN where one of its conditions does not hold.
static void poisonElements(linalg::GenericOp generic,
                           ArrayRef<Value> conditions) {
  generic.getBody()->walk(clampPositions);
  Operation *yield = generic.getBody()->getTerminator();
  ImplicitLocOpBuilder b(yield->getLoc(), yield);
  Value holds = conditions.front();
  for (Value condition : conditions.drop_front())
    holds = arith::AndIOp::create(b, holds, condition);
  for (OpOperand &operand : yield->getOpOperands()) {
    Value poison =
        arith::ConstantOp::create(b, getPoison(b, operand.get().getType()));
    operand.set(arith::SelectOp::create(b, holds, operand.get(), poison));
  }
}

namespace {
struct CPUAssertsPass final : attn::impl::CPUAssertsPassBase<CPUAssertsPass> {
  void runOnOperation() override {
    llvm::MapVector<linalg::GenericOp, SmallVector<Value>> conditions;
    WalkResult result = getOperation().walk([&](cf::AssertOp assert) {
      auto generic = dyn_cast<linalg::GenericOp>(assert->getParentOp());
      if (matchPattern(assert.getArg(), m_One()))
        assert.erase();
      else if (generic && generic.hasPureTensorSemantics())
        conditions[generic].push_back(assert.getArg());
      else
        return assert.emitError("expected cf.assert in a linalg.generic on "
                                "tensors or of a constant, but found it in ")
                   << assert->getParentOp()->getName() << ": '"
                   << assert.getMsg() << "'",
               WalkResult::interrupt();
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    for (auto &[generic, each] : conditions) {
      poisonElements(generic, each);
      generic.getBody()->walk([](cf::AssertOp assert) { assert.erase(); });
    }
  }
};
} // namespace
