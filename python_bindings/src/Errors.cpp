//===- Errors.cpp - Python's exceptions -----------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The exception of compiling is written in Python (attn_mlir/errors.py).
//
//===----------------------------------------------------------------------===//

#include "Errors.h"

#include <cstdarg>
#include <cstdio>

namespace nb = nanobind;

namespace attn::python {

void raise(PyObject *type, const char *format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  PyErr_SetString(type, message);
  throw nb::python_error();
}

void throwIf(attn_error *error) {
  if (!error)
    return;
  PyErr_SetString(PyExc_ValueError, attn_error_message(error));
  attn_error_destroy(error);
  throw nb::python_error();
}

void throwCompileError(attn_error *error, const std::string &source,
                       const std::string &entry, const std::string &target) {
  if (!error)
    return;
  nb::str message(attn_error_message(error)),
      location(attn_error_location(error));
  attn_error_destroy(error);
  nb::object exception =
      nb::module_::import_("attn_mlir.errors")
          .attr("compile_error")(message, location, nb::str(source.c_str()),
                                 nb::str(entry.c_str()),
                                 nb::str(target.c_str()));
  PyErr_SetObject(exception.type().ptr(), exception.ptr());
  throw nb::python_error();
}

void warnOfCache() {
  char *warning = attn_cache_take_warning();
  if (!warning)
    return;
  int status = PyErr_WarnEx(PyExc_RuntimeWarning, warning, /*stack_level=*/1);
  attn_text_destroy(warning);
  if (status != 0)
    throw nb::python_error();
}

} // namespace attn::python
