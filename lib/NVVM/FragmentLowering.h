//===- FragmentLowering.h - From fragments to threads -----------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the patterns of attn-nvvm-lower-fragments share.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_NVVM_FRAGMENTLOWERING_H
#define ATTN_LIB_NVVM_FRAGMENTLOWERING_H

#include "ThreadBuilder.h"

#include "attn/Dialect/Frag/IR/Frag.h"

#include "mlir/Transforms/DialectConversion.h"

namespace attn::nvvm {

/// Turns fragments into the numbers that one thread holds: f32 for
/// accumulators and rows, i32 pairs of halves for left operands, the byte
/// offset for tiles and barriers.
struct FragmentTypeConverter : mlir::TypeConverter {
  FragmentTypeConverter();
};

/// Registers of one thread for each fragment type.
int64_t registerCount(mlir::Type fragment);

/// The position of element i of a thread's part of an accumulator, relative to
/// the thread's first row and column. Rows of a thread are 8 apart.
struct ElementPosition {
  int64_t row;    ///< Which of the thread's rows, 0, 1, ...
  int64_t column; ///< Added to the thread's first column.
};
ElementPosition elementPosition(frag::AccType type, int64_t element);
/// The distance of the thread's row number `row` from its first one.
int64_t rowOffset(int64_t row);
/// The thread's first row and column in an accumulator of `rows` rows, i32.
mlir::Value firstRow(ThreadBuilder &b, int64_t rows);
mlir::Value firstColumn(ThreadBuilder &b);

/// Where in shared memory each allocation of a kernel stands.
struct SharedLayout {
  explicit SharedLayout(mlir::Operation *kernel);

  /// Bytes from the start.
  llvm::DenseMap<mlir::Operation *, int64_t> offsets;
  struct Barrier {
    int64_t offset, arrivals;
  };
  llvm::SmallVector<Barrier> barriers;
};

void populateMemoryPatterns(mlir::RewritePatternSet &patterns,
                            const mlir::TypeConverter &types,
                            const SharedLayout &layout);
void populateProductPatterns(mlir::RewritePatternSet &patterns,
                             const mlir::TypeConverter &types);
void populateElementPatterns(mlir::RewritePatternSet &patterns,
                             const mlir::TypeConverter &types);
void populateMendPatterns(mlir::RewritePatternSet &patterns,
                          const mlir::TypeConverter &types);

/// Gives the producer an address of shared memory of its own: in large kernels
/// LLVM would else compute one for both roles, in front of them, and ptxas then
/// keeps the descriptors of the main loop in other than uniform registers.
void separateRoles(mlir::LLVM::LLVMFuncOp kernel);

/// Marks an scf.if without else that is hardly ever taken.
inline constexpr llvm::StringLiteral kColdAttr = "attn.cold";
/// Makes a function of each such path of a lowered kernel.
void outlineColdPaths(mlir::LLVM::LLVMFuncOp kernel);

void populateRolePatterns(mlir::RewritePatternSet &patterns,
                          const mlir::TypeConverter &types,
                          const SharedLayout &layout);

} // namespace attn::nvvm

#endif // ATTN_LIB_NVVM_FRAGMENTLOWERING_H
