//===- Raising.h - A graph beside what was raised from it -------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// --check of a graph without attn ops: it is raised, and run both ways.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_RAISING_H
#define ATTN_TOOLS_ATTN_RUN_RAISING_H

#include "attn/Support/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

namespace attn {

/// True when something in the module is an attn op.
bool hasAttnOps(mlir::ModuleOp module);

/// Prints how far `raised` results are from those of the graph as it stands,
/// `plain`; false when that is more than the roundings of both explain.
bool compareResults(llvm::raw_ostream &os, mlir::ModuleOp graph,
                    llvm::ArrayRef<Tensor> raised,
                    llvm::ArrayRef<Tensor> plain);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_RAISING_H
