//===- Kernels.h - The kernels of the CPU room ------------------*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CPU_KERNELS_H
#define ATTN_LIB_CPU_KERNELS_H

#include "attn/Dialect/Attn/IR/Attn.h"

namespace attn {

/// Replaces `finalize` and the attn.online_sdpa that feeds it, both on
/// buffers, by vector code of the form that the plan asks for; `bf16Products`
/// says that the target has attn.bf16_dot.
mlir::LogicalResult emitAttentionKernel(FinalizeOp finalize, bool bf16Products);

/// The form `decode` of it.
mlir::LogicalResult emitDecodeKernel(FinalizeOp finalize, OnlineSdpaOp op);

/// Replaces `op`, on buffers and with one panel, by vector code of `lanes`
/// 32-bit lanes (half as many of 64 bits).
mlir::LogicalResult emitMatmulKernel(PackedMatmulOp op, int64_t lanes);

} // namespace attn

#endif // ATTN_LIB_CPU_KERNELS_H
