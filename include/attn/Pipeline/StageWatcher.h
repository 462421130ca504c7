//===- StageWatcher.h - What each room did ----------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Watches a module on its way through the rooms: writes it at each door, and
// explains.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PIPELINE_STAGEWATCHER_H
#define ATTN_PIPELINE_STAGEWATCHER_H

#include "attn/Pipeline/Stage.h"
#include "attn/Support/TargetInfo.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <string>
#include <vector>

namespace attn {

/// Prints a module with the arguments' names of its source.
void printModule(llvm::raw_ostream &os, mlir::ModuleOp module);

class StageWatcher {
public:
  /// `dumpFolder` is where the modules go, or empty.
  explicit StageWatcher(std::string dumpFolder);

  /// Makes the folder.
  llvm::Error prepare();
  /// To be called before the first room.
  void start() { entered = Clock::now(); }
  /// To be called as the module leaves a room. An error of writing is kept for
  /// `takeError`.
  void leave(Stage stage, mlir::ModuleOp module);
  llvm::Error takeError() const;

  /// To be called when machine code has been made.
  void finish() { addRow("execute", "machine code"); }

  /// Starts to keep remarks; the context must outlive this.
  void collectRemarks(mlir::MLIRContext &context);
  /// The target, a table of rooms, and the remarks, which give the plans with
  /// their reasons.
  void explain(llvm::raw_ostream &os, const TargetInfo &target) const;

private:
  using Clock = std::chrono::steady_clock;
  struct Row {
    std::string room;
    double milliseconds;
    std::string ops; ///< `3 attn, 12 linalg, ...`
  };

  void addRow(llvm::StringRef room, std::string ops);
  void dump(Stage stage, mlir::ModuleOp module);

  std::string dumpFolder;
  Clock::time_point entered = Clock::now();
  std::vector<Row> rows;
  std::vector<std::string> remarks;
  std::string writeError;
};

} // namespace attn

#endif // ATTN_PIPELINE_STAGEWATCHER_H
