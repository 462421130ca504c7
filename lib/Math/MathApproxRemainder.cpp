//===- MathApproxRemainder.cpp - The remainder of f64 as a loop -----------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A remainder is exact, and a quotient has at most 53 bits: each turn takes off
// what those account for. Nearly always there is one.
//
//===----------------------------------------------------------------------===//

#include "attn/Math/MathApprox.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

/// One turn: `left` less a multiple of `by`, which may become negative; in
/// lanes that are done, `left`.
Value MathApprox::takeMultiple(Value left, Value by) {
  Value ratio = div(left, by);
  // Where it is no number, a multiple of 2^1000 by.
  Value far = less(number(0x1p1000), abs(ratio));
  Value step = select(far, mul(by, number(0x1p1000)), by);
  ratio = select(far, div(left, step), ratio);
  // What a nearest quotient leaves has 53 bits.
  Value times = math::TruncOp::create(b, ratio);
  Value done = less(abs(left), by);
  return select(done, left, fma(negate(times), step, left));
}

Value MathApprox::rem(Value x, Value y) {
  Value by = abs(y), left = abs(x);
  Value regular =
      both(less(left, number(std::numeric_limits<double>::infinity())),
           less(number(0), by));
  left = select(regular, left, number(std::nan("")));
  auto loop = scf::WhileOp::create(
      b, TypeRange(type), ValueRange(left),
      [&](OpBuilder &, Location, ValueRange args) {
        // NaN is done.
        Value more = arith::CmpFOp::create(b, arith::CmpFPredicate::OGE,
                                           abs(args[0]), by);
        if (isa<VectorType>(type))
          more =
              vector::ReductionOp::create(b, vector::CombiningKind::OR, more);
        scf::ConditionOp::create(b, more, args);
      },
      [&](OpBuilder &, Location, ValueRange args) {
        scf::YieldOp::create(b, takeMultiple(args[0], by));
      });
  left = loop.getResult(0);
  left = select(less(left, number(0)), add(left, by), left);
  return withSignOf(left, x);
}
