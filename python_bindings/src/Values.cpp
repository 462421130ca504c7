//===- Values.cpp - Numbers, words and shapes from Python -----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nothing is converted silently: a bool is no number, a string no bool.
//
//===----------------------------------------------------------------------===//

#include "Values.h"
#include "Errors.h"

#include <nanobind/stl/string.h>

#include <algorithm>

namespace attn::python {

const char *text(nb::handle object) {
  const char *utf8 = PyUnicode_AsUTF8AndSize(object.ptr(), nullptr);
  if (!utf8)
    throw nb::python_error();
  return utf8;
}

double toDouble(nb::handle object, const char *name, const char *expected) {
  double value = PyFloat_AsDouble(object.ptr());
  if (value == -1.0 && PyErr_Occurred()) {
    PyErr_Clear();
    raise(PyExc_TypeError, "%s: expected %s, found %s", name, expected,
          typeName(object).c_str());
  }
  return value;
}

std::optional<int64_t> toInteger(nb::handle object) {
  if (PyBool_Check(object.ptr()) || !PyIndex_Check(object.ptr()))
    return std::nullopt;
  Py_ssize_t value = PyNumber_AsSsize_t(object.ptr(), nullptr);
  if (value == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    return std::nullopt;
  }
  return value;
}

bool toBool(nb::handle object, const char *name) {
  if (PyBool_Check(object.ptr()))
    return object.is(nb::handle(Py_True));
  std::string type = typeName(object);
  if (type != "bool" && type != "bool_") // numpy's
    raise(PyExc_TypeError, "%s: expected a bool, found %s", name, type.c_str());
  return PyObject_IsTrue(object.ptr()) == 1;
}

std::string shown(nb::handle object) {
  nb::object repr = nb::steal(PyObject_Repr(object.ptr()));
  if (!repr.is_valid()) {
    PyErr_Clear();
    return typeName(object);
  }
  std::string text = nb::cast<std::string>(repr);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.size() > 40 ? text.substr(0, 37) + "..." : text;
}

void expectVector(const Array &array, const char *name, int64_t size,
                  const char *each) {
  if (array.rank() != 1)
    raise(PyExc_ValueError, "%s: expected 1 dimension, found %d", name,
          array.rank());
  if (array.size(0) != size)
    raise(PyExc_ValueError, "%s: expected %lld numbers, one per %s, found %lld",
          name, static_cast<long long>(size), each,
          static_cast<long long>(array.size(0)));
}

} // namespace attn::python
