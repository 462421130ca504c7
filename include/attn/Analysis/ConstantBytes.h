//===- ConstantBytes.h - The bytes of constants of tensors ------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_CONSTANTBYTES_H
#define ATTN_ANALYSIS_CONSTANTBYTES_H

#include "mlir/IR/Attributes.h"

namespace attn {

/// What a dense constant or one in a resource holds, in the order of memory; of
/// a splat one element. Empty for other attributes, and for elided resources.
llvm::ArrayRef<char> constantBytes(mlir::Attribute attribute);

} // namespace attn

#endif // ATTN_ANALYSIS_CONSTANTBYTES_H
