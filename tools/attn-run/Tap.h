//===- Tap.h - Values inside an entry, brought outside --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A copy of a module whose entry has no calls left and returns, besides its own
// results, every value that the attn ops read or make and that cannot be had
// without running it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_TAP_H
#define ATTN_TOOLS_ATTN_RUN_TAP_H

#include "Check.h"

#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"

namespace attn {

class TappedEntry {
public:
  /// Copies the module of `entry`, inlines and finds the attn ops.
  static llvm::Expected<TappedEntry> create(mlir::func::FuncOp entry);

  /// The attn ops that stand directly in the entry, in order.
  llvm::ArrayRef<mlir::Operation *> ops() const { return attnOps; }
  /// All ops that are not judged, with their number.
  std::vector<std::string> describeOthers() const;

  /// Finds all values: runs the copy if some must be tapped.
  llvm::Error evaluate(llvm::ArrayRef<Tensor> inputs,
                       llvm::ArrayRef<Tensor> outputs, RunEntry run);
  /// The value of an operand or result of `ops()`; a scalar has rank 0.
  const Tensor &valueOf(mlir::Value value) const;
  /// As in CheckReport.
  double getTapDifference() const { return tapDifference; }

private:
  llvm::Error inlineCalls();
  llvm::Error addKnownValues(llvm::ArrayRef<Tensor> inputs,
                             llvm::ArrayRef<Tensor> outputs);
  void addResults();
  llvm::Error takeResults(std::vector<Tensor> results,
                          llvm::ArrayRef<Tensor> outputs);

  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp copy;
  std::vector<mlir::Operation *> attnOps;
  std::vector<mlir::Value> taps;
  llvm::DenseMap<mlir::Value, Tensor> values;
  double tapDifference = -1.0;
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_TAP_H
