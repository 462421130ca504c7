//===- Help.h - What --help shows -------------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_SHARED_HELP_H
#define ATTN_TOOLS_SHARED_HELP_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace attn {

/// Leaves these options in --help, which should fit a screen. All others that
/// are registered now, among them LLVM's own, are behind --help-hidden.
void showOnly(llvm::ArrayRef<llvm::StringLiteral> options);

} // namespace attn

#endif // ATTN_TOOLS_SHARED_HELP_H
