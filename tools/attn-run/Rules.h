//===- Rules.h - The clauses of an op as callbacks of the reference -------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_RULES_H
#define ATTN_TOOLS_ATTN_RUN_RULES_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "attn/Reference/Attention.h"
#include "attn/Support/Tensor.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace attn {

/// Where the values of an op's operands are found.
using FindValue = llvm::function_ref<const Tensor &(mlir::Value)>;

/// Gives `problem`, whose shape is set, the scale, score rule, mask rule and
/// sinks of `op`, an attn.sdpa or attn.mha, straight from its clauses. The
/// callbacks own what they need. `escaped` becomes true when a capture is read
/// outside its tensor.
llvm::Error addRules(mlir::Operation *op, FindValue find,
                     reference::Problem &problem,
                     std::shared_ptr<bool> &escaped);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_RULES_H
