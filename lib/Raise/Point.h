//===- Point.h - One element of a tensor as an expression -------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The normal form of the room. Exporters say the same thing with named ops,
// generics, fused or not, with transposes and reshapes between; asked for one
// element, all of them give the same expression. Expressions are made on
// demand, one producer at a time, so that a graph without attention costs
// next to nothing and is never touched.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_RAISE_POINT_H
#define ATTN_LIB_RAISE_POINT_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AffineExpr.h"

#include <deque>

namespace attn {

/// A node of an expression. Positions are affine expressions of dimensions:
/// those of the element asked for, and one more per reduction met.
struct Point {
  enum class Kind {
    Read,     ///< element `coords` of the tensor `value`
    Constant, ///< `constant`
    Scalar,   ///< `value`, no tensor, the same for every element
    Index,    ///< the position `coords[0]`, of `type`, an integer or index
    Apply,    ///< the scalar op `op` on `args`
    Reduce,   ///< args[0] over the dimension `dim`, from args[1] on
  };
  enum class Reducer { Sum, Max, Any, All };

  Kind kind;
  mlir::Value value;
  llvm::SmallVector<mlir::AffineExpr> coords;
  mlir::TypedAttr constant;
  mlir::Type type;
  mlir::Operation *op = nullptr;
  llvm::SmallVector<const Point *> args;
  mlir::AffineExpr dim;
  Reducer reducer = Reducer::Sum;

  template <typename OpTy>
  bool applies() const {
    return kind == Kind::Apply && mlir::isa<OpTy>(op);
  }
  bool reduces(Reducer how) const {
    return kind == Kind::Reduce && reducer == how;
  }
};

using Renaming = llvm::DenseMap<mlir::AffineExpr, mlir::AffineExpr>;

/// Makes points and owns them.
class PointReader {
public:
  explicit PointReader(mlir::MLIRContext *context) : context(context) {}

  /// Element `coords` of a tensor. Positions in dimensions of size 1 are 0.
  const Point *read(mlir::Value tensor,
                    llvm::ArrayRef<mlir::AffineExpr> coords);
  /// An element at fresh dimensions, one per dimension of the tensor.
  const Point *readAnywhere(mlir::Value tensor);
  /// The same, its first dimension being [size / heads, heads] in one.
  const Point *readHeads(mlir::Value tensor, int64_t heads);
  const Point *apply(mlir::Operation *op, llvm::ArrayRef<const Point *> args);
  const Point *constant(mlir::TypedAttr value);
  /// What is the same for every element.
  const Point *scalar(mlir::Value value);
  /// @{ Expressions that no op of the graph says.
  const Point *position(mlir::AffineExpr at);
  const Point *select(const Point *condition, const Point *yes,
                      const Point *no);
  const Point *compare(mlir::arith::CmpIPredicate predicate, const Point *a,
                       const Point *b);
  const Point *bothOf(const Point *a, const Point *b);
  /// `op` of constants as a constant, or null.
  const Point *evaluate(mlir::Operation *op,
                        llvm::ArrayRef<const Point *> args);
  /// @}

  /// What a Read is, one producer further; null where the producer is not
  /// understood or the search has become too long.
  const Point *step(const Point *point);
  /// Steps until it is no Read, or one that cannot be stepped.
  const Point *resolve(const Point *point);

  /// True when `a` with its dimensions renamed is surely the value of `b`.
  bool same(const Point *a, const Point *b, const Renaming &renaming);

  /// A fresh dimension of this size, or of one not known.
  mlir::AffineExpr freshDim(int64_t size);
  /// Its size, or ShapedType::kDynamic.
  int64_t sizeOf(mlir::AffineExpr dim) const;
  /// True when `dim` goes over all of the dimension `i` of what is read, not
  /// over a slice.
  bool isWhole(const Point *read, unsigned i, mlir::AffineExpr dim) const;
  mlir::AffineExpr zero() const;
  mlir::MLIRContext *getContext() const { return context; }

private:
  friend class BodyReader;
  Point *make(Point::Kind kind);
  const Point *stepOnce(const Point *point);
  const Point *stepConstant(mlir::Attribute attribute, const Point *point);
  const Point *isWithin(mlir::AffineExpr row, mlir::AffineExpr column,
                        std::optional<int64_t> low,
                        std::optional<int64_t> high);
  mlir::OpBuilder scratchBuilder();
  mlir::Value makeOperand(mlir::Type type);
  const Point *stepLinalg(mlir::linalg::LinalgOp op, const Point *point);
  const Point *stepElementwise(mlir::Operation *op, const Point *point);
  const Point *stepExpand(mlir::Value source, mlir::Value result,
                          llvm::ArrayRef<mlir::ReassociationIndices> groups,
                          const Point *point);
  const Point *stepCollapse(mlir::Value source,
                            llvm::ArrayRef<mlir::ReassociationIndices> groups,
                            const Point *point);
  const Point *stepSlice(mlir::tensor::ExtractSliceOp slice,
                         const Point *point);
  const Point *stepConcat(mlir::tensor::ConcatOp concat, const Point *point);
  bool split(mlir::AffineExpr position, llvm::ArrayRef<int64_t> sizes,
             llvm::SmallVectorImpl<mlir::AffineExpr> &out);

  mlir::MLIRContext *context;
  std::deque<Point> points;
  mlir::Block scratch; ///< ops that only expressions have
  llvm::DenseMap<const Point *, const Point *> steps;
  llvm::SmallVector<int64_t> sizes; ///< of the dimensions made so far
  unsigned budget = 2048;           ///< producers still to be looked at
  unsigned comparisons = 20000;     ///< pairs of points still to be compared
};

/// True when the position of some element read, or an index, has `dim` in it.
bool dependsOn(const Point *point, mlir::AffineExpr dim);

/// The type of the element that it is.
mlir::Type elementTypeOf(const Point *point);

/// The value of a floating-point constant.
std::optional<double> floatValue(const Point *point);
/// The value of a boolean constant.
std::optional<bool> boolValue(const Point *point);

/// True when some position is part of the value, not only of where it is read.
bool hasIndex(const Point *point);

/// The bytes of a constant that is no splat, of either kind; else none.
llvm::ArrayRef<char> rawData(mlir::Attribute attribute);

/// What `op` makes of `args`, where that is known or one of them; else null.
const Point *fold(PointReader &reader, mlir::Operation *op,
                  llvm::ArrayRef<const Point *> args);

} // namespace attn

#endif // ATTN_LIB_RAISE_POINT_H
