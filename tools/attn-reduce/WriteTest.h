//===- WriteTest.h - A lit test of a reduced file ---------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_REDUCE_WRITETEST_H
#define ATTN_TOOLS_ATTN_REDUCE_WRITETEST_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace attn {

struct TestOptions {
  std::string fails;   ///< as given to --fails
  std::string failure; ///< what was seen
  std::string target;
};

/// The text of a test that fails as long as the fault is there and passes
/// without it.
std::string testFor(mlir::ModuleOp module, const TestOptions &options);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_REDUCE_WRITETEST_H
