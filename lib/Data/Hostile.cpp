//===- Hostile.cpp - Helpers for files that may lie -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Hostile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace llvm;
using namespace attn;

std::string attn::data::toPrintable(StringRef text) {
  std::string shown;
  for (char c : text.take_front(60)) {
    shown += isPrint(c) ? c : '?';
  }
  return text.size() > 60 ? shown + "..." : shown;
}

std::string attn::data::toOneLine(StringRef text) {
  std::string shown;
  for (char c : text.take_front(300)) {
    const bool control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
    shown += control ? '?' : c;
  }
  return text.size() > 300 ? shown + "..." : shown;
}

std::string attn::data::listNames(ArrayRef<StringRef> names) {
  if (names.empty()) {
    return "none";
  }
  std::string list;
  for (StringRef name : names.take_front(8)) {
    list += (list.empty() ? "" : ", ") + toPrintable(name);
  }
  if (names.size() > 8) {
    list += ", ... (" + std::to_string(names.size()) + " in all)";
  }
  return list;
}

Error attn::data::makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

std::optional<int64_t> attn::data::byteSize(ArrayRef<int64_t> shape,
                                            Dtype type) {
  // Strides are computed from the other sizes of an empty tensor as well, so
  // their product must exist.
  int64_t size = dtypeBytes(type);
  bool empty = false;
  for (int64_t dim : shape) {
    empty |= dim == 0;
    if (dim < 0 || (dim != 0 && MulOverflow(size, dim, size))) {
      return std::nullopt;
    }
  }
  return empty ? 0 : size;
}

Expected<Tensor> attn::data::allocate(ArrayRef<int64_t> shape, Dtype type) {
  std::optional<Tensor> tensor = Tensor::allocate(shape, type);
  if (!tensor) {
    return makeError("no memory for a tensor of " + shapeString(shape, type));
  }
  std::memset(tensor->data(), 0, tensor->bytes());
  return *tensor;
}

void attn::data::setInteger(Tensor &tensor, int64_t index, int64_t value) {
  if (tensor.type() == Dtype::I64 || tensor.type() == Dtype::Index) {
    tensor.dataAs<int64_t>()[index] = value;
  } else {
    tensor.set(index, static_cast<double>(value));
  }
}

void attn::data::normalizeBooleans(Tensor &tensor) {
  if (tensor.type() != Dtype::I1) {
    return;
  }
  char *bytes = tensor.dataAs<char>();
  for (int64_t i = 0, e = tensor.bytes(); i < e; ++i) {
    bytes[i] = bytes[i] != 0;
  }
}
