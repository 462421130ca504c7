//===- Hostile.h - Helpers for files that may lie -------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DATA_HOSTILE_H
#define ATTN_LIB_DATA_HOSTILE_H

#include "attn/Support/Tensor.h"

#include "llvm/Support/Error.h"

namespace attn::data {

/// An error of one line.
llvm::Error makeError(const llvm::Twine &message);

/// The bytes of a tensor; none when a size is negative or their number does not
/// fit into 63 bits, a size of 0 among them or not.
std::optional<int64_t> byteSize(llvm::ArrayRef<int64_t> shape, Dtype type);

/// A tensor of zeros. Callers that read files compare with the file's size
/// first.
llvm::Expected<Tensor> allocate(llvm::ArrayRef<int64_t> shape, Dtype type);

/// Sets an element of an integer type; `Tensor::set` goes through a double.
void setInteger(Tensor &tensor, int64_t index, int64_t value);

/// More dimensions than NumPy itself can hold are a lie.
constexpr size_t maxRank = 32;

/// Text of a hostile file as it may stand in an error: short and printable.
std::string toPrintable(llvm::StringRef text);

/// Text of the user's own, a path or a spec, on one line; a long one is cut.
std::string toOneLine(llvm::StringRef text);

/// "a, b, c, ... (12 in all)", printable.
std::string listNames(llvm::ArrayRef<llvm::StringRef> names);

/// Any byte but 0 is true: an i1 in memory must be 0 or 1 for a kernel.
void normalizeBooleans(Tensor &tensor);

} // namespace attn::data

#endif // ATTN_LIB_DATA_HOSTILE_H
