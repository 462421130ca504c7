//===- Verify.h - What the verifiers of the attn ops share
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Each expect... emits one error that names the operand, what was expected and
// what was found. Labels such as sdpa_c3 stand above the check they name.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_IR_VERIFY_H
#define ATTN_LIB_DIALECT_ATTN_IR_VERIFY_H

#include "attn/Dialect/Attn/IR/Attn.h"

namespace attn {

/// Two sizes that may be equal at run time.
bool compatible(int64_t a, int64_t b);

/// The element type of a shaped value, the type of a scalar.
mlir::Type elementOf(mlir::Value value);

/// f64, f32, f16 or bf16.
bool isSupportedFloat(mlir::Type type);

mlir::LogicalResult expectDim(mlir::Operation *op, llvm::StringRef name,
                              int64_t found, llvm::StringRef expectedName,
                              int64_t expected);

mlir::LogicalResult expectRank(mlir::Operation *op, llvm::StringRef name,
                               mlir::Value value, int64_t rank);

mlir::LogicalResult expectElement(mlir::Operation *op, llvm::StringRef name,
                                  mlir::Value value, mlir::Type expected);

/// Sizes that may equal `shape` at run time; the ranks are known to agree.
mlir::LogicalResult expectShape(mlir::Operation *op, llvm::StringRef name,
                                mlir::Value value,
                                llvm::ArrayRef<int64_t> shape);

/// Elements of any supported floating-point type.
mlir::LogicalResult expectFloats(mlir::Operation *op, llvm::StringRef name,
                                 mlir::Value value);

/// tensor<size x element>, for per-head and per-batch values.
mlir::LogicalResult expectVector(mlir::Operation *op, llvm::StringRef name,
                                 mlir::Value value, llvm::StringRef letter,
                                 int64_t size);

/// The sizes and the type that the variant clauses must fit.
struct Problem {
  int64_t b, h, hkv, m, n, d;
  mlir::FloatType accumulator;
};

/// `value` broadcasts, aligned to the right, to `shape`, said to be `letters`.
mlir::LogicalResult expectBroadcast(mlir::Operation *op, llvm::StringRef name,
                                    mlir::Value value, llvm::StringRef letters,
                                    llvm::ArrayRef<int64_t> shape);

/// Signless integers or indices, no booleans.
mlir::LogicalResult expectIntegers(mlir::Operation *op, llvm::StringRef name,
                                   mlir::Value value);

/// The clauses that say by positions and lists which keys are kept, and the
/// table of biases: chunked to relative_bias.
template <typename OpTy>
mlir::LogicalResult verifyPlaces(OpTy op, const Problem &problem);

/// The clauses that attn.sdpa and attn.mha share.
template <typename OpTy>
mlir::LogicalResult verifyVariants(OpTy op, const Problem &problem);

/// One map per capture; appends the types that the regions receive.
mlir::LogicalResult verifyCaptures(mlir::Operation *op,
                                   mlir::OperandRange captures,
                                   mlir::ArrayAttr maps,
                                   llvm::SmallVectorImpl<mlir::Type> &elements);

mlir::LogicalResult verifyScoreAndMask(mlir::Operation *op,
                                       mlir::Type accumulator,
                                       llvm::ArrayRef<mlir::Type> captures,
                                       mlir::Region &score, mlir::Region &mask);

mlir::LogicalResult verifyBlocks(mlir::Operation *op,
                                 llvm::ArrayRef<mlir::Type> captures,
                                 mlir::Region &blocks);

/// A permutation of (b, h, s, d).
mlir::LogicalResult verifyLayout(mlir::Operation *op, mlir::AffineMap layout);

/// No layouts, or `count` permutations of (b, h, s, d).
mlir::LogicalResult verifyLayouts(mlir::Operation *op, mlir::ArrayAttr layouts,
                                  size_t count);

/// Tables of attn.rope for heads of batch `b`, length `s` and size `d`.
mlir::LogicalResult verifyRopeTables(mlir::Operation *op, mlir::Value cos,
                                     mlir::Value sin, int64_t b, int64_t s,
                                     int64_t d);

} // namespace attn

#endif // ATTN_LIB_DIALECT_ATTN_IR_VERIFY_H
