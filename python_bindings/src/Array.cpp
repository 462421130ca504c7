//===- Array.cpp - Arrays of Python as tensors ----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The buffer protocol comes first: it is the fastest, keeps byte strides and
// says whether memory is read-only. It has no word for bfloat16.
//
//===----------------------------------------------------------------------===//

#include "Array.h"
#include "Errors.h"

#include <nanobind/stl/string.h>

#include <cstring>

namespace attn::python {
namespace {

/// Modules and types that are looked up once; they live as long as Python.
struct Libraries {
  nb::object numpy = nb::module_::import_("numpy");
  nb::object ndarray = numpy.attr("ndarray");
  nb::object empty = numpy.attr("empty");
  nb::object uint16 = numpy.attr("dtype")("uint16");
  nb::object float32 = numpy.attr("dtype")("float32");
  nb::object float64 = numpy.attr("dtype")("float64");
};

Libraries &libraries() {
  static Libraries *all = new Libraries; // never destroyed: Python ends first
  return *all;
}

struct FormatRow {
  char code;
  size_t size;
  attn_dtype dtype;
};

constexpr FormatRow formats[] = {
    {'f', 4, ATTN_F32}, {'d', 8, ATTN_F64}, {'e', 2, ATTN_F16},
    {'?', 1, ATTN_I1},  {'b', 1, ATTN_I8},  {'h', 2, ATTN_I16},
    {'i', 4, ATTN_I32}, {'l', 8, ATTN_I64}, {'q', 8, ATTN_I64},
};

/// The element type of a buffer's format, `f` or `@f` or `=f`.
std::optional<attn_dtype> parseFormat(const char *format, Py_ssize_t size) {
  if (!format)
    return std::nullopt;
  if (*format == '@' || *format == '=')
    ++format;
  for (const FormatRow &row : formats)
    if (format[0] == row.code && format[1] == '\0' &&
        static_cast<size_t>(size) == row.size)
      return row.dtype;
  return std::nullopt;
}

bool isNumpy(nb::handle object) {
  nb::handle type = object.type();
  return type.is(libraries().ndarray) ||
         PyObject_IsInstance(object.ptr(), libraries().ndarray.ptr()) == 1;
}

bool isTorch(nb::handle object) {
  nb::object module = nb::getattr(object.type(), "__module__", nb::none());
  if (!nb::isinstance<nb::str>(module))
    return false;
  std::string name = nb::cast<std::string>(module);
  return name == "torch" || name.rfind("torch.", 0) == 0;
}

std::string asText(nb::handle object) {
  nb::object text = nb::steal(PyObject_Str(object.ptr()));
  if (!text.is_valid())
    throw nb::python_error();
  return nb::cast<std::string>(text);
}

/// The element type of any array as its library prints it.
std::string foundType(nb::handle object) {
  nb::object dtype = nb::getattr(object, "dtype", nb::none());
  if (dtype.is_none())
    return typeName(object);
  return asText(dtype).substr(0, 40);
}

[[noreturn]] void refuseType(nb::handle object, const char *argument) {
  raise(PyExc_TypeError,
        "%s: expected elements of floating point, bool or signed "
        "integers, found %s",
        argument, foundType(object).c_str());
}

[[noreturn]] void refuseReadOnly(const char *argument) {
  raise(PyExc_ValueError,
        "%s: expected an array that may be written, found a "
        "read-only one",
        argument);
}

[[noreturn]] void refuseRank(const char *argument, int64_t rank) {
  raise(PyExc_ValueError, "%s: expected at most %d dimensions, found %lld",
        argument, maxRank, static_cast<long long>(rank));
}

std::optional<attn_dtype> fromDLPack(nb::dlpack::dtype dtype) {
  using nb::dlpack::dtype_code;
  if (dtype.lanes != 1)
    return std::nullopt;
  switch (static_cast<dtype_code>(dtype.code)) {
  case dtype_code::Float:
    return dtype.bits == 64   ? std::optional(ATTN_F64)
           : dtype.bits == 32 ? std::optional(ATTN_F32)
           : dtype.bits == 16 ? std::optional(ATTN_F16)
                              : std::nullopt;
  case dtype_code::Bfloat:
    return dtype.bits == 16 ? std::optional(ATTN_BF16) : std::nullopt;
  case dtype_code::Bool:
    return dtype.bits == 8 ? std::optional(ATTN_I1) : std::nullopt;
  case dtype_code::Int:
    return dtype.bits == 64   ? std::optional(ATTN_I64)
           : dtype.bits == 32 ? std::optional(ATTN_I32)
           : dtype.bits == 16 ? std::optional(ATTN_I16)
           : dtype.bits == 8  ? std::optional(ATTN_I8)
                              : std::nullopt;
  default:
    return std::nullopt;
  }
}

} // namespace

Array::Array(nb::handle object, const char *argument, bool writable) {
  if (isNumpy(object)) {
    if (!readBuffer(object, argument, writable))
      readBfloat16(object, argument, writable);
    return;
  }
  arrayKind = isTorch(object) ? Kind::Torch : Kind::Other;
  if (nb::hasattr(object, "__dlpack__")) {
    readDLPack(object, argument, writable);
    return;
  }
  // memoryview, array.array, mmap: the results are numpy's.
  arrayKind = Kind::Numpy;
  if (PyObject_CheckBuffer(object.ptr()) && !PyBytes_Check(object.ptr()) &&
      readBuffer(object, argument, writable))
    return;
  raise(PyExc_TypeError,
        "%s: expected an array (numpy, torch or any with DLPack), found %s",
        argument, typeName(object).c_str());
}

Array::Array(Array &&other) noexcept
    : buffer(other.buffer), exported(std::move(other.exported)),
      arrayKind(other.arrayKind), elementType(other.elementType),
      dims(other.dims), memory(other.memory), sizes(other.sizes),
      strides(other.strides) {
  other.buffer = Py_buffer{};
}

Array::~Array() {
  if (buffer.obj)
    PyBuffer_Release(&buffer);
}

/// False when the type of the elements has no format; then a Python error was
/// cleared.
bool Array::readBuffer(nb::handle object, const char *argument, bool writable) {
  if (PyObject_GetBuffer(object.ptr(), &buffer, PyBUF_RECORDS_RO) != 0) {
    PyErr_Clear();
    buffer = Py_buffer{};
    return false;
  }
  std::optional<attn_dtype> dtype = parseFormat(buffer.format, buffer.itemsize);
  bool readOnly = buffer.readonly;
  int rank = buffer.ndim;
  if (dtype && rank <= maxRank && !(writable && readOnly)) {
    elementType = *dtype;
    dims = rank;
    memory = buffer.buf;
    for (int i = 0; i < dims; ++i) {
      sizes[i] = buffer.shape[i];
      strides[i] = buffer.strides[i];
    }
    return true;
  }
  PyBuffer_Release(&buffer);
  buffer = Py_buffer{};
  if (!dtype)
    refuseType(object, argument);
  if (rank > maxRank)
    refuseRank(argument, rank);
  refuseReadOnly(argument);
}

/// ml_dtypes' bfloat16, read through a view of 16-bit integers.
void Array::readBfloat16(nb::handle object, const char *argument,
                         bool writable) {
  if (asText(nb::object(object.attr("dtype"))) != "bfloat16")
    refuseType(object, argument);
  nb::object bits = object.attr("view")(libraries().uint16);
  if (PyObject_GetBuffer(bits.ptr(), &buffer, PyBUF_RECORDS_RO) != 0)
    throw nb::python_error();
  if (buffer.ndim > maxRank)
    refuseRank(argument, buffer.ndim);
  if (writable && buffer.readonly)
    refuseReadOnly(argument);
  elementType = ATTN_BF16;
  dims = buffer.ndim;
  memory = buffer.buf;
  for (int i = 0; i < dims; ++i) {
    sizes[i] = buffer.shape[i];
    strides[i] = buffer.strides[i];
  }
}

/// What torch itself says to an export that would lose a gradient; a capsule
/// may not ask.
static void refuseGradient(nb::handle object, const char *argument) {
  if (nb::getattr(object, "requires_grad", nb::none())
          .is(nb::handle(Py_True)) &&
      nb::cast<bool>(nb::module_::import_("torch").attr("is_grad_enabled")()))
    raise(PyExc_TypeError,
          "%s: expected a tensor without a gradient, or torch.no_grad(), found "
          "requires_grad=True",
          argument);
}

void Array::readDLPack(nb::handle object, const char *argument, bool writable) {
  if (arrayKind == Kind::Torch)
    refuseGradient(object, argument);
  bool read = nb::try_cast(object, exported, false);
  if (nb::ndarray<> both;
      read && writable && !nb::try_cast(object, both, false))
    refuseReadOnly(argument);
  if (!read) {
    // The exporter knows why: a gradient, another device.
    nb::object capsule;
    try {
      capsule = object.attr("__dlpack__")();
    } catch (nb::python_error &error) {
      std::string why = asText(error.value());
      raise(PyExc_TypeError, "%s: expected an array that can be read, found %s",
            argument, why.c_str());
    }
    refuseType(object, argument);
  }
  if (exported.device_type() != nb::device::cpu::value)
    raise(PyExc_ValueError,
          "%s: expected memory of the CPU, found device %d:%d "
          "of DLPack",
          argument, exported.device_type(), exported.device_id());
  std::optional<attn_dtype> dtype = fromDLPack(exported.dtype());
  if (!dtype)
    refuseType(object, argument);
  if (exported.ndim() > maxRank)
    refuseRank(argument, exported.ndim());
  elementType = *dtype;
  dims = static_cast<int>(exported.ndim());
  memory = const_cast<void *>(exported.data());
  for (int i = 0; i < dims; ++i) {
    sizes[i] = exported.shape(i);
    strides[i] = exported.stride(i) * itemSize();
  }
}

const char *dtypeName(attn_dtype dtype) {
  static constexpr const char *names[] = {
      "float64", "float32", "float16", "bfloat16", "int64",
      "int32",   "int16",   "int8",    "bool",     "int64"};
  return names[dtype];
}

std::string typeName(nb::handle object) {
  nb::object name = nb::getattr(object.type(), "__name__", nb::none());
  return nb::isinstance<nb::str>(name) ? nb::cast<std::string>(name) : "?";
}

static nb::object numpyDtype(attn_dtype dtype) {
  Libraries &all = libraries();
  if (dtype == ATTN_F32)
    return all.float32;
  if (dtype == ATTN_F64)
    return all.float64;
  if (dtype == ATTN_BF16)
    return nb::module_::import_("ml_dtypes").attr("bfloat16");
  return all.numpy.attr("dtype")(dtypeName(dtype));
}

static nb::object shapeTuple(const int64_t *sizes, int rank) {
  nb::object tuple = nb::steal(PyTuple_New(rank));
  for (int i = 0; i < rank; ++i)
    PyTuple_SetItem(tuple.ptr(), i, PyLong_FromLongLong(sizes[i]));
  return tuple;
}

nb::object newArray(Kind kind, attn_dtype dtype, const int64_t *sizes,
                    int rank) {
  nb::object shape = shapeTuple(sizes, rank);
  if (kind != Kind::Torch)
    return libraries().empty(shape, numpyDtype(dtype));
  nb::module_ torch = nb::module_::import_("torch");
  return torch.attr("empty")(shape,
                             nb::arg("dtype") = torch.attr(dtypeName(dtype)));
}

nb::object finishArray(nb::object array, nb::handle like, Kind kind) {
  if (kind != Kind::Other || !nb::hasattr(like, "__array_namespace__"))
    return array;
  return like.attr("__array_namespace__")().attr("from_dlpack")(array);
}

} // namespace attn::python
