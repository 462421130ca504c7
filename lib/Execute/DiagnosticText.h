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

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace attn {

/// Collects the errors of a scope, one line each.
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
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   lines.empty() ? fallback.str() : lines);
  }

private:
  void add(mlir::Diagnostic &diagnostic) {
    llvm::raw_string_ostream os(lines);
    if (!lines.empty())
      os << "\n";
    if (auto loc =
            diagnostic.getLocation()->findInstanceOf<mlir::FileLineColLoc>())
      os << loc.getFilename().getValue() << ":" << loc.getLine() << ":"
         << loc.getColumn() << ": error: ";
    os << diagnostic.str();
  }

  std::string lines;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace attn

#endif // ATTN_LIB_EXECUTE_DIAGNOSTICTEXT_H
