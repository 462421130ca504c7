//===- Explain.h - What the compiler would do with a text -------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The remarks of the rooms up to Tile, for this machine, by line. The rooms run
// in a process of their own: half a program is on the screen most of the time,
// and a pass that fails on it must not take the editor's server along.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_LSP_SERVER_EXPLAIN_H
#define ATTN_TOOLS_ATTN_LSP_SERVER_EXPLAIN_H

#include "llvm/ADT/StringRef.h"

#include <map>
#include <string>

namespace attn {

/// Remarks as Markdown, by line, from 0.
using Explanations = std::map<int64_t, std::string>;

/// What `self`, this program, says of `text` when it is started again. Empty
/// when the text does not compile.
Explanations explainText(llvm::StringRef self, llvm::StringRef text);

/// The other side: prints the remarks on the file at `path`, one JSON object a
/// line; the exit code.
int printExplanations(llvm::StringRef path);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_LSP_SERVER_EXPLAIN_H
