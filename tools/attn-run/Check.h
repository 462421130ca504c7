//===- Check.h - Judges what compiled code computed -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-run --check: every attn op of an entry, as the user wrote it, against
// lib/Reference on the very operands that the op had. Operands that are neither
// arguments nor constants are tapped: a copy of the module, whose entry returns
// them as well, is compiled for the same target and run on the same inputs.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_CHECK_H
#define ATTN_TOOLS_ATTN_RUN_CHECK_H

#include "attn/Reference/Compare.h"
#include "attn/Support/TargetInfo.h"
#include "attn/Support/Tensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace attn {

/// Compiles `module` and calls `entry`; the module is the callee's to lower.
using RunEntry = llvm::function_ref<llvm::Expected<std::vector<Tensor>>(
    mlir::ModuleOp module, llvm::StringRef entry,
    llvm::ArrayRef<Tensor> inputs)>;

/// One result of one op.
struct Judgement {
  std::string op;     ///< "attn.sdpa at file.mlir:3:8"
  std::string result; ///< "output"
  llvm::SmallVector<int64_t> shape;
  reference::Worst worst;
};

struct CheckReport {
  std::vector<Judgement> judged;
  /// Ops that were not judged, and why.
  std::vector<std::string> notJudged;
  /// The largest difference between the results of the entry and of its tapped
  /// copy; negative when there was no need to tap.
  double tapDifference = -1.0;

  /// Every judged result is within its bound, and there is at least one.
  bool passed() const;
  /// One line per result, and one per reason not to judge.
  void print(llvm::raw_ostream &os) const;
};

/// The types in which a target's kernels take P where the inputs have them:
/// those of tensor cores, and bf16 where a CPU multiplies it.
llvm::SmallVector<reference::Dtype> narrowWeightsOf(const TargetInfo &target);

/// Judges the attn ops of `entry`, which nothing has lowered yet. `inputs` are
/// its arguments (a scalar as a tensor of rank 0), `outputs` what it computed
/// from them. The bound allows for P in the inputs' type where that is one of
/// `narrowWeights`.
llvm::Expected<CheckReport>
checkEntry(mlir::func::FuncOp entry, llvm::ArrayRef<Tensor> inputs,
           llvm::ArrayRef<Tensor> outputs, RunEntry run,
           llvm::ArrayRef<reference::Dtype> narrowWeights = {});

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_CHECK_H
