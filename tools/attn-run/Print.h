//===- Print.h - Tensors on a terminal --------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One line about a tensor, or its elements.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_PRINT_H
#define ATTN_TOOLS_ATTN_RUN_PRINT_H

#include "attn/Support/Tensor.h"
#include "llvm/Support/raw_ostream.h"

namespace attn {

/// `2x3xf32, mean 0.5, least -1, largest 2`.
void printSummary(llvm::raw_ostream &os, const Tensor &tensor);

/// All elements in nested brackets, the innermost dimension on one line; long
/// dimensions are cut in the middle.
void printElements(llvm::raw_ostream &os, const Tensor &tensor);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_PRINT_H
