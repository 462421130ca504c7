//===- MovedBytes.cpp - Tensors that need not be moved --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MovedBytes.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

void MovedBytes::add(RankedTensorType type) {
  int64_t size = 2 * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t dim : type.getShape()) {
    dynamic |= ShapedType::isDynamic(dim);
    size *= ShapedType::isDynamic(dim) ? 1 : dim;
  }
  bytes += size;
}

std::string MovedBytes::less() const {
  return std::to_string(bytes) + " bytes moved" +
         (dynamic ? " for each index of dynamic sizes" : "") +
         " and 0 FLOP less";
}
