//===- Frag.h - The frag dialect: ops and types -----------------*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_FRAG_IR_FRAG_H
#define ATTN_DIALECT_FRAG_IR_FRAG_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "attn/Dialect/Frag/IR/FragDialect.h.inc"
#include "attn/Dialect/Frag/IR/FragEnums.h.inc"
#define GET_TYPEDEF_CLASSES
#include "attn/Dialect/Frag/IR/FragTypes.h.inc"
#define GET_OP_CLASSES
#include "attn/Dialect/Frag/IR/FragOps.h.inc"

namespace attn::frag {

/// Threads of a warpgroup: what one op of a kernel is executed by.
inline constexpr int64_t kWarpgroup = 128;
/// Rows of one asynchronous product.
inline constexpr int64_t kProductRows = 64;
/// Columns of one panel of shared memory: 128 bytes of 16-bit elements.
inline constexpr int64_t kPanelColumns = 64;
/// Where a tile may begin: the 128-byte swizzle repeats every 1024 bytes.
inline constexpr int64_t kTileAlignment = 1024;
/// Shared memory that one thread block may have on sm_90.
inline constexpr int64_t kMaxSharedBytes = 227 * 1024;

/// What tiles and left operands hold.
inline bool isHalf(mlir::Type type) { return type.isF16() || type.isBF16(); }

/// Bytes of shared memory of the kernel that `allocs` stand in: tiles in their
/// order, then barriers.
int64_t getSharedBytes(mlir::Operation *kernel);

} // namespace attn::frag

#endif // ATTN_DIALECT_FRAG_IR_FRAG_H
