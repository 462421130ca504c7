//===- Errors.h - Python's exceptions ---------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How errors of ours and of attn-c reach Python.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PYTHON_ERRORS_H
#define ATTN_PYTHON_ERRORS_H

#include "attn-c/attn.h"

#include <nanobind/nanobind.h>

#include <string>

namespace attn::python {

/// Throws a Python exception with a formatted message.
[[noreturn]] [[gnu::format(printf, 2, 3)]] void raise(PyObject *type,
                                                      const char *format, ...);

/// Throws ValueError with the message of `error`, if there is one.
void throwIf(attn_error *error);

/// Throws attn_mlir.CompileError, if there is an error; the source is saved for
/// a report.
void throwCompileError(attn_error *error, const std::string &source,
                       const std::string &entry, const std::string &target);

/// Hands a warning of the cache to Python's, if there is one.
void warnOfCache();

} // namespace attn::python

#endif // ATTN_PYTHON_ERRORS_H
