//===- Strided.h - The caller's tensors -------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors with byte strides: what compiled code can take as it is, and copies
// of the rest.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CAPI_STRIDED_H
#define ATTN_LIB_CAPI_STRIDED_H

#include "attn-c/attn.h"
#include "attn/Support/Tensor.h"

#include <utility>

namespace attn {

/// True when the elements lie row-major, without gaps, aligned to their size.
bool isPlain(const attn_tensor &tensor);

/// The bytes [first, second) that the elements of `tensor` lie in; empty when
/// it has none.
std::pair<const char *, const char *> extent(const attn_tensor &tensor);

/// True when some two elements may lie on the same bytes.
bool overlapsItself(const attn_tensor &tensor);

/// The view of a plain tensor; of any other, the shape and type alone.
TensorView viewOf(const attn_tensor &tensor);

/// Copies the elements to row-major memory, or from there into the tensor.
void gather(const attn_tensor &from, void *to);
void scatter(const void *from, const attn_tensor &to);

} // namespace attn

#endif // ATTN_LIB_CAPI_STRIDED_H
