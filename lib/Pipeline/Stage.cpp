//===- Stage.cpp - The rooms in their order -------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The words of the stages.
//
//===----------------------------------------------------------------------===//

#include "attn/Pipeline/Stage.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"

namespace attn {

llvm::StringRef stageName(Stage stage) {
  switch (stage) {
  case Stage::Input:
    return "input";
  case Stage::Raise:
    return "raise";
  case Stage::Optimize:
    return "optimize";
  case Stage::SplitHeads:
    return "split-heads";
  case Stage::Fuse:
    return "fuse";
  case Stage::Tile:
    return "tile";
  case Stage::Linalg:
    return "linalg";
  case Stage::CPU:
    return "cpu";
  case Stage::NVVM:
    return "nvvm";
  }
  llvm_unreachable("all stages are listed");
}

std::optional<Stage> parseStage(llvm::StringRef name) {
  for (Stage stage : allStages)
    if (stageName(stage) == name)
      return stage;
  return std::nullopt;
}

std::string stageNames() {
  return llvm::join(llvm::map_range(allStages, stageName), ", ");
}

} // namespace attn
