//===- InferTypes.cpp - Result types that follow from the operands
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Operands of a wrong rank infer their own type, and any type is compatible:
// what is wrong is said by the op's verifier, under its label.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/Attn.h"

using namespace mlir;
using namespace attn;

LogicalResult SplitHeadsOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location>,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  int64_t heads = adaptor.getHeads();
  if (x.getRank() != 3 || heads < 1) {
    types.push_back(x);
    return success();
  }
  int64_t e = x.getDimSize(2);
  int64_t d = ShapedType::isDynamic(e) ? e : e / heads;
  types.push_back(RankedTensorType::get(
      {x.getDimSize(0), heads, x.getDimSize(1), d}, x.getElementType()));
  return success();
}

bool SplitHeadsOp::isCompatibleReturnTypes(TypeRange, TypeRange) {
  return true;
}

LogicalResult MergeHeadsOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location>,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  if (x.getRank() != 4) {
    types.push_back(x);
    return success();
  }
  int64_t h = x.getDimSize(1), d = x.getDimSize(3);
  int64_t e = ShapedType::isDynamic(h) || ShapedType::isDynamic(d)
                  ? ShapedType::kDynamic
                  : h * d;
  types.push_back(RankedTensorType::get({x.getDimSize(0), x.getDimSize(2), e},
                                        x.getElementType()));
  return success();
}

bool MergeHeadsOp::isCompatibleReturnTypes(TypeRange, TypeRange) {
  return true;
}
