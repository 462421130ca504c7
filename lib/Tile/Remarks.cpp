//===- Remarks.cpp - What Tile tells about an op --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Remarks.h"

#include "attn/Analysis/MaskRange.h"

#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace attn;

/// `arith.remsi`, or `capture #0 at m or n`.
static std::string nameOf(Value obstacle) {
  auto argument = dyn_cast<BlockArgument>(obstacle);
  if (!argument)
    return obstacle.getDefiningOp()->getName().getStringRef().str();
  // Positions are understood, so it is what was captured.
  return "capture #" + std::to_string(argument.getArgNumber() - 4) +
         " at m or n";
}

void attn::remarkKeyRange(SdpaOp op, bool testsBlocks) {
  constexpr auto options =
      remark::RemarkOpts::name("KeyRange").category("attn-tile");
  if (testsBlocks) {
    remark::passed(op.getLoc(), options)
        << "blocks of keys that the mask drops for a whole query group are "
           "skipped, after a test of each";
    return;
  }
  KeyRangeReading reading = readKeyRange(op);
  switch (reading.kind) {
  case KeyRangeReading::NoMask:
    remark::analysis(op.getLoc(), options)
        << "no mask: every query sees every key";
    return;
  case KeyRangeReading::Solved:
    remark::passed(op.getLoc(), options)
        << "keys that the mask drops for a whole query group are skipped";
    return;
  case KeyRangeReading::Partly:
    remark::missed(op.getLoc(), options)
        << "a part of the mask skips keys, another is evaluated for each"
        << remark::reason("{0} is not solved for n", nameOf(reading.obstacle));
    return;
  case KeyRangeReading::Unsolved:
    remark::missed(op.getLoc(), options)
        << "no keys are skipped: the mask is evaluated for each"
        << remark::reason("{0} is not solved for n", nameOf(reading.obstacle));
  }
}
