//===- DiagnosticError.cpp - Errors with their places ---------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A message with a place has the word `error` after it, where editors look.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/DiagnosticError.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace attn {

char DiagnosticError::ID;

void DiagnosticError::log(raw_ostream &os) const {
  ListSeparator newLine("\n");
  for (const Message &message : messages) {
    os << newLine;
    if (message.line)
      os << message.file << ":" << message.line << ":" << message.column
         << ": error: ";
    os << message.text;
  }
}

std::error_code DiagnosticError::convertToErrorCode() const {
  return inconvertibleErrorCode();
}

} // namespace attn
