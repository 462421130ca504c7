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
#include "llvm/Support/raw_ostream.h"

namespace attn {

/// `<file>:<line>:<column>: warning: ` and the message.
inline std::string warningLine(mlir::Location location,
                               const llvm::Twine &message) {
  std::string line;
  llvm::raw_string_ostream os(line);
  if (auto place = location->findInstanceOf<mlir::FileLineColLoc>())
    os << place.getFilename().getValue() << ":" << place.getLine() << ":"
       << place.getColumn() << ": ";
  os << "warning: " << message;
  return line;
}

/// Collects the errors of a scope, and in `warnings` what it warns of.
class DiagnosticText {
public:
  explicit DiagnosticText(mlir::MLIRContext *context,
                          std::vector<std::string> *warnings = nullptr)
      : handler(context, [this, warnings](mlir::Diagnostic &diagnostic) {
          mlir::DiagnosticSeverity severity = diagnostic.getSeverity();
          if (severity == mlir::DiagnosticSeverity::Error)
            add(diagnostic);
          else if (warnings && severity == mlir::DiagnosticSeverity::Warning)
            warnings->push_back(
                warningLine(diagnostic.getLocation(), diagnostic.str()));
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
