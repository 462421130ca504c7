//===- Report.cpp - How a tool ends ---------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A message with a place in a file has the word `error` already, where editors
// look for it.
//
//===----------------------------------------------------------------------===//

#include "tools/shared/Report.h"

#include "llvm/Support/raw_ostream.h"

int attn::reportError(llvm::Error error) {
  std::string message = llvm::toString(std::move(error));
  llvm::errs() << (message.find(": error: ") == std::string::npos ? "error: "
                                                                  : "")
               << message << "\n";
  return 1;
}

void attn::reportWarnings(llvm::ArrayRef<std::string> warnings) {
  for (const std::string &line : warnings)
    llvm::errs() << line << "\n";
}
