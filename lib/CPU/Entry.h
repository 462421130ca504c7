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

/// `size` has to hold every index that `index` takes while each dimension of
/// its map runs from 0 to below one of `reach`; nothing is expected where one
/// of them is 0.
struct ReachCheck {
  ArgumentSize size;
  mlir::AffineMap index; ///< one result
  llvm::SmallVector<ArgumentSize, 4> reach;

  /// The argument whose size does not fit, if there is one: a static tensor may
  /// be too small for a long argument.
  int64_t blamed() const {
    if (!size.isConstant())
      return size.argument;
    for (const ArgumentSize &bound : reach)
      if (!bound.isConstant())
        return bound.argument;
    return 0;
  }
};

/// Of a cache in pages of `rows` rows: batch entry b has lens[b] rows, no more
/// than its pages hold, and table[b, j] is a page, below `pages`, wherever it
/// has rows in it.
struct PageCheck {
  int64_t table, lens; ///< arguments
  ArgumentSize pages, rows;
};

/// What the ops of an entry on tensors expect of its arguments.
struct EntryChecks {
  llvm::SmallVector<SizeCheck> sizes;
  llvm::SmallVector<ReachCheck> reaches;
  llvm::SmallVector<PageCheck> pages; ///< after the others: they read elements
};

/// Fails, with an error, where a captured tensor or a page is read at positions
/// that nothing known at the call bounds.
mlir::FailureOr<EntryChecks> collectEntryChecks(mlir::func::FuncOp entry);

/// The least or the largest value of `expr` while each dimension d runs from 0
/// to the value of d: an expression of those last values.
mlir::AffineExpr boundOf(mlir::AffineExpr expr, bool largest);

/// Creates the private function `<source>_dims`, from the ABI inputs to the
/// dynamic sizes of all results. Fails when a size depends on values.
mlir::FailureOr<mlir::func::FuncOp>
createDimsFunction(mlir::OpBuilder &builder, mlir::func::FuncOp source,
                   mlir::TypeRange inputs);

} // namespace attn

#endif // ATTN_LIB_CPU_ENTRY_H
