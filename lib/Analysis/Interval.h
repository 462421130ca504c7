//===- Interval.h - Arithmetic on ranges of integers, emitted ---*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits scalar code that computes with intervals what other code computes with
// numbers. All in 64 bits: what is known before the call of the ends excludes
// that a sum wraps, and where it does not, a check at run time goes with it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_ANALYSIS_INTERVAL_H
#define ATTN_LIB_ANALYSIS_INTERVAL_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

#include <optional>

namespace attn {

/// The values [least, most], of type index, ends included, where `valid` (null:
/// always) holds at run time; the ends are then in [low, high].
struct Interval {
  mlir::Value least, most;
  int64_t low, high;
  mlir::Value valid;

  bool isPoint() const { return least == most; }
};

/// What is known of a truth value: it may be true somewhere, it is everywhere.
struct Truth {
  mlir::Value some, all;
};

class IntervalBuilder {
public:
  using MaybeInterval = std::optional<Interval>;

  IntervalBuilder(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  mlir::Value index(int64_t value);
  mlir::Value boolean(bool value);
  mlir::Value toIndex(mlir::Value value);
  template <typename OpTy>
  mlir::Value make(mlir::Value left, mlir::Value right) {
    return builder.createOrFold<OpTy>(loc, left, right);
  }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value left,
                      mlir::Value right) {
    return builder.createOrFold<mlir::arith::CmpIOp>(loc, predicate, left,
                                                     right);
  }
  mlir::Value select(mlir::Value condition, mlir::Value left,
                     mlir::Value right) {
    return builder.createOrFold<mlir::arith::SelectOp>(loc, condition, left,
                                                       right);
  }

  //===--- numbers --------------------------------------------------------===//
  Interval constant(int64_t value);
  MaybeInterval add(Interval x, Interval y);
  MaybeInterval subtract(Interval x, Interval y);
  MaybeInterval multiply(Interval x, Interval y);
  /// Rounded down, up, or towards 0; by one number >= 1.
  enum class Rounding { Down, Up, Zero };
  MaybeInterval divide(Interval x, Interval y, Rounding rounding);
  /// What `divide` leaves, rounded down or towards 0.
  MaybeInterval remainder(Interval x, Interval y, Rounding rounding);
  Interval minimum(Interval x, Interval y);
  Interval maximum(Interval x, Interval y);
  MaybeInterval magnitude(Interval x);
  Interval choose(Truth condition, Interval x, Interval y);
  /// 1 or 0, or -1 or 0.
  Interval fromTruth(Truth x, bool isSigned);

  /// The interval with its ends in [low, high], asked at run time where it is
  /// not known.
  Interval within(Interval x, int64_t low, int64_t high);

  //===--- truth values ---------------------------------------------------===//
  Truth unknown() { return {boolean(true), boolean(false)}; }
  Truth same(mlir::Value value) { return {value, value}; }
  Truth negate(Truth x);
  Truth both(Truth x, Truth y);
  Truth either(Truth x, Truth y);
  Truth differ(Truth x, Truth y);
  Truth choose(Truth condition, Truth x, Truth y);
  Truth less(Interval x, Interval y, bool orEqual);
  Truth equal(Interval x, Interval y);
  /// As unsigned numbers.
  Truth below(Interval x, Interval y, bool orEqual);

private:
  template <typename OpTy>
  MaybeInterval sum(Interval x, Interval y);
  mlir::Value meet(mlir::Value x, mlir::Value y);
  /// Nothing is known where `valid` does not hold.
  Truth believe(Truth x, mlir::Value valid);
  MaybeInterval divisor(Interval y);

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

} // namespace attn

#endif // ATTN_LIB_ANALYSIS_INTERVAL_H
