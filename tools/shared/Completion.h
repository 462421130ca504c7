//===- Completion.h - The shell completes a tool's words --------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The script comes from the options that the tool has registered, so that it
// cannot say anything else than --help.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_SHARED_COMPLETION_H
#define ATTN_TOOLS_SHARED_COMPLETION_H

#include "llvm/Support/CommandLine.h"

#include <string>
#include <utility>
#include <vector>

namespace attn {

/// The words that an option takes, apart by spaces, by its name:
/// {"fails", "crash wrong-value"}. Those of `target` and `stop-after` are known
/// already; an option that is not named takes a file.
using OptionWords = std::vector<std::pair<std::string, std::string>>;

/// `--bash-completion` of one tool: prints the script and ends the program.
class CompletionOption {
public:
  CompletionOption(std::string tool, llvm::cl::OptionCategory &category,
                   OptionWords words = {});

private:
  llvm::cl::opt<bool> option;
};

} // namespace attn

#endif // ATTN_TOOLS_SHARED_COMPLETION_H
