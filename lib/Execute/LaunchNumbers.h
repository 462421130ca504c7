//===- LaunchNumbers.h - Sizes and scalars as expressions -------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A number of the host function as JSON: itself, or `["add", a, b]` with the
// leaves `["size", argument, dim]`, `["stride", argument, dim]` and
// `["scalar", argument]`.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTE_LAUNCHNUMBERS_H
#define ATTN_LIB_EXECUTE_LAUNCHNUMBERS_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>

namespace attn {

using Number = llvm::json::Value;

Number leaf(llvm::StringRef kind, int64_t argument);
Number leaf(llvm::StringRef kind, int64_t argument, int64_t dim);
/// `op` is add, sub, mul, floordiv, ceildiv, mod, min or max; what is known is
/// folded.
Number combine(llvm::StringRef op, Number lhs, Number rhs);

/// Where a buffer of the host function lies: in an argument or in the
/// workspace, from an offset on. Offset and strides are in elements.
struct BufferView {
  bool isArgument = true;
  int64_t index = 0;
  mlir::Type elementType;
  Number offset = 0;
  llvm::SmallVector<Number, 4> sizes, strides;
};

/// Turns values of a host function into numbers and buffer views.
class LaunchNumbers {
public:
  /// Takes the arguments of the entry.
  llvm::Error addArgument(mlir::Value argument, int64_t index);
  /// Takes the value of `op` when it is a number, a buffer or a view of one;
  /// false when it is some other op.
  llvm::Expected<bool> addOp(mlir::Operation *op);

  llvm::Expected<Number> number(mlir::Value value) const;
  llvm::Expected<const BufferView *> view(mlir::Value value) const;
  /// True for a pointer that `addOp` has traced to a buffer.
  bool isBuffer(mlir::Value value) const { return views.contains(value); }

  /// The sizes in bytes of the buffers of the workspace.
  llvm::ArrayRef<Number> workspaceBytes() const { return workspace; }

private:
  llvm::Expected<bool> addNumberOp(mlir::Operation *op);
  llvm::Expected<bool> addViewOp(mlir::Operation *op);
  llvm::Expected<Number> number(mlir::OpFoldResult value) const;
  llvm::Expected<Number> affine(mlir::AffineExpr expr, unsigned numDims,
                                llvm::ArrayRef<Number> operands) const;
  llvm::Error addAlloc(mlir::Operation *op);

  llvm::DenseMap<mlir::Value, Number> numbers;
  llvm::DenseMap<mlir::Value, BufferView> views;
  llvm::SmallVector<Number> workspace;
};

/// `"<op>": <why>`, with its place.
llvm::Error launchError(mlir::Operation *op, const llvm::Twine &why);

/// Bytes of an element; an error names the type.
llvm::Expected<int64_t> elementBytes(mlir::Type type);

} // namespace attn

#endif // ATTN_LIB_EXECUTE_LAUNCHNUMBERS_H
