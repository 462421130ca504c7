//===- Clauses.h - Parsing and printing of the clauses of mha and sdpa
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_IR_CLAUSES_H
#define ATTN_LIB_DIALECT_ATTN_IR_CLAUSES_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include <optional>

namespace attn {

/// An operand that carries its type inside a clause: keep(%m : tensor<...>).
struct TypedOperand {
  mlir::OpAsmParser::UnresolvedOperand operand;
  mlir::Type type;
};

/// Clauses in any order, each at most once. `parseClause` has no value for a
/// keyword that it does not know.
mlir::ParseResult parseClauses(
    mlir::OpAsmParser &parser,
    llvm::function_ref<mlir::OptionalParseResult(llvm::StringRef keyword)>
        parseClause);

/// What the variant clauses of one op said, before types are known.
struct VariantClauses {
  using Operand = mlir::OpAsmParser::UnresolvedOperand;
  std::optional<Operand> scale, softcap, causalOffset;
  llvm::SmallVector<Operand> window;
  llvm::SmallVector<int64_t> staticWindow;
  std::optional<Causal> causal;
  std::optional<TypedOperand> alibi, additive, keep, kvLens, sinks, prefix,
      blockSparse, tree, relativeBias;
  llvm::SmallVector<TypedOperand> documents, ragged;
  std::optional<int64_t> chunked, dilated, maxDistance;
  llvm::SmallVector<int64_t> blockSize;
  bool bidirectional = false;
  llvm::SmallVector<TypedOperand> captures;
  llvm::SmallVector<mlir::AffineMap> captureMaps;

  /// Parses one clause when its keyword is `keyword`; no value when it is
  /// not a variant clause.
  mlir::OptionalParseResult parse(mlir::OpAsmParser &parser,
                                  llvm::StringRef keyword);
  /// Appends the operands, their segment sizes and the attributes.
  mlir::ParseResult resolve(mlir::OpAsmParser &parser,
                            mlir::FloatType accumulator,
                            mlir::OperationState &result,
                            llvm::SmallVectorImpl<int32_t> &segments);
  /// The types of the captures' elements: what the regions receive.
  llvm::SmallVector<mlir::Type> elementTypes() const;
};

/// Resolves and counts one optional operand.
mlir::ParseResult resolveOptional(mlir::OpAsmParser &parser,
                                  const std::optional<TypedOperand> &operand,
                                  mlir::OperationState &result,
                                  llvm::SmallVectorImpl<int32_t> &segments);

/// `(%a, %b, ...)`.
mlir::ParseResult parseOperandGroup(
    mlir::OpAsmParser &parser,
    llvm::SmallVectorImpl<mlir::OpAsmParser::UnresolvedOperand> &operands);

/// `score(%s, ...) {...} mask(%b, ...) {...}`, both optional.
mlir::ParseResult parseScoreAndMask(mlir::OpAsmParser &parser,
                                    mlir::Type accumulator,
                                    llvm::ArrayRef<mlir::Type> captures,
                                    mlir::OperationState &result);
void printScoreAndMask(mlir::OpAsmPrinter &printer, mlir::Region &score,
                       mlir::Region &mask);

/// `blocks(%b, %h, %m0, %m1, %n0, %n1, ...) {...}`, optional.
mlir::ParseResult parseBlocks(mlir::OpAsmParser &parser,
                              llvm::ArrayRef<mlir::Type> captures,
                              mlir::OperationState &result);
void printBlocks(mlir::OpAsmPrinter &printer, mlir::Region &blocks);

/// `%a[b, h] : type, ...` inside captures(...).
mlir::ParseResult parseCaptures(mlir::OpAsmParser &parser,
                                llvm::SmallVectorImpl<TypedOperand> &captures,
                                llvm::SmallVectorImpl<mlir::AffineMap> &maps);
void printCaptures(mlir::OpAsmPrinter &printer, mlir::ValueRange captures,
                   mlir::ArrayAttr maps);

/// A layout word such as `bshd`: the memory order of [B, H, S, D].
mlir::ParseResult parseLayout(mlir::AsmParser &parser,
                              mlir::AffineMapAttr &layout);
void printLayout(mlir::AsmPrinter &printer, mlir::Operation *,
                 mlir::AffineMapAttr layout);
mlir::ParseResult parseLayoutList(mlir::AsmParser &parser, unsigned count,
                                  mlir::ArrayAttr &layouts);
void printLayoutList(mlir::AsmPrinter &printer, mlir::ArrayAttr layouts);
/// `(bhsd, bshd)`: of an input and of the result.
mlir::ParseResult parseLayoutPair(mlir::OpAsmParser &parser,
                                  mlir::ArrayAttr &layouts);
void printLayoutPair(mlir::OpAsmPrinter &printer, mlir::Operation *,
                     mlir::ArrayAttr layouts);

/// The attributes that the variant clauses print and parse.
llvm::ArrayRef<llvm::StringRef> getVariantAttrNames();

/// Prints the variant clauses of mha or sdpa, in canonical order.
template <typename OpTy>
void printVariantClauses(mlir::OpAsmPrinter &printer, OpTy op);

} // namespace attn

#endif // ATTN_LIB_DIALECT_ATTN_IR_CLAUSES_H
