//===- NpyWriter.h - Tensors to .npy --------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DATA_NPYWRITER_H
#define ATTN_DATA_NPYWRITER_H

#include "attn/Support/Tensor.h"

#include "llvm/Support/Error.h"

namespace attn::data {

/// Version 1.0 of the format; bf16 becomes V2, as ml_dtypes writes it.
std::string formatNpyHeader(const Tensor &tensor);

/// Writes beside `path` and renames, so that `path` is never a part of a file.
llvm::Error writeNpy(const Tensor &tensor, llvm::StringRef path);

} // namespace attn::data

#endif // ATTN_DATA_NPYWRITER_H
