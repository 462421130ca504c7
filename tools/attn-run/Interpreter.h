//===- Interpreter.h - Runs score and mask regions one element at a time --===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For --check: a region's meaning in double precision, found without any of
// the compiler's lowerings.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_INTERPRETER_H
#define ATTN_TOOLS_ATTN_RUN_INTERPRETER_H

#include "ScalarOps.h"

#include "mlir/IR/Region.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace attn {

/// A region of one block, translated once and run many times.
class RegionProgram {
public:
  /// Fails, naming the op, when the region holds one that is not known.
  static llvm::Expected<RegionProgram> translate(mlir::Region &region);

  /// The value that the region yields. Not to be called from two threads.
  Scalar run(llvm::ArrayRef<Scalar> arguments);

private:
  struct Step {
    Compute compute;
    llvm::SmallVector<unsigned, 3> operands;
    unsigned result;
  };

  llvm::Error addStep(mlir::Operation &op);
  unsigned slotOf(mlir::Value value);

  llvm::DenseMap<mlir::Value, unsigned> slots;
  std::vector<Scalar> values;
  std::vector<Step> steps;
  unsigned yielded = 0;
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_INTERPRETER_H
