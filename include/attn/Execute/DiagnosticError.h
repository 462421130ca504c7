//===- DiagnosticError.h - Errors with their places -------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What MLIR said, as an llvm::Error: as text it is a line per message,
// `file:line:column: error: message`.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_DIAGNOSTICERROR_H
#define ATTN_EXECUTE_DIAGNOSTICERROR_H

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace attn {

class DiagnosticError : public llvm::ErrorInfo<DiagnosticError> {
public:
  struct Message {
    std::string file; ///< empty where no place is known
    unsigned line = 0, column = 0;
    std::string text;
  };

  static char ID;

  explicit DiagnosticError(std::vector<Message> messages)
      : messages(std::move(messages)) {}

  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;

  const std::vector<Message> messages;
};

} // namespace attn

#endif // ATTN_EXECUTE_DIAGNOSTICERROR_H
