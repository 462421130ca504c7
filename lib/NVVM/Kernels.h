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
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace attn::nvvm {

/// Makes a kernel `name` in `module` of the loop around `op` and `finalize`, on
/// buffers, and a launch in its place.
mlir::LogicalResult emitAttentionKernel(mlir::scf::ForallOp loop,
                                        OnlineSdpaOp op, FinalizeOp finalize,
                                        mlir::gpu::GPUModuleOp module,
                                        llvm::StringRef name);

} // namespace attn::nvvm

#endif // ATTN_LIB_NVVM_KERNELS_H
