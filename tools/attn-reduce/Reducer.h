//===- Reducer.h - From a file that fails to a small one --------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Greedy: list after list of moves until none of them is accepted. The same
// file gives the same result, however long the tries take, unless the time is
// up.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_REDUCE_REDUCER_H
#define ATTN_TOOLS_ATTN_REDUCE_REDUCER_H

#include "Moves.h"
#include "Oracle.h"
#include "tools/shared/Progress.h"

#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringSet.h"

#include <chrono>

namespace attn {

struct ReduceLimits {
  unsigned tries = 2000;
  double seconds = 600;
};

class Reducer {
public:
  Reducer(Oracle &oracle, ReduceLimits limits)
      : oracle(oracle), limits(limits) {}

  /// Makes `module`, which has inputs at its arguments, smaller. An error when
  /// it does not fail to begin with.
  llvm::Error run(mlir::OwningOpRef<mlir::ModuleOp> &module);

  /// What was accepted, in order: "drop softcap of attn.sdpa, 12 lines".
  const std::vector<std::string> &steps() const { return accepted; }
  unsigned triesMade() const { return tries; }
  double secondsTaken() const;
  /// The limits ended it; what is left may not be the smallest.
  bool wasCutShort() const { return cutShort; }

private:
  std::string candidateText(mlir::ModuleOp module) const;
  bool mayTry();
  bool tryMove(mlir::OwningOpRef<mlir::ModuleOp> &module, const Move &move,
               Progress &progress);
  bool pass(mlir::OwningOpRef<mlir::ModuleOp> &module, ListMoves list,
            Progress &progress);

  Oracle &oracle;
  ReduceLimits limits;
  std::chrono::steady_clock::time_point start =
      std::chrono::steady_clock::now();
  llvm::StringSet<> texts; ///< tried already
  std::vector<std::string> accepted;
  unsigned tries = 0;
  bool cutShort = false;
};

/// The text of a module as it is tried, inputs included.
std::string textOf(mlir::ModuleOp module);
/// Without inputs, and how many lines that has.
std::string plainTextOf(mlir::ModuleOp module);
unsigned lineCount(llvm::StringRef text);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_REDUCE_REDUCER_H
