//===- EditorConfig.h - Settings for editors --------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_OPT_EDITORCONFIG_H
#define ATTN_TOOLS_ATTN_OPT_EDITORCONFIG_H

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace attn {

/// Prints what an editor must be told to use the language server at `server`:
/// JSON for `vscode`, Lua for `neovim`, Lisp for `emacs`; `all` prints each
/// below a line that says where it goes.
llvm::Error printEditorConfig(llvm::raw_ostream &os, llvm::StringRef editor,
                              llvm::StringRef server);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_OPT_EDITORCONFIG_H
