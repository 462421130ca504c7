//===- DiagnosticText.h - Diagnostics as an Error ---------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library must not print, and a tool wants one line.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTE_DIAGNOSTICTEXT_H
#define ATTN_LIB_EXECUTE_DIAGNOSTICTEXT_H

#include "attn/Execute/DiagnosticError.h"

#include "mlir/IR/Diagnostics.h"

namespace attn {

/// Collects the errors of a scope.
class DiagnosticText {
public:
  explicit DiagnosticText(mlir::MLIRContext *context)
      : handler(context, [this](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
            add(diagnostic);
          return mlir::success();
        }) {}

  /// What was collected, or `fallback` when nothing was.
  llvm::Error take(const llvm::Twine &fallback) {
    if (messages.empty())
      return llvm::createStringError(llvm::inconvertibleErrorCode(), fallback);
    return llvm::make_error<DiagnosticError>(std::move(messages));
  }

private:
  void add(mlir::Diagnostic &diagnostic) {
    DiagnosticError::Message message;
    if (auto loc =
            diagnostic.getLocation()->findInstanceOf<mlir::FileLineColLoc>())
      message = {loc.getFilename().str(), loc.getLine(), loc.getColumn(), ""};
    message.text = diagnostic.str();
    messages.push_back(std::move(message));
  }

  std::vector<DiagnosticError::Message> messages;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace attn

#endif // ATTN_LIB_EXECUTE_DIAGNOSTICTEXT_H
