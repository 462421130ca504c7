//===- Builders.h - Short ways to say linalg on tensors ---------*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_LINALG_BUILDERS_H
#define ATTN_LIB_LINALG_BUILDERS_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// Computes one element from the operands' elements, the destination's last.
using ElementFn = llvm::function_ref<mlir::Value(
    mlir::ImplicitLocOpBuilder &builder, mlir::ValueRange elements)>;

/// A linalg.generic over dimensions (0, 1, ...); `maps` has one map per input
/// and the destination's last, and `reductions` the dimensions summed over.
mlir::Value createGeneric(mlir::ImplicitLocOpBuilder &builder,
                          mlir::ValueRange inputs, mlir::Value destination,
                          llvm::ArrayRef<mlir::AffineMap> maps,
                          llvm::ArrayRef<unsigned> reductions,
                          ElementFn element);

/// Dimensions `dims` of an iteration space of rank `rank`.
mlir::AffineMap selectDims(mlir::ImplicitLocOpBuilder &builder, unsigned rank,
                           llvm::ArrayRef<unsigned> dims);

/// tensor.empty of exactly `type`; `sizes` is read where it is dynamic.
mlir::Value createEmpty(mlir::ImplicitLocOpBuilder &builder, mlir::Type type,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes);

/// A tensor of `sizes` full of `value`.
mlir::Value createFilled(mlir::ImplicitLocOpBuilder &builder,
                         llvm::ArrayRef<mlir::OpFoldResult> sizes,
                         mlir::FloatType element, double value);

/// tensor.cast where the types differ.
mlir::Value castTo(mlir::ImplicitLocOpBuilder &builder, mlir::Value value,
                   mlir::Type type);

/// A slice with unit strides whose dimensions outside `kept` have size 1 and
/// are dropped.
mlir::Value createSlice(mlir::ImplicitLocOpBuilder &builder, mlir::Value source,
                        llvm::ArrayRef<mlir::OpFoldResult> offsets,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes,
                        llvm::ArrayRef<unsigned> kept);

mlir::Value createFloat(mlir::ImplicitLocOpBuilder &builder, mlir::Type type,
                        double value);

/// Widens or rounds `value` to `type`.
mlir::Value convertFloat(mlir::ImplicitLocOpBuilder &builder, mlir::Value value,
                         mlir::Type type);

/// A size as a floating-point number.
mlir::Value sizeAsFloat(mlir::ImplicitLocOpBuilder &builder,
                        mlir::OpFoldResult size, mlir::FloatType type);

} // namespace attn

#endif // ATTN_LIB_LINALG_BUILDERS_H
