//===- WeightBytes.h - Constant weights as bytes ----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights are compared and cut without a look at what their bits mean, but for
// the sign of zero.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_OPTIMIZE_WEIGHTBYTES_H
#define ATTN_LIB_OPTIMIZE_WEIGHTBYTES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

#include <optional>
#include <vector>

namespace attn {

/// Neighbouring indices of one dimension.
struct Stripe {
  int64_t offset = 0, size = 0;
};

/// A constant tensor of floats, of whole bytes each and static size.
class WeightBytes {
public:
  /// Nothing when `value` is no such constant.
  static std::optional<WeightBytes> of(mlir::Value value);

  /// All elements within `range` of dimension `dim` are 0 or -0.
  bool isZero(unsigned dim, Stripe range) const;
  /// The elements of both ranges, of one size, are the same bits.
  bool isEqual(unsigned dim, Stripe a, Stripe b) const;
  /// The ranges of dimension `dim` one after another, as a constant.
  mlir::ElementsAttr gather(unsigned dim, llvm::ArrayRef<Stripe> ranges) const;
  /// Sums of its elements are no less precise than sums of products with them.
  bool canAdd() const;
  /// As `gather`, of the sums of stripes of one size; `canAdd` must hold.
  mlir::ElementsAttr
  gatherSums(unsigned dim,
             llvm::ArrayRef<llvm::SmallVector<Stripe>> sums) const;

  /// All elements as doubles; of f32 and f64 alone.
  std::vector<double> toDoubles() const;
  /// The rows of all `parts`, which agree in the other dimensions, as a
  /// constant.
  static mlir::ElementsAttr joinRows(llvm::ArrayRef<WeightBytes> parts);

private:
  /// What lies before dimension `dim`, and the bytes of one index of it.
  void strides(unsigned dim, int64_t &outer, int64_t &inner) const;
  llvm::ArrayRef<char> slice(unsigned dim, int64_t outer, Stripe range) const;

  mlir::RankedTensorType type;
  llvm::ArrayRef<char> bytes; ///< of one element when `splat`
  bool splat = false;
};

} // namespace attn

#endif // ATTN_LIB_OPTIMIZE_WEIGHTBYTES_H
