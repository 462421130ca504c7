//===- Error.h - Errors across the C interface ------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns an llvm::Error into an attn_error, and texts into C strings.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CAPI_ERROR_H
#define ATTN_LIB_CAPI_ERROR_H

#include "attn-c/attn.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

struct attn_error {
  std::string message, location;
};

namespace attn {

/// Null for success. A leading `file:3:8: error: ` becomes the location.
attn_error *toC(llvm::Error error);
attn_error *errorToC(const llvm::Twine &message);

/// A copy that attn_text_destroy frees.
char *textToC(llvm::StringRef text);

} // namespace attn

#endif // ATTN_LIB_CAPI_ERROR_H
