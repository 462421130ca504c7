//===- Moves.h - Ways to make a module smaller ------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each list looks at a module and offers moves; a move is made on a clone of
// that module, which is tested afterwards. A move may leave dead code, which is
// swept away, and may break the module, which the verifier sees.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_REDUCE_MOVES_H
#define ATTN_TOOLS_ATTN_REDUCE_MOVES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <functional>
#include <string>
#include <vector>

namespace attn {

struct Move {
  std::string what; ///< "drop softcap of attn.sdpa"
  /// False when it does not apply after all.
  std::function<bool(mlir::ModuleOp)> make;
};
using Moves = std::vector<Move>;
using ListMoves = void (*)(mlir::ModuleOp, Moves &);

/// Whole functions, and calls.
void listFunctionMoves(mlir::ModuleOp module, Moves &moves);
/// Results, and arguments that nothing reads.
void listSignatureMoves(mlir::ModuleOp module, Moves &moves);
/// An attn op alone; an op gone; a value as an argument, or as one of its
/// operands.
void listOpMoves(mlir::ModuleOp module, Moves &moves);
/// The clauses of attn.sdpa and attn.mha, their optional results, captures.
void listClauseMoves(mlir::ModuleOp module, Moves &moves);
/// Ops in regions: rules, bodies of loops.
void listRegionMoves(mlir::ModuleOp module, Moves &moves);
/// f32 for other floats.
void listTypeMoves(mlir::ModuleOp module, Moves &moves);
/// Numbers for open sizes, and smaller numbers.
void listSizeMoves(mlir::ModuleOp module, Moves &moves);
/// MLIR's own: canonicalize, cse.
void listPassMoves(mlir::ModuleOp module, Moves &moves);

/// The op with this number in the order of a walk: the way to find in a clone
/// what was seen in its source.
mlir::Operation *opNumber(mlir::ModuleOp module, unsigned number);
/// Its number.
unsigned numberOf(mlir::ModuleOp module, mlir::Operation *op);

/// Makes the type of a function that of its arguments and of what it returns.
void updateType(mlir::func::FuncOp func);
/// Writes inputs for the arguments of every public function that has none;
/// `given` are those of the only one, in the words of --input.
void writeInputs(mlir::func::FuncOp func, llvm::ArrayRef<std::string> given);
/// Removes what nothing reads: ops, private functions.
void sweep(mlir::ModuleOp module);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_REDUCE_MOVES_H
