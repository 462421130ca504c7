//===- Entry.cpp - A compiled entry in Python -----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types are compared here, where TypeError can be said; sizes by attn-c.
//
//===----------------------------------------------------------------------===//

#include "Entry.h"
#include "Array.h"
#include "Errors.h"

#include <nanobind/stl/string.h>

#include <cstring>
#include <deque>
#include <vector>

namespace attn::python {
namespace {

std::string typeText(const attn_value &value) {
  std::string text;
  for (int i = 0; i < value.rank; ++i)
    text += (value.sizes[i] < 0 ? "?" : std::to_string(value.sizes[i])) + "x";
  return text + attn_dtype_name(value.dtype);
}

bool sameType(attn_dtype expected, attn_dtype found) {
  return expected == found || (expected == ATTN_INDEX && found == ATTN_I64);
}

void checkType(const std::string &name, const attn_value &value,
               const Array &array) {
  if (!sameType(value.dtype, array.dtype()))
    raise(PyExc_TypeError, "%s: expected %s, found %s", name.c_str(),
          dtypeName(value.dtype), dtypeName(array.dtype()));
}

/// A Python number as an argument of type f32, i64, ...
bool storeNumber(nb::handle object, const attn_value &value, void *to) {
  bool integral = PyLong_Check(object.ptr());
  if (value.dtype <= ATTN_BF16 ? !integral && !PyFloat_Check(object.ptr())
                               : !integral)
    return false;
  if (value.dtype == ATTN_I64 || value.dtype == ATTN_INDEX) {
    auto number = nb::cast<int64_t>(object); // more digits than a double has
    std::memcpy(to, &number, sizeof number);
    return true;
  }
  double number = PyFloat_AsDouble(object.ptr());
  if (number == -1.0 && PyErr_Occurred())
    throw nb::python_error();
  attn_number_store(value.dtype, number, to);
  return true;
}

/// The outputs of one call, new or given.
struct Results {
  std::vector<nb::object> objects;
  std::deque<Array> arrays;
  std::vector<attn_tensor> tensors;

  void add(const attn_value &value, nb::object object, const char *name) {
    Array &array = arrays.emplace_back(object, name, /*writable=*/true);
    checkType(name, value, array);
    objects.push_back(std::move(object));
    tensors.push_back(array.tensor());
    tensors.back().dtype = value.dtype;
  }
};

} // namespace

Entry::Entry(const std::string &source, const std::string &name,
             const std::string &entry, const std::string &target) {
  attn_options options{};
  options.entry = entry.empty() ? nullptr : entry.c_str();
  options.target = target.c_str();
  attn_error *error;
  {
    nb::gil_scoped_release release;
    error = attn_compile(source.data(), source.size(), name.c_str(), &options,
                         &executable);
  }
  owner.reset(executable);
  throwCompileError(error, source, entry, target);
  warnOfCache();
}

std::string Entry::argumentName(size_t i) const {
  const attn_value *value = attn_executable_argument(executable, i);
  return *value->name ? value->name : "argument #" + std::to_string(i);
}

std::string Entry::signature() const {
  std::string text = attn_executable_entry(executable);
  size_t arguments = attn_executable_num_arguments(executable),
         results = attn_executable_num_results(executable);
  text += "(";
  for (size_t i = 0; i < arguments; ++i)
    text += (i ? ", " : "") + argumentName(i) + ": " +
            typeText(*attn_executable_argument(executable, i));
  text += ") -> ";
  for (size_t i = 0; i < results; ++i)
    text += (i ? ", " : "") + typeText(*attn_executable_result(executable, i));
  return text;
}

nb::object Entry::call(nb::args arguments, nb::handle out, int threads) const {
  size_t count = attn_executable_num_arguments(executable),
         results = attn_executable_num_results(executable);
  if (arguments.size() != count)
    raise(PyExc_TypeError, "%s: expected %zu arguments, found %zu",
          attn_executable_entry(executable), count, arguments.size());
  std::deque<Array> arrays;
  std::vector<int64_t> numbers(count);
  std::vector<attn_tensor> inputs;
  nb::handle like;
  Kind kind = Kind::Numpy;
  for (size_t i = 0; i < count; ++i) {
    const attn_value &value = *attn_executable_argument(executable, i);
    nb::handle argument = arguments[i];
    if (value.is_scalar && storeNumber(argument, value, &numbers[i])) {
      inputs.push_back({&numbers[i], value.dtype, 0, nullptr, nullptr});
      continue;
    }
    std::string name = argumentName(i);
    Array &array = arrays.emplace_back(argument, name.c_str());
    checkType(name, value, array);
    inputs.push_back(array.tensor());
    inputs.back().dtype = value.dtype;
    if (!like.is_valid()) {
      like = argument;
      kind = array.kind();
    }
  }

  size_t ranks = 0;
  for (size_t i = 0; i < results; ++i)
    ranks += attn_executable_result(executable, i)->rank;
  std::vector<int64_t> sizes(ranks + 1);
  throwIf(attn_executable_result_sizes(executable, inputs.data(), inputs.size(),
                                       sizes.data()));
  Results outputs;
  bool isTuple = nb::isinstance<nb::tuple>(out);
  if (!out.is_none() && (isTuple ? nb::len(out) : 1) != results)
    raise(PyExc_ValueError, "out: expected room for %zu results, found %zu",
          results, isTuple ? nb::len(out) : 1);
  const int64_t *next = sizes.data();
  for (size_t i = 0; i < results; ++i) {
    const attn_value &value = *attn_executable_result(executable, i);
    attn_dtype dtype = value.dtype == ATTN_INDEX ? ATTN_I64 : value.dtype;
    outputs.add(value,
                out.is_none() ? newArray(kind, dtype, next, value.rank)
                : isTuple     ? nb::object(out[i])
                              : nb::borrow(out),
                "out");
    next += value.rank;
  }
  attn_error *error;
  {
    nb::gil_scoped_release release;
    error = attn_executable_run(executable, inputs.data(), inputs.size(),
                                outputs.tensors.data(), outputs.tensors.size(),
                                threads, nullptr);
  }
  throwIf(error);
  if (!out.is_none())
    return nb::borrow(out);
  for (nb::object &object : outputs.objects)
    object = finishArray(std::move(object), like, kind);
  if (results == 1)
    return outputs.objects.front();
  nb::object tuple = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(results)));
  for (size_t i = 0; i < results; ++i)
    PyTuple_SetItem(tuple.ptr(), static_cast<Py_ssize_t>(i),
                    outputs.objects[i].release().ptr());
  return tuple;
}

} // namespace attn::python
