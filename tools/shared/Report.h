//===- Report.h - How a tool ends -------------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One line for an error, the same in every tool.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_SHARED_REPORT_H
#define ATTN_TOOLS_SHARED_REPORT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace attn {

/// Prints the error to stderr; returns the exit code of a user error, 1.
int reportError(llvm::Error error);

/// Prints what the compiler warned of to stderr.
void reportWarnings(llvm::ArrayRef<std::string> warnings);

} // namespace attn

#endif // ATTN_TOOLS_SHARED_REPORT_H
