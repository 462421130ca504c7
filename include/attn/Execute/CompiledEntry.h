//===- CompiledEntry.h - An entry as bytes ----------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Machine code with all that calling it needs: what a compilation ends with,
// an executable starts from, and a cache keeps between the two.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_COMPILEDENTRY_H
#define ATTN_EXECUTE_COMPILEDENTRY_H

#include "attn/Execute/Jit.h"
#include "attn/Execute/Signature.h"

#include <optional>
#include <string>
#include <vector>

namespace attn {

struct CompiledEntry {
  Signature signature;
  /// The types of the packed weights, in the order in which the entry takes
  /// them.
  std::vector<ValueInfo> packed;
  ObjectCode code;

  /// All of it as bytes, which end with the object and hold a hash of `key` and
  /// themselves.
  std::string serialize(llvm::StringRef key) const;
  /// The entry of such bytes, or nothing when they are damaged or were made
  /// with another key.
  static std::optional<CompiledEntry> parse(llvm::StringRef bytes,
                                            llvm::StringRef key);
};

} // namespace attn

#endif // ATTN_EXECUTE_COMPILEDENTRY_H
