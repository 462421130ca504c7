//===- Sizes.h - The sizes of a function and how they hang together -------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dimensions that must be equal (the N of keys, values and masks) form one
// size, so that it can be changed everywhere at once. Every size has a number,
// open ones too: the number that the function is called with.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_REDUCE_SIZES_H
#define ATTN_TOOLS_ATTN_REDUCE_SIZES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

#include <string>
#include <vector>

namespace attn {

/// The attribute of an argument that holds what it is called with, in the words
/// of attn-run's --input: "2x3xf32=random:1".
constexpr llvm::StringLiteral inputAttrName = "reduce.input";

class Sizes {
public:
  using Id = int;
  static constexpr Id none = -1;

  /// Ties the dimensions of the values in `func` by what its ops ask for.
  /// What an unknown op asks for stays unknown: a change may then break the
  /// function, which the verifier sees.
  explicit Sizes(mlir::func::FuncOp func);

  /// The sizes that may be changed on their own, in the order in which the
  /// function mentions them.
  std::vector<Id> bases();
  /// `N`, as ops of attention call it, or `size 3`.
  std::string name(Id id);
  int64_t number(Id id) { return numbers[find(id)]; }
  /// Some dimension of this size has no number in its type.
  bool isOpen(Id id);
  /// The key/value heads of a size that is query heads, or none.
  Id keyHeadsOf(Id heads);

  /// The sizes of a value at run time.
  llvm::SmallVector<int64_t> shapeOf(mlir::Value value);

  /// Gives sizes new numbers, in types, attributes and inputs; products follow.
  /// False when one of them cannot be changed.
  bool resize(llvm::ArrayRef<std::pair<Id, int64_t>> changes);
  /// Writes the number of a size into the types.
  bool close(Id id);

private:
  /// heads * D = rows of a weight: the sum of `terms`, each a product.
  struct Formula {
    Id total;
    std::vector<llvm::SmallVector<Id, 2>> terms;
  };
  struct HeadsAttr {
    mlir::Operation *op;
    std::string name;
    Id id;
  };

  Id make();
  Id dim(mlir::Value value, unsigned index);
  Id find(Id id);
  void tie(Id a, Id b);
  void tieAll(mlir::Value a, mlir::Value b);
  void nameIt(Id id, char letter);

  void addOp(mlir::Operation *op);
  template <typename OpTy>
  void addClauses(OpTy op, llvm::ArrayRef<Id> bhmn);
  template <typename OpTy>
  void addPlaces(OpTy op, llvm::ArrayRef<Id> bhmn);
  void addSdpa(mlir::Operation *op);
  void addMha(mlir::Operation *op);
  void addHeadMove(mlir::Operation *op);
  void addLinalg(mlir::Operation *op);
  void readNumbers();
  void readInputs();
  void guessOpenNumbers();
  bool writeTypes(bool closing, Id closed);

  mlir::func::FuncOp func;
  std::vector<Id> parents;
  std::vector<int64_t> numbers; ///< -1 while unknown
  std::vector<char> letters;
  std::vector<bool> frozen; ///< read from a file, or in a constant
  llvm::DenseMap<std::pair<mlir::Value, unsigned>, Id> dims;
  std::vector<mlir::Value> values; ///< with a tensor type, in order
  std::vector<Formula> formulas;
  std::vector<HeadsAttr> headsAttrs;
  std::vector<std::pair<Id, Id>> groups; ///< query heads, key/value heads
};

/// The input of a value without a given one: `2x3xf32=random:1`.
std::string defaultInput(mlir::Type type, llvm::ArrayRef<int64_t> shape,
                         unsigned seed);

/// Puts the sizes of an argument's input into the order (b, h, s, d) from that
/// of `layout`.
void permuteInput(mlir::func::FuncOp func, unsigned argument,
                  mlir::AffineMap layout);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_REDUCE_SIZES_H
