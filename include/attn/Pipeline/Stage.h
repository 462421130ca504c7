//===- Stage.h - The rooms in their order -----------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one list of stages; the words that a shell sees come from here.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PIPELINE_STAGE_H
#define ATTN_PIPELINE_STAGE_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace attn {

/// The state of a module after a room; `Input` is before the first.
enum class Stage {
  Input,
  Raise,
  Optimize,
  SplitHeads,
  Fuse,
  Tile,
  Linalg,
  CPU,
  NVVM
};

constexpr Stage allStages[] = {Stage::Input,      Stage::Raise, Stage::Optimize,
                               Stage::SplitHeads, Stage::Fuse,  Stage::Tile,
                               Stage::Linalg,     Stage::CPU,   Stage::NVVM};

/// `split-heads`, as in --stop-after, pass names and dump files.
llvm::StringRef stageName(Stage stage);
std::optional<Stage> parseStage(llvm::StringRef name);
/// `input, split-heads, ...`, for messages.
std::string stageNames();

} // namespace attn

#endif // ATTN_PIPELINE_STAGE_H
