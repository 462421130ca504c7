//===- InlineAsm.h - Machine instructions that nvvm lacks -------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The only forms of llvm.inline_asm in our kernels. nvvm.wgmma.mma_async takes
// its left operand from shared memory alone, and nvvm.wgmma.wait.group names no
// accumulators, so that LLVM may read them before the wait: both are written
// here with the accumulators tied, results to operands. And an address that
// LLVM does not know to be the one that it has elsewhere.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_NVVM_INLINEASM_H
#define ATTN_LIB_NVVM_INLINEASM_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn::nvvm {

/// wgmma.mma_async m64nNk16, f32 += element x element: `accumulators` (N / 2 of
/// f32), the left operand in four i32, the right one by descriptor, stored
/// with its columns contiguous. Returns the new accumulators, not yet complete.
llvm::SmallVector<mlir::Value> wgmmaRS(mlir::ImplicitLocOpBuilder &b,
                                       mlir::Type element,
                                       mlir::ValueRange accumulators,
                                       mlir::ValueRange left,
                                       mlir::Value descriptor);

/// wgmma.wait_group: returns `accumulators`, complete once at most `groups`
/// newer groups are under way.
llvm::SmallVector<mlir::Value> wgmmaWait(mlir::ImplicitLocOpBuilder &b,
                                         int64_t groups,
                                         mlir::ValueRange accumulators);

/// The address of a variable in shared memory, computed here and not before.
mlir::Value sharedMemory(mlir::ImplicitLocOpBuilder &b, llvm::StringRef symbol);

/// The fields of an LLVM struct.
llvm::SmallVector<mlir::Value> unpackStruct(mlir::ImplicitLocOpBuilder &b,
                                            mlir::Value packed);

} // namespace attn::nvvm

#endif // ATTN_LIB_NVVM_INLINEASM_H
