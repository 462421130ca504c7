//===- LaunchList.h - The host part of a GPU entry as data ------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the straight-line host function that the NVVM room leaves: buffers,
// views, tensor maps and kernel launches whose numbers follow from the
// arguments' sizes. As data it needs no code generator for the host.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_LAUNCHLIST_H
#define ATTN_EXECUTE_LAUNCHLIST_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>
#include <vector>

namespace attn {

/// The parts of a bundle's manifest that the host function determines; the
/// schema is in docs/gpu.md.
struct LaunchList {
  llvm::json::Array arguments, results, workspace, launches;
  /// The kernels that are launched, as `module::kernel`, each once.
  std::vector<std::pair<std::string, std::string>> kernels;
};

/// Reads `entry`. Fails, naming the op, on what is not a function of the
/// arguments' sizes and scalars, and on control flow.
llvm::Expected<LaunchList> readLaunchList(mlir::func::FuncOp entry);

} // namespace attn

#endif // ATTN_EXECUTE_LAUNCHLIST_H
