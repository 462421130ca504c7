//===- Output.h - Where attn-compile writes ---------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_COMPILE_OUTPUT_H
#define ATTN_TOOLS_ATTN_COMPILE_OUTPUT_H

#include "Emit.h"

namespace attn {

/// Writes the bytes to `path` (`-` is standard output) and the header beside
/// them, as `<path without suffix>.h`; both or none. A file there that is no
/// header of ours is an error.
llvm::Error writeOutput(const Emitted &emitted, llvm::StringRef path);

/// Writes a file, whole or not at all.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_COMPILE_OUTPUT_H
