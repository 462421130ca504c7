//===- Tensor.h - Tensors on the outside of compiled code -------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element types, strided views of a caller's memory, and tensors that own
// theirs: what file readers make, what an executable takes and gives.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_TENSOR_H
#define ATTN_SUPPORT_TENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace attn {

/// Element types, named as in MLIR. `Index` is 64 bits wide; `I1` takes a byte
/// that is 0 or 1.
enum class Dtype : uint8_t {
  F64,
  F32,
  F16,
  BF16,
  I64,
  I32,
  I16,
  I8,
  I1,
  Index
};

llvm::StringRef dtypeName(Dtype type);
std::optional<Dtype> parseDtype(llvm::StringRef name);
int64_t dtypeBytes(Dtype type);
inline bool isFloat(Dtype type) { return type <= Dtype::BF16; }

/// `2x3xf32`; a negative size prints as `?`.
std::string shapeString(llvm::ArrayRef<int64_t> shape, Dtype type);
/// Number of elements, or nothing when it does not fit 63 bits. Sizes are not
/// negative.
std::optional<int64_t> elementCount(llvm::ArrayRef<int64_t> shape);
/// Bytes of a tensor in whole lines of 64, at least one; or nothing when they
/// do not fit 63 bits.
std::optional<int64_t> lineBytes(llvm::ArrayRef<int64_t> shape, Dtype type);
/// Strides, in elements, of a tensor without gaps whose last dimension is the
/// innermost.
llvm::SmallVector<int64_t, 4> rowMajorStrides(llvm::ArrayRef<int64_t> shape);

/// Somebody else's memory seen as a tensor; `strides` are in elements.
struct TensorView {
  void *data = nullptr;
  Dtype type = Dtype::F32;
  llvm::SmallVector<int64_t, 4> shape, strides;

  bool isRowMajor() const;
  std::string str() const { return shapeString(shape, type); }
};

/// A row-major tensor that owns its memory. Copies share it.
class Tensor {
public:
  Tensor() = default;
  /// Uninitialised, on a 64-byte line; an empty optional when there is no
  /// memory for it.
  static std::optional<Tensor> allocate(llvm::ArrayRef<int64_t> shape,
                                        Dtype type);

  Dtype type() const { return elementType; }
  llvm::ArrayRef<int64_t> shape() const { return sizes; }
  int64_t size() const { return count; }
  int64_t bytes() const { return count * dtypeBytes(elementType); }
  void *data() { return memory.get(); }
  const void *data() const { return memory.get(); }
  template <typename T>
  T *dataAs() {
    return static_cast<T *>(data());
  }
  template <typename T>
  const T *dataAs() const {
    return static_cast<const T *>(data());
  }
  /// Element `i` in row-major order as a number.
  double at(int64_t i) const;
  /// Rounds `value` to the element type and stores it as element `i`.
  void set(int64_t i, double value);

  TensorView view() const;
  std::string str() const { return shapeString(sizes, elementType); }

private:
  Dtype elementType = Dtype::F32;
  llvm::SmallVector<int64_t, 4> sizes;
  int64_t count = 0;
  std::shared_ptr<void> memory;
};

/// Copies the elements of `from`, whatever its strides, to row-major memory at
/// `to`.
void copyRowMajor(const TensorView &from, void *to);

} // namespace attn

#endif // ATTN_SUPPORT_TENSOR_H
