//===- ThreadBuilder.h - Code of one thread, written briefly ----*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Offsets are i32 everywhere: a 64-bit address costs two registers and two
// instructions.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_NVVM_THREADBUILDER_H
#define ATTN_LIB_NVVM_THREADBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn::nvvm {

using Values = llvm::SmallVector<mlir::Value>;

/// The symbol of a kernel's dynamic shared memory.
inline constexpr llvm::StringLiteral kSharedSymbol = "dynsmem";

struct ThreadBuilder : mlir::ImplicitLocOpBuilder {
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  //===--- numbers --------------------------------------------------------===//
  mlir::Value i32(int64_t value);
  mlir::Value i64(uint64_t value);
  mlir::Value f32(double value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value add(mlir::Value x, int64_t y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, int64_t y);
  mlir::Value div(mlir::Value x, int64_t y);
  mlir::Value rem(mlir::Value x, int64_t y);
  mlir::Value equal(mlir::Value x, int64_t y);
  mlir::Value both(mlir::Value x, mlir::Value y);
  /// index to i32.
  mlir::Value narrow(mlir::Value index);
  /// i32 to index.
  mlir::Value toIndex(mlir::Value number);

  //===--- where this thread is -------------------------------------------===//
  mlir::Value threadId();
  /// Of the block, and the same value in every lane.
  mlir::Value uniformWarp();
  mlir::Value lane();
  /// 0 to 3.
  mlir::Value warpOfGroup();
  /// One lane of the warp, the same one each time.
  mlir::Value elected();

  //===--- shared memory --------------------------------------------------===//
  mlir::Value sharedPointer(mlir::Value offset);
  /// Its address as the descriptors of products count it.
  mlir::Value sharedAddress(mlir::Value offset);
  /// Two f32, rounded, in one register.
  mlir::Value pack(mlir::Type element, mlir::Value low, mlir::Value high);
  /// One value per lane, from the lane whose number differs in `mask`.
  mlir::Value exchange(mlir::Value value, int64_t mask);

  mlir::scf::IfOp when(mlir::Value condition, llvm::function_ref<void()> then);
};

} // namespace attn::nvvm

#endif // ATTN_LIB_NVVM_THREADBUILDER_H
