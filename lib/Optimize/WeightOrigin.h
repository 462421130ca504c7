//===- WeightOrigin.h - What is known before the first call -----*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is computed of weights alone runs once; of other values it would run in
// each call, and cost more there than it saves.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_OPTIMIZE_WEIGHTORIGIN_H
#define ATTN_LIB_OPTIMIZE_WEIGHTORIGIN_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace attn {

/// Reads where the values of a module come from.
class WeightOrigin {
public:
  explicit WeightOrigin(mlir::ModuleOp module);

  /// True of constants, arguments marked attn.weight, arguments of private
  /// functions that every call gives such, and what pure ops make of those.
  bool isWeight(mlir::Value value);
  bool areWeights(mlir::ValueRange values) {
    return llvm::all_of(values, [&](mlir::Value v) { return isWeight(v); });
  }
  /// Why a rewrite cannot count on these as weights, for remarks; else empty.
  llvm::StringRef whyUnknown(mlir::ValueRange weights, mlir::ValueRange biases);

private:
  bool decide(mlir::Value value);

  llvm::StringMap<llvm::SmallVector<mlir::func::CallOp>> calls;
  llvm::DenseMap<mlir::Value, bool> known;
};

} // namespace attn

#endif // ATTN_LIB_OPTIMIZE_WEIGHTORIGIN_H
