//===- Attn.h - The attn dialect: ops, attributes, types
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTN_H
#define ATTN_DIALECT_ATTN_IR_ATTN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

#include "attn/Dialect/Attn/IR/AttnDialect.h.inc"
#include "attn/Dialect/Attn/IR/AttnEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "attn/Dialect/Attn/IR/AttnAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "attn/Dialect/Attn/IR/AttnTypes.h.inc"
#define GET_OP_CLASSES
#include "attn/Dialect/Attn/IR/AttnOps.h.inc"

namespace attn {

/// f64 for f64, else f32: the type in which scores and outputs accumulate.
mlir::FloatType getAccumulatorTypeFor(mlir::Type elementType);

/// The layout map of [B, H, S, D] itself.
mlir::AffineMap getIdentityLayout(mlir::MLIRContext *context);

/// Position in memory order of logical dimension `dim` (0 b, 1 h, 2 s, 3 d).
unsigned getLayoutPosition(mlir::AffineMap layout, unsigned dim);

/// Size of logical dimension `dim` of a shaped value kept in `layout`.
int64_t getLogicalDim(mlir::ShapedType type, mlir::AffineMap layout,
                      unsigned dim);

/// Reorders per-dimension values from logical (b, h, s, d) to memory order.
template <typename T>
llvm::SmallVector<T> applyLayout(mlir::AffineMap layout,
                                 llvm::ArrayRef<T> logical) {
  llvm::SmallVector<T> memory(logical.begin(), logical.end());
  for (unsigned dim = 0; dim < 4; ++dim)
    memory[getLayoutPosition(layout, dim)] = logical[dim];
  return memory;
}

/// Registers how the tile-level ops bufferize.
void registerBufferizableOpInterfaceExternalModels(
    mlir::DialectRegistry &registry);

} // namespace attn

#endif // ATTN_DIALECT_ATTN_IR_ATTN_H
