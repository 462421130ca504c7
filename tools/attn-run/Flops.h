//===- Flops.h - How much work a call is ------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Floating-point operations of the matrix products in an entry, for the shapes
// of one call.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_FLOPS_H
#define ATTN_TOOLS_ATTN_RUN_FLOPS_H

#include "attn/Support/Tensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/ArrayRef.h"

#include <optional>

namespace attn {

/// 2 B H M N (D + Dv) for each attn.sdpa, with M N replaced by the pairs that a
/// causal clause keeps (the diagonal counts half), and 2 per multiplication of
/// each contraction. `entry` is as it leaves SplitHeads, without calls. Nothing
/// when a size cannot be told from `inputs`.
std::optional<double> countFlops(mlir::func::FuncOp entry,
                                 llvm::ArrayRef<Tensor> inputs);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_FLOPS_H
