//===- Entry.h - Helpers of the entry ABI -----------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions on tensors as functions on memrefs.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CPU_ENTRY_H
#define ATTN_LIB_CPU_ENTRY_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <tuple>

namespace attn {

/// A tensor as the contiguous memref that the ABI hands over; scalars stay.
mlir::Type getABIType(mlir::Type type);

/// A result as an out-parameter: a scalar as a memref of rank 0.
mlir::MemRefType getOutputType(mlir::Type type);

/// Clones the body of `source` to where `builder` stands, reading tensors from
/// `args` (memrefs and scalars of the types that getABIType says), and returns
/// the values that the body returns.
llvm::SmallVector<mlir::Value> cloneBody(mlir::OpBuilder &builder,
                                         mlir::func::FuncOp source,
                                         mlir::ValueRange args);

/// A size of an argument, or with argument -1 the constant `dim`.
struct ArgumentSize {
  int64_t argument, dim;

  bool isConstant() const { return argument < 0; }
  bool operator==(const ArgumentSize &other) const {
    return std::tie(argument, dim) == std::tie(other.argument, other.dim);
  }
  bool operator<(const ArgumentSize &other) const {
    return std::tie(argument, dim) < std::tie(other.argument, other.dim);
  }
};

/// `size` has to be `reference`, or at least that.
struct SizeCheck {
  ArgumentSize size, reference;
  bool exactly;

  bool operator<(const SizeCheck &other) const {
    return std::tie(size, reference, exactly) <
           std::tie(other.size, other.reference, other.exactly);
  }
};

/// What the ops of an entry on tensors expect of its arguments' sizes.
llvm::SmallVector<SizeCheck> collectSizeChecks(mlir::func::FuncOp entry);

/// Creates the private function `<source>_dims`, from the ABI inputs to the
/// dynamic sizes of all results. Fails when a size depends on values.
mlir::FailureOr<mlir::func::FuncOp>
createDimsFunction(mlir::OpBuilder &builder, mlir::func::FuncOp source,
                   mlir::TypeRange inputs);

} // namespace attn

#endif // ATTN_LIB_CPU_ENTRY_H
