//===- HeadList.h - Heads that a person names -------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `3.1`, or `3.0+2` for heads that go together.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_OPTIMIZE_HEADLIST_H
#define ATTN_LIB_OPTIMIZE_HEADLIST_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"

namespace attn {

using HeadGroup = llvm::SmallVector<int64_t>;

/// The groups of heads that a person named, by block.
using NamedHeads = llvm::MapVector<mlir::Operation *, std::vector<HeadGroup>>;

/// Finds the blocks of `words` in every function of `module`, or in `function`
/// alone where it is not empty. Numbers of blocks are positions in a function;
/// those without an attn.mha are passed over. Emits an error when a word cannot
/// be read, or names a function, block or head that is not there; heads are
/// those that `count` says a block has.
mlir::FailureOr<NamedHeads>
findNamedHeads(mlir::ModuleOp module, llvm::ArrayRef<std::string> words,
               llvm::StringRef function,
               llvm::function_ref<int64_t(MhaOp)> count);

/// `3, 5`.
std::string listHeads(llvm::ArrayRef<int64_t> heads);

} // namespace attn

#endif // ATTN_LIB_OPTIMIZE_HEADLIST_H
