//===- ScalarOps.h - What one scalar op computes --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The scalar ops of arith, math and index. Floats are doubles (truncf and ops
// of f16 and bf16 round), integers wrap at their width, index has 64 bits.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_SCALAROPS_H
#define ATTN_TOOLS_ATTN_RUN_SCALAROPS_H

#include "mlir/IR/Operation.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace attn {

/// A value inside a region; its type says which member counts.
struct Scalar {
  double number = 0.0;
  int64_t integer = 0; ///< sign-extended; an i1 is 0 or 1
};

/// No scalar op has more.
constexpr unsigned maxOperands = 3;

/// From operands to the result.
using Compute = std::function<Scalar(const Scalar *const *operands)>;

/// What `op` computes; null when it is not known, or not on these types.
Compute findCompute(mlir::Operation &op);

/// The value of a constant attribute of a scalar type.
std::optional<Scalar> scalarOf(mlir::Attribute attribute);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_SCALAROPS_H
