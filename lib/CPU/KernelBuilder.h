//===- KernelBuilder.h - Vector code, written briefly -----------*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The kernels keep one SSA value per vector register: vector<LANES x T> values
// carried by scf.for. Wider or odd vector types would be split into scalars by
// the code generator.
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CPU_KERNELBUILDER_H
#define ATTN_LIB_CPU_KERNELBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

using Values = llvm::SmallVector<mlir::Value>;

/// Emits scalar, vector and loop code for one accumulator type (f32 or f64)
/// and one number of lanes.
struct KernelBuilder {
  KernelBuilder(mlir::ImplicitLocOpBuilder &b, mlir::FloatType accumulator,
                int64_t lanes);

  mlir::ImplicitLocOpBuilder &b;
  mlir::FloatType accumulator;
  int64_t lanes;
  /// vector<lanes x accumulator>, the integer vector of its bits, its mask.
  mlir::VectorType vector, bits, mask;

  //===--- scalars --------------------------------------------------------===//
  mlir::Value index(int64_t value);
  mlir::Value scalar(double value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value add(mlir::Value x, int64_t y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, mlir::Value y);
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value ceilDiv(mlir::Value x, int64_t y);
  /// x rounded down to a multiple of y.
  mlir::Value floorTo(mlir::Value x, int64_t y);

  //===--- vectors --------------------------------------------------------===//
  mlir::Value splat(double value);
  mlir::Value splatBits(int64_t value);
  mlir::Value broadcast(mlir::Value scalar);
  mlir::Value addf(mlir::Value x, mlir::Value y);
  mlir::Value subf(mlir::Value x, mlir::Value y);
  mlir::Value mulf(mlir::Value x, mlir::Value y);
  mlir::Value divf(mlir::Value x, mlir::Value y);
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value compare(mlir::arith::CmpFPredicate predicate, mlir::Value x,
                      mlir::Value y);
  /// x > y ? x : y, so that a NaN in x gives y and a NaN in y gives NaN: one
  /// vmaxps(x, y).
  mlir::Value maxOrSecond(mlir::Value x, mlir::Value y);
  /// x < y ? x : y, with the same rule for NaN: one vminps(x, y).
  mlir::Value minOrSecond(mlir::Value x, mlir::Value y);
  /// 2^x: relative error below 2e-7 (f32) or 3e-16 (f64), exactly 1 at 0,
  /// exactly 0 below and +inf above the exponent range, NaN for NaN.
  mlir::Value exp2(mlir::Value x);

  //===--- memory ---------------------------------------------------------===//
  mlir::Value scratch(llvm::ArrayRef<mlir::OpFoldResult> shape,
                      mlir::Type element = {});
  mlir::Value load(mlir::Value memref, mlir::ValueRange indices);
  void store(mlir::Value value, mlir::Value memref, mlir::ValueRange indices);
  /// Asks for the cache line of an element to L2; or, to store to it soon, to
  /// L1. The indices may lie outside: nothing is read or changed.
  void prefetch(mlir::Value memref, mlir::ValueRange indices);
  void prefetchForWrite(mlir::Value memref, mlir::ValueRange indices);
  /// Elements of a cache line.
  static int64_t lineElements(mlir::Value memref);
  mlir::Value loadScalar(mlir::Value memref, mlir::ValueRange indices);
  void storeScalar(mlir::Value value, mlir::Value memref,
                   mlir::ValueRange indices);
  /// Converts between floating-point types, scalars or vectors.
  mlir::Value convert(mlir::Value value, mlir::Type element);
  /// The first `count` elements, zeros behind them; nothing else is read.
  mlir::Value loadFirst(mlir::Value memref, mlir::ValueRange indices,
                        int64_t count);
  /// A lanes x lanes block given as rows, transposed: log2(lanes) rounds of
  /// two-vector shuffles.
  Values transpose(Values rows);
  /// Lane i of the result is the sum of `rows[i]`, as many rows as lanes: a
  /// tree whose order is the same for every row, of shuffles that need no
  /// table.
  mlir::Value sums(Values rows);
  /// The vector with lanes i and i ^ distance exchanged.
  mlir::Value exchange(mlir::Value x, int64_t distance);

  //===--- control --------------------------------------------------------===//
  /// for (iv = lo; iv < hi; iv += step): returns the carried values.
  /// A hot loop is as long as it should be: it is not unrolled, because the
  /// scheduler would then load for two rounds at once and spill.
  Values
  hotLoop(mlir::Value lo, mlir::Value hi, mlir::ValueRange init,
          llvm::function_ref<Values(mlir::Value, mlir::ValueRange)> body);
  Values loop(mlir::Value lo, mlir::Value hi, int64_t step,
              mlir::ValueRange init,
              llvm::function_ref<Values(mlir::Value, mlir::ValueRange)> body);
  /// if (condition) ... else ...: both yield the same types.
  Values branch(mlir::Value condition, mlir::TypeRange types,
                llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise);
  void when(mlir::Value condition, llvm::function_ref<void()> then);
};

/// True when the innermost dimension is known to be contiguous.
bool isInnermostContiguous(mlir::Value memref);

} // namespace attn

#endif // ATTN_LIB_CPU_KERNELBUILDER_H
