//===- Pipelines.h - Whole ways through the rooms ---------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of the rooms for each kind of target.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PIPELINE_PIPELINES_H
#define ATTN_PIPELINE_PIPELINES_H

#include "attn/Pipeline/Stage.h"
#include "attn/Support/TargetInfo.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace attn {

struct PipelineOptions {
  TargetInfo target; ///< resolved
  /// The last room to enter; none means all.
  std::optional<Stage> stopAfter;
  /// False: graphs are compiled as they stand.
  bool raise = true;
  /// Passes of the room Optimize to leave out, without `attn-optimize-`.
  std::vector<std::string> withoutOptimize;
  /// Called with the module as each room leaves it, and before the first with
  /// Stage::Input.
  std::function<void(Stage, mlir::ModuleOp)> onStage;
  /// Verifies the module after each pass, which takes a tenth of the time; if
  /// not, once at the end.
  bool verifyEach = false;
  /// Called with the manager of these passes before they run, to watch them.
  std::function<void(mlir::PassManager &)> instrument;
};

/// Adds the rooms on the way to the LLVM dialect. `pm` is anchored on the
/// module. The kind of the target decides who lowers attention: the CPU room,
/// or Linalg alone.
void buildPipeline(mlir::OpPassManager &pm, const PipelineOptions &options);

/// Registers `--attn-cpu-pipeline` and `--attn-linalg-pipeline`.
void registerPipelines();

} // namespace attn

#endif // ATTN_PIPELINE_PIPELINES_H
