//===- Bundle.h - What ships to a machine with a GPU ------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels as machine code and PTX, and the manifest that says how to launch
// them, in one file. Runtime (attn/Runtime/Cuda.h) and attn_mlir.cuda read it;
// the format is in docs/gpu.md.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_BUNDLE_H
#define ATTN_EXECUTE_BUNDLE_H

#include "attn/Execute/Ptxas.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace attn {

/// Compiles all kernels of a module that the NVVM room has left and writes the
/// bytes of the bundle of its entry. `ptxas` is the path of the assembler. A
/// kernel that spills or that ptxas slows down is an error.
llvm::Expected<std::string>
makeBundle(mlir::ModuleOp module, llvm::StringRef entry, llvm::StringRef ptxas);

} // namespace attn

#endif // ATTN_EXECUTE_BUNDLE_H
