//===- Plant.cpp - Faults to find -----------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Plant.h"

#include "attn/Dialect/Attn/IR/Attn.h"

#include <cstdlib>

using namespace mlir;
using namespace attn;

static int64_t sizeOf(SdpaOp op, unsigned operand, unsigned dim) {
  return getLogicalDim(cast<ShapedType>(op->getOperand(operand).getType()),
                       op.getLayout(operand), dim);
}

void attn::plantFault(ModuleOp module, StringRef fault) {
  module.walk([&](SdpaOp op) {
    if (fault == "softcap" && sizeOf(op, 0, 3) >= 8)
      op.getSoftcapMutable().clear();
    if (fault == "window" && op.getStaticWindow() &&
        sizeOf(op, 0, 1) != sizeOf(op, 1, 1))
      std::abort();
  });
  module.walk([&](MhaOp op) {
    if (fault == "window" && op.getStaticWindow() &&
        static_cast<int64_t>(op.getHeads()) != op.getNumKvHeads())
      std::abort();
  });
}
