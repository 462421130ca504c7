//===- Signature.h - What an entry takes and gives --------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The argument and result types of an entry, read from its source before
// anything is lowered, and the check of a caller's tensors against them.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_SIGNATURE_H
#define ATTN_EXECUTE_SIGNATURE_H

#include "attn/Execute/SizeRules.h"
#include "attn/Support/Tensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace attn {

struct ValueInfo {
  Dtype type = Dtype::F32;
  llvm::SmallVector<int64_t, 4>
      shape;             ///< -1 where the size is known at run time
  bool isScalar = false; ///< an f32, not a tensor<f32>
  bool isWeight = false; ///< marked `attn.weight`
  std::string name;      ///< `attn.name` of an argument, or empty
  std::string label;     ///< what the source calls an argument, or empty

  std::string str() const { return shapeString(shape, type); }
};

struct Signature {
  std::string entry;
  std::vector<ValueInfo> arguments, results;
  std::vector<SizeRule> rules;

  /// Reads the types of `func`; fails, naming the argument or result, when a
  /// caller could not pass one (an unranked tensor, a memref, a vector).
  static llvm::Expected<Signature> read(mlir::func::FuncOp func);

  /// `argument #2 (%key)` or, with an attn.name, `argument #2 ('layer.w')`.
  std::string argumentName(size_t i) const;
  /// Compares count, element types, ranks and sizes.
  llvm::Error check(llvm::ArrayRef<TensorView> inputs) const;
  /// The same for the weights among the inputs.
  llvm::Error checkWeights(llvm::ArrayRef<TensorView> inputs) const;

private:
  llvm::Error
  checkThose(llvm::ArrayRef<TensorView> inputs,
             llvm::function_ref<bool(const ValueInfo &)> isChecked) const;
  llvm::Error breaks(const SizeRule &rule,
                     llvm::ArrayRef<TensorView> inputs) const;
};

/// The public function with a body named `name`; without a name the only one,
/// or else `main`.
llvm::Expected<mlir::func::FuncOp> findEntry(mlir::ModuleOp module,
                                             llvm::StringRef name);

/// The element type of a tensor or scalar type, when a caller can pass it.
std::optional<Dtype> dtypeOf(mlir::Type type);

} // namespace attn

#endif // ATTN_EXECUTE_SIGNATURE_H
