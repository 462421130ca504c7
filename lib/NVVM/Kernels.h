//===- Kernels.h - The kernels of the NVVM room -----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_NVVM_KERNELS_H
#define ATTN_LIB_NVVM_KERNELS_H

#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace attn::nvvm {

/// Makes a kernel `name` in `module` of the loop around `op` and `finalize`, on
/// buffers, and a launch in its place.
mlir::LogicalResult emitAttentionKernel(mlir::scf::ForallOp loop,
                                        OnlineSdpaOp op, FinalizeOp finalize,
                                        mlir::gpu::GPUModuleOp module,
                                        llvm::StringRef name);

/// Marks a kernel of the general way: elementary functions are exact to a few
/// units in the last place.
inline constexpr llvm::StringLiteral kGeneralAttr = "attn.general";

/// Bits of an index. Positions fit in 32, and 64-bit arithmetic would take the
/// registers that accumulators need; the general way takes any rule.
inline constexpr unsigned kTensorCoreIndexBits = 32, kGeneralIndexBits = 64;

/// Blocks that a grid may have in y and in z (CUDA).
inline constexpr int64_t kMostBlocksAcross = 65535;

/// Makes a kernel `name` in `module` of an op on buffers, and a launch in its
/// place. Fails, with an error, where the op's body is not scalar code without
/// effects, or its parallel loops do not give each element of the results once.
mlir::LogicalResult emitGeneralKernel(mlir::linalg::GenericOp op,
                                      mlir::gpu::GPUModuleOp module,
                                      llvm::StringRef name);

} // namespace attn::nvvm

#endif // ATTN_LIB_NVVM_KERNELS_H
