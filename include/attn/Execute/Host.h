//===- Host.h - The machine that the compiler runs on -----------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Puts the name of this machine into a target that has none, and knows the
// process and its environment. Beside Runtime the only place that looks there.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_HOST_H
#define ATTN_EXECUTE_HOST_H

#include "attn/Support/TargetInfo.h"

namespace attn {

/// Parses a target; `cpu` and `linalg` become `cpu:<this machine>` and
/// `linalg:<this machine>`. Features that the named CPU has but this machine
/// hides (as virtual machines do) are turned off.
llvm::Expected<TargetInfo> resolveTarget(llvm::StringRef text);

/// What code for `target` is compiled for: itself, and for emulated kernels the
/// oldest processor of this architecture that we know, so that the code does
/// not depend on the machine.
TargetInfo codeTarget(const TargetInfo &target);

/// Says why code for `target` cannot run on this machine, if that is so.
llvm::Error checkRunsHere(const TargetInfo &target);

/// Where compiled code is kept between processes: `$ATTN_MLIR_CACHE_DIR`
/// (empty: nowhere), else `$XDG_CACHE_HOME/attn-mlir`, else
/// `~/.cache/attn-mlir`. Empty when there is no such place.
std::string hostCacheFolder();

/// A text that changes with the code of this compiler and of the LLVM that it
/// runs with: their linkers' build ids. Empty when ours has none.
std::string hostBuildId();

/// The path of NVIDIA's assembler: `$ATTN_MLIR_PTXAS`, then that of the CUDA
/// toolkit (`$CUDA_HOME`, `$CUDA_PATH`, the search path, its usual folder),
/// then that of the Python package nvidia-cuda-nvcc in the environment in use
/// or in a
/// `.venv` above this program. The error says where it was looked for.
llvm::Expected<std::string> findPtxas();

/// The path of a linker for `target`, which is a CPU: lld, else GNU's, from
/// PATH.
llvm::Expected<std::string> findLinker(const TargetInfo &target);

} // namespace attn

#endif // ATTN_EXECUTE_HOST_H
