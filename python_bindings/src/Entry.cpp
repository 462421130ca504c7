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
#include <string_view>
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
  std::vector<Array> arrays; ///< do not move: tensors point into them
  std::vector<attn_tensor> tensors;

  explicit Results(size_t count) {
    objects.reserve(count);
    arrays.reserve(count);
    tensors.reserve(count);
  }

  void add(const attn_value &value, nb::object object, const char *name) {
    Array &array = arrays.emplace_back(object, name, /*writable=*/true);
    checkType(name, value, array);
    objects.push_back(std::move(object));
    tensors.push_back(array.tensor());
    tensors.back().dtype = value.dtype;
  }
};

/// Throws ValueError for an error of a run, if there is one. What the C
/// interface calls outputs[i] is `out` here, or one of its tuple.
void throwOfRun(attn_error *error, bool isTuple) {
  std::string_view message = error ? attn_error_message(error) : "";
  constexpr std::string_view outputs = "outputs";
  if (message.substr(0, outputs.size() + 1) != "outputs[")
    return throwIf(error);
  message.remove_prefix(isTuple ? outputs.size() : message.find(']') + 1);
  std::string text = "out" + std::string(message);
  attn_error_destroy(error);
  raise(PyExc_ValueError, "%s", text.c_str());
}

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

std::string Entry::signature(bool prepacked) const {
  std::string text = attn_executable_entry(executable), separator;
  text += "(";
  for (size_t i = 0; i < attn_executable_num_arguments(executable); ++i) {
    const attn_value &value = *attn_executable_argument(executable, i);
    if (prepacked && value.is_weight)
      continue;
    text += separator + argumentName(i) + ": " + typeText(value);
    separator = ", ";
  }
  text += ") -> ";
  for (size_t i = 0; i < attn_executable_num_results(executable); ++i)
    text += (i ? ", " : "") + typeText(*attn_executable_result(executable, i));
  return text;
}

static void copyInto(char *to, const char *from, const attn_tensor &tensor,
                     const int64_t *strides, int dim, size_t bytes) {
  if (dim == tensor.rank) {
    std::memcpy(to, from, bytes);
    return;
  }
  // Rows without gaps at once.
  if (dim == tensor.rank - 1 &&
      tensor.strides[dim] == static_cast<int64_t>(bytes)) {
    std::memcpy(to, from, bytes * tensor.sizes[dim]);
    return;
  }
  for (int64_t i = 0; i < tensor.sizes[dim]; ++i)
    copyInto(to + i * strides[dim], from + i * tensor.strides[dim], tensor,
             strides, dim + 1, bytes);
}

/// A row-major copy of `given`, which has the type of `value`.
attn_tensor Weights::addCopy(const attn_value &value,
                             const attn_tensor &given) {
  Copy &copy = copies.emplace_back();
  auto bytes = static_cast<int64_t>(attn_dtype_size(given.dtype));
  int64_t size = bytes;
  for (int i = given.rank; i-- > 0;) {
    copy.sizes[i] = given.sizes[i];
    copy.strides[i] = size;
    size *= given.sizes[i];
  }
  copy.memory = std::make_unique<char[]>(size);
  copyInto(copy.memory.get(), static_cast<const char *>(given.data), given,
           copy.strides.data(), 0, bytes);
  return {copy.memory.get(), value.dtype, given.rank, copy.sizes.data(),
          copy.strides.data()};
}

std::unique_ptr<Weights> Entry::prepack(nb::args weights) const {
  size_t count = attn_executable_num_arguments(executable), next = 0;
  std::string names;
  size_t expected = 0;
  for (size_t i = 0; i < count; ++i)
    if (attn_executable_argument(executable, i)->is_weight) {
      names += (expected++ ? ", " : "") + argumentName(i);
    }
  if (expected == 0)
    raise(PyExc_ValueError,
          "%s: expected arguments marked attn.weight, found none",
          attn_executable_entry(executable));
  if (weights.size() != expected)
    raise(PyExc_TypeError, "%s: expected %zu weights, found %zu",
          attn_executable_entry(executable), expected, weights.size());
  auto result = std::make_unique<Weights>();
  result->tensors.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const attn_value &value = *attn_executable_argument(executable, i);
    if (!value.is_weight)
      continue;
    std::string name = argumentName(i);
    Array array(weights[next++], name.c_str());
    checkType(name, value, array);
    result->tensors[i] = result->addCopy(value, array.tensor());
  }
  attn_error *error;
  {
    nb::gil_scoped_release release;
    error = attn_executable_prepack(executable, result->tensors.data(), count,
                                    &result->packed);
  }
  throwIf(error);
  return result;
}

/// The sizes of all results, one after the other.
std::vector<int64_t>
Entry::resultSizes(const std::vector<attn_tensor> &inputs) const {
  std::vector<int64_t> sizes;
  bool isStatic = true;
  for (size_t i = 0; i < attn_executable_num_results(executable); ++i) {
    const attn_value &value = *attn_executable_result(executable, i);
    sizes.insert(sizes.end(), value.sizes, value.sizes + value.rank);
    for (int d = 0; d < value.rank; ++d)
      isStatic &= value.sizes[d] >= 0;
  }
  // The run checks the inputs.
  if (!isStatic)
    throwIf(attn_executable_result_sizes(executable, inputs.data(),
                                         inputs.size(), sizes.data()));
  return sizes;
}

nb::object Entry::call(nb::args arguments, nb::handle out, int threads,
                       const Weights *weights) const {
  size_t count = attn_executable_num_arguments(executable),
         results = attn_executable_num_results(executable), expected = count;
  if (weights)
    for (size_t i = 0; i < count; ++i)
      expected -= attn_executable_argument(executable, i)->is_weight;
  if (arguments.size() != expected)
    raise(PyExc_TypeError, "%s: expected %zu arguments, found %zu",
          attn_executable_entry(executable), expected, arguments.size());
  // Reserved: inputs point into both.
  std::vector<Array> arrays;
  arrays.reserve(count);
  std::vector<int64_t> numbers(count);
  std::vector<attn_tensor> inputs;
  inputs.reserve(count);
  nb::handle like;
  Kind kind = Kind::Numpy;
  size_t next = 0;
  for (size_t i = 0; i < count; ++i) {
    const attn_value &value = *attn_executable_argument(executable, i);
    if (weights && value.is_weight) {
      inputs.push_back(weights->tensors[i]);
      continue;
    }
    nb::handle argument = arguments[next++];
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

  std::vector<int64_t> sizes;
  if (out.is_none())
    sizes = resultSizes(inputs);
  Results outputs(results);
  bool isTuple = nb::isinstance<nb::tuple>(out);
  if (!out.is_none() && (isTuple ? nb::len(out) : 1) != results)
    raise(PyExc_ValueError, "out: expected room for %zu results, found %zu",
          results, isTuple ? nb::len(out) : 1);
  const int64_t *size = sizes.data();
  for (size_t i = 0; i < results; ++i) {
    const attn_value &value = *attn_executable_result(executable, i);
    attn_dtype dtype = value.dtype == ATTN_INDEX ? ATTN_I64 : value.dtype;
    if (out.is_none()) {
      outputs.add(value, newArray(kind, dtype, size, value.rank), "out");
      size += value.rank;
    } else {
      outputs.add(value, isTuple ? nb::object(out[i]) : nb::borrow(out), "out");
    }
  }
  attn_error *error;
  {
    nb::gil_scoped_release release;
    error = attn_executable_run(executable, inputs.data(), inputs.size(),
                                outputs.tensors.data(), outputs.tensors.size(),
                                threads, weights ? weights->packed : nullptr);
  }
  throwOfRun(error, isTuple);
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
