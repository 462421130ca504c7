//===- BlockReader.h - A block as the reference takes it --------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_BLOCKREADER_H
#define ATTN_TOOLS_ATTN_RUN_BLOCKREADER_H

#include "Rules.h"

#include "attn/Reference/Blocks.h"

namespace attn {

reference::Dtype referenceType(Dtype type);

std::vector<double> doublesOf(const Tensor &tensor);

/// Sizes of a rope by its table of cosines; the tables are still to be set.
reference::Rope readRope(const Tensor &cosines, bool interleaved);

/// An attn.mha and the values of its operands.
struct ReadBlock {
  reference::Block block;
  /// Becomes true when a capture is read outside its tensor.
  std::shared_ptr<bool> escaped;
  std::vector<std::vector<double>> kept; ///< what `block` points to
};

/// Fails when a rule of `op` cannot be interpreted.
llvm::Expected<ReadBlock> readBlock(MhaOp op, FindValue find,
                                    const reference::Precision &precision);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_BLOCKREADER_H
