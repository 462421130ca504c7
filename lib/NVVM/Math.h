//===- Math.h - Elementary functions of a kernel ----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_NVVM_MATH_H
#define ATTN_LIB_NVVM_MATH_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

namespace attn::nvvm {

/// 2^x by ex2.approx.ftz, of one f32.
mlir::Value emitExp2(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// 1 / x by rcp.approx.ftz, of one f32.
mlir::Value emitReciprocal(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// Exponentials, logarithms, tanh and division of f32 by approximate
/// instructions.
void populateFastMathPatterns(mlir::RewritePatternSet &patterns);

} // namespace attn::nvvm

#endif // ATTN_LIB_NVVM_MATH_H
