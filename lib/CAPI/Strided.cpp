//===- Strided.cpp - The caller's tensors ---------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One copy between any two strided tensors.
//
//===----------------------------------------------------------------------===//

#include "lib/CAPI/Strided.h"

#include "llvm/ADT/STLExtras.h"

#include <cstring>

using namespace llvm;

namespace attn {
namespace {

struct Loop {
  int64_t size, fromStride, toStride; ///< strides in bytes
};

template <size_t bytes>
void copyRow(const char *from, char *to, const Loop &loop) {
  for (int64_t i = 0; i < loop.size; ++i)
    std::memcpy(to + i * loop.toStride, from + i * loop.fromStride, bytes);
}

void copyLoops(const char *from, char *to, ArrayRef<Loop> loops,
               int64_t bytes) {
  if (loops.size() > 1) {
    for (int64_t i = 0; i < loops.front().size; ++i)
      copyLoops(from + i * loops.front().fromStride,
                to + i * loops.front().toStride, loops.drop_front(), bytes);
    return;
  }
  const Loop &row = loops.front();
  if (row.fromStride == bytes && row.toStride == bytes)
    std::memcpy(to, from, row.size * bytes);
  else if (bytes == 8)
    copyRow<8>(from, to, row);
  else if (bytes == 4)
    copyRow<4>(from, to, row);
  else if (bytes == 2)
    copyRow<2>(from, to, row);
  else
    copyRow<1>(from, to, row);
}

/// Copies between `tensor` and row-major memory.
void copy(const attn_tensor &tensor, char *memory, bool intoTensor) {
  ArrayRef<int64_t> sizes(tensor.sizes, tensor.rank);
  if (is_contained(sizes, 0))
    return;
  int64_t bytes = dtypeBytes(static_cast<Dtype>(tensor.dtype));
  SmallVector<int64_t, 4> packed = rowMajorStrides(sizes);
  SmallVector<Loop, 4> loops;
  for (int64_t i = 0; i < tensor.rank; ++i) {
    Loop loop{sizes[i], tensor.strides[i], packed[i] * bytes};
    if (intoTensor)
      std::swap(loop.fromStride, loop.toStride);
    if (loop.size != 1)
      loops.push_back(loop);
  }
  if (loops.empty())
    loops.push_back({1, bytes, bytes});
  auto *data = static_cast<char *>(tensor.data);
  copyLoops(intoTensor ? memory : data, intoTensor ? data : memory, loops,
            bytes);
}

} // namespace

bool isPlain(const attn_tensor &tensor) {
  int64_t bytes = dtypeBytes(static_cast<Dtype>(tensor.dtype));
  int64_t expected = bytes;
  if (is_contained(ArrayRef(tensor.sizes, tensor.rank), 0))
    return true;
  for (int32_t i = tensor.rank - 1; i >= 0; --i) {
    // The stride of a dimension of size 1 is never used.
    if (tensor.sizes[i] != 1 && tensor.strides[i] != expected)
      return false;
    expected *= tensor.sizes[i];
  }
  return reinterpret_cast<uintptr_t>(tensor.data) % bytes == 0;
}

std::pair<const char *, const char *> extent(const attn_tensor &tensor) {
  auto *low = static_cast<const char *>(tensor.data), *high = low;
  if (is_contained(ArrayRef(tensor.sizes, tensor.rank), 0))
    return {low, low};
  for (int32_t i = 0; i < tensor.rank; ++i) {
    int64_t reach = (tensor.sizes[i] - 1) * tensor.strides[i];
    (reach < 0 ? low : high) += reach;
  }
  return {low, high + dtypeBytes(static_cast<Dtype>(tensor.dtype))};
}

bool overlapsItself(const attn_tensor &tensor) {
  // In a tensor that a person makes, each dimension steps over all of the one
  // inside it.
  SmallVector<std::pair<int64_t, int64_t>, 4> dims; // |stride|, size
  for (int32_t i = 0; i < tensor.rank; ++i) {
    if (tensor.sizes[i] == 0)
      return false;
    if (tensor.sizes[i] != 1)
      dims.push_back({std::abs(tensor.strides[i]), tensor.sizes[i]});
  }
  llvm::sort(dims);
  int64_t inside = dtypeBytes(static_cast<Dtype>(tensor.dtype));
  for (auto [stride, size] : dims) {
    if (stride < inside)
      return true;
    inside += (size - 1) * stride;
  }
  return false;
}

TensorView viewOf(const attn_tensor &tensor) {
  TensorView view;
  view.data = tensor.data;
  view.type = static_cast<Dtype>(tensor.dtype);
  view.shape.assign(tensor.sizes, tensor.sizes + tensor.rank);
  view.strides = rowMajorStrides(view.shape);
  return view;
}

void gather(const attn_tensor &from, void *to) {
  copy(from, static_cast<char *>(to), /*intoTensor=*/false);
}

void scatter(const void *from, const attn_tensor &to) {
  copy(to, static_cast<char *>(const_cast<void *>(from)), /*intoTensor=*/true);
}

} // namespace attn

const char *attn_dtype_name(attn_dtype dtype) {
  return attn::dtypeName(static_cast<attn::Dtype>(dtype)).data();
}

size_t attn_dtype_size(attn_dtype dtype) {
  return attn::dtypeBytes(static_cast<attn::Dtype>(dtype));
}

int attn_tensor_is_row_major(const attn_tensor *tensor) {
  return attn::isPlain(*tensor);
}

int attn_tensor_overlaps_itself(const attn_tensor *tensor) {
  return attn::overlapsItself(*tensor);
}

double attn_number_load(attn_dtype dtype, const void *from) {
  attn_tensor element{const_cast<void *>(from), dtype, 0, nullptr, nullptr};
  if (dtype == ATTN_F64) {
    double value;
    attn::gather(element, &value);
    return value;
  }
  // Memory for one element is always there.
  auto tensor = *attn::Tensor::allocate({}, static_cast<attn::Dtype>(dtype));
  attn::gather(element, tensor.data());
  return tensor.at(0);
}

void attn_number_store(attn_dtype dtype, double value, void *to) {
  if (dtype == ATTN_F32) {
    auto narrow = static_cast<float>(value);
    std::memcpy(to, &narrow, sizeof narrow);
    return;
  }
  if (dtype == ATTN_F64) {
    std::memcpy(to, &value, sizeof value);
    return;
  }
  auto tensor = *attn::Tensor::allocate({}, static_cast<attn::Dtype>(dtype));
  tensor.set(0, value);
  attn::scatter(tensor.data(), {to, dtype, 0, nullptr, nullptr});
}
