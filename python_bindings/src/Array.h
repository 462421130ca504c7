//===- Array.h - Arrays of Python as tensors --------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// numpy arrays (with ml_dtypes.bfloat16) and whatever has the buffer protocol,
// torch tensors and whatever has DLPack, read in place; and new arrays of the
// same kind.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PYTHON_ARRAY_H
#define ATTN_PYTHON_ARRAY_H

#include "attn-c/attn.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <array>
#include <optional>
#include <string>

namespace attn::python {

namespace nb = nanobind;

/// More dimensions than any entry takes; an array with more is refused.
constexpr int maxRank = 8;

/// What an argument was, and so what a result has to be.
enum class Kind { Numpy, Torch, Other };

/// The memory of one array, held as long as this lives: the exporter may
/// neither free nor resize it.
class Array {
public:
  /// Reads `object`, which the caller passed as `argument`. TypeError or
  /// ValueError when it is no array, lies on another device, has an element
  /// type that no tensor has, or may not be written where `writable` asks for
  /// it. Borrows nothing from `object` that this does not keep alive.
  Array(nb::handle object, const char *argument, bool writable = false);
  Array(Array &&other) noexcept;
  Array(const Array &) = delete;
  Array &operator=(const Array &) = delete;
  ~Array();

  Kind kind() const { return arrayKind; }
  attn_dtype dtype() const { return elementType; }
  int rank() const { return dims; }
  int64_t size(int i) const { return sizes[i]; }
  int64_t stride(int i) const { return strides[i]; }
  void *data() const { return memory; }
  /// Bytes of one element.
  int64_t itemSize() const {
    return static_cast<int64_t>(attn_dtype_size(elementType));
  }
  /// Looks at the first of dimension `i` alone.
  void keepFirst(int i) { sizes[i] = 1; }
  attn_tensor tensor() const {
    return {memory, elementType, dims, sizes.data(), strides.data()};
  }

private:
  bool readBuffer(nb::handle object, const char *argument, bool writable);
  void readBfloat16(nb::handle object, const char *argument, bool writable);
  void readDLPack(nb::handle object, const char *argument, bool writable);

  Py_buffer buffer{};
  nb::ndarray<nb::ro> exported;
  Kind arrayKind = Kind::Numpy;
  attn_dtype elementType = ATTN_F32;
  int dims = 0;
  void *memory = nullptr;
  std::array<int64_t, maxRank> sizes{}, strides{};
};

/// `float32`, as numpy and torch call it.
const char *dtypeName(attn_dtype dtype);
/// The full name of an object's type, for messages.
std::string typeName(nb::handle object);

/// A new array, row-major and uninitialised; of numpy's where `kind` is Other.
nb::object newArray(Kind kind, attn_dtype dtype, const int64_t *sizes,
                    int rank);

/// What a caller gets for an array that newArray made: for arrays other than
/// numpy's and torch's the library of `like` takes the memory over.
nb::object finishArray(nb::object array, nb::handle like, Kind kind);

} // namespace attn::python

#endif // ATTN_PYTHON_ARRAY_H
