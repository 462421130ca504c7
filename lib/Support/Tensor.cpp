//===- Tensor.cpp - Tensors on the outside of compiled code ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element types, shapes, memory, and the copy that straightens strides.
//
//===----------------------------------------------------------------------===//

#include "attn/Support/Tensor.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cstdlib>
#include <cstring>

using namespace llvm;

namespace attn {
namespace {

struct DtypeRow {
  StringRef name;
  int64_t bytes;
};

constexpr DtypeRow dtypeRows[] = {
    {"f64", 8}, {"f32", 4}, {"f16", 2}, {"bf16", 2}, {"i64", 8},
    {"i32", 4}, {"i16", 2}, {"i8", 1},  {"i1", 1},   {"index", 8}};

template <typename T>
T load(const void *memory, int64_t i) {
  T value;
  std::memcpy(&value, static_cast<const char *>(memory) + i * sizeof(T),
              sizeof(T));
  return value;
}

template <typename T>
void store(void *memory, int64_t i, T value) {
  std::memcpy(static_cast<char *>(memory) + i * sizeof(T), &value, sizeof(T));
}

double widen(const fltSemantics &semantics, uint16_t bits) {
  APFloat value(semantics, APInt(16, bits));
  bool losesInfo;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToDouble();
}

uint16_t narrow(const fltSemantics &semantics, double number) {
  APFloat value(number);
  bool losesInfo;
  value.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  return static_cast<uint16_t>(value.bitcastToAPInt().getZExtValue());
}

/// Copies dimension `dim` and those inside it; advances `to`.
void copyDimension(const TensorView &from, const char *source, unsigned dim,
                   int64_t bytes, char *&to) {
  if (dim == from.shape.size()) {
    std::memcpy(to, source, bytes);
    to += bytes;
    return;
  }
  if (dim + 1 == from.shape.size() && from.strides[dim] == 1) {
    std::memcpy(to, source, bytes * from.shape[dim]);
    to += bytes * from.shape[dim];
    return;
  }
  for (int64_t i = 0; i < from.shape[dim]; ++i)
    copyDimension(from, source + i * from.strides[dim] * bytes, dim + 1, bytes,
                  to);
}

} // namespace

StringRef dtypeName(Dtype type) {
  return dtypeRows[static_cast<int>(type)].name;
}

int64_t dtypeBytes(Dtype type) {
  return dtypeRows[static_cast<int>(type)].bytes;
}

std::optional<Dtype> parseDtype(StringRef name) {
  for (auto [i, row] : enumerate(dtypeRows))
    if (row.name == name)
      return static_cast<Dtype>(i);
  return std::nullopt;
}

std::string shapeString(ArrayRef<int64_t> shape, Dtype type) {
  std::string text;
  for (int64_t size : shape)
    text += (size < 0 ? "?" : std::to_string(size)) + "x";
  return text + dtypeName(type).str();
}

std::optional<int64_t> elementCount(ArrayRef<int64_t> shape) {
  // A size of 0 makes any other size harmless, so the zeros are looked for
  // first.
  if (is_contained(shape, 0))
    return 0;
  int64_t count = 1;
  for (int64_t size : shape)
    if (MulOverflow(count, size, count))
      return std::nullopt;
  return count;
}

SmallVector<int64_t, 4> rowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t, 4> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * std::max<int64_t>(shape[i], 1);
  return strides;
}

bool TensorView::isRowMajor() const {
  if (is_contained(shape, 0))
    return true;
  int64_t expected = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    // The stride of a dimension of size 1 is never used.
    if (shape[i] != 1 && strides[i] != expected)
      return false;
    expected *= shape[i];
  }
  return true;
}

static constexpr int64_t kLine = 64;

std::optional<int64_t> lineBytes(ArrayRef<int64_t> shape, Dtype type) {
  std::optional<int64_t> count = elementCount(shape);
  int64_t bytes;
  if (!count || MulOverflow(*count, dtypeBytes(type), bytes) ||
      bytes > INT64_MAX - kLine)
    return std::nullopt;
  return alignTo(std::max<int64_t>(bytes, 1), kLine);
}

std::optional<Tensor> Tensor::allocate(ArrayRef<int64_t> shape, Dtype type) {
  std::optional<int64_t> bytes = lineBytes(shape, type);
  if (!bytes)
    return std::nullopt;
  Tensor tensor;
  tensor.memory.reset(std::aligned_alloc(kLine, *bytes),
                      [](void *memory) { std::free(memory); });
  if (!tensor.memory)
    return std::nullopt;
  tensor.elementType = type;
  tensor.sizes.assign(shape.begin(), shape.end());
  tensor.count = *elementCount(shape);
  return tensor;
}

double Tensor::at(int64_t i) const {
  switch (elementType) {
  case Dtype::F64:
    return load<double>(data(), i);
  case Dtype::F32:
    return load<float>(data(), i);
  case Dtype::F16:
    return widen(APFloat::IEEEhalf(), load<uint16_t>(data(), i));
  case Dtype::BF16:
    return widen(APFloat::BFloat(), load<uint16_t>(data(), i));
  case Dtype::I64:
  case Dtype::Index:
    return static_cast<double>(load<int64_t>(data(), i));
  case Dtype::I32:
    return load<int32_t>(data(), i);
  case Dtype::I16:
    return load<int16_t>(data(), i);
  case Dtype::I8:
    return load<int8_t>(data(), i);
  case Dtype::I1:
    return load<uint8_t>(data(), i) != 0;
  }
  llvm_unreachable("all element types are listed");
}

void Tensor::set(int64_t i, double value) {
  switch (elementType) {
  case Dtype::F64:
    return store(data(), i, value);
  case Dtype::F32:
    return store(data(), i, static_cast<float>(value));
  case Dtype::F16:
    return store(data(), i, narrow(APFloat::IEEEhalf(), value));
  case Dtype::BF16:
    return store(data(), i, narrow(APFloat::BFloat(), value));
  case Dtype::I64:
  case Dtype::Index:
    return store(data(), i, static_cast<int64_t>(value));
  case Dtype::I32:
    return store(data(), i, static_cast<int32_t>(value));
  case Dtype::I16:
    return store(data(), i, static_cast<int16_t>(value));
  case Dtype::I8:
    return store(data(), i, static_cast<int8_t>(value));
  case Dtype::I1:
    return store(data(), i, static_cast<uint8_t>(value != 0));
  }
  llvm_unreachable("all element types are listed");
}

TensorView Tensor::view() const {
  TensorView view;
  view.data = memory.get();
  view.type = elementType;
  view.shape = sizes;
  view.strides = rowMajorStrides(sizes);
  return view;
}

void copyRowMajor(const TensorView &from, void *to) {
  if (is_contained(from.shape, 0))
    return;
  int64_t bytes = dtypeBytes(from.type);
  char *out = static_cast<char *>(to);
  if (from.isRowMajor()) {
    std::memcpy(out, from.data, *elementCount(from.shape) * bytes);
    return;
  }
  copyDimension(from, static_cast<const char *>(from.data), 0, bytes, out);
}

} // namespace attn
