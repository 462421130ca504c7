//===- SafeSoftmax.cpp - Softmax that makes empty rows 0 ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// select(all scores of the row are -inf, 0, softmax): then the graph itself
// says what attn.sdpa says of rows without keys.
//
//===----------------------------------------------------------------------===//

#include "Softmax.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn;

/// `condition` without what negates it: x xor true, x == false.
static const Point *peelNot(PointReader &reader, const Point *condition,
                            bool &negated) {
  for (;;) {
    condition = reader.resolve(condition);
    bool isXor = condition->applies<arith::XOrIOp>();
    bool isEqual = condition->applies<arith::CmpIOp>() &&
                   cast<arith::CmpIOp>(condition->op).getPredicate() ==
                       arith::CmpIPredicate::eq;
    if ((!isXor && !isEqual) ||
        boolValue(reader.resolve(condition->args[1])) != isXor)
      return condition;
    negated = !negated;
    condition = condition->args[0];
  }
}

/// s == -inf; when negated, what is true for all else, NaN included.
static bool isLowest(PointReader &reader, const Point *condition, bool negated,
                     const Point *scores, const Renaming &names) {
  condition = peelNot(reader, condition, negated);
  if (!condition->applies<arith::CmpFOp>())
    return false;
  using arith::CmpFPredicate;
  if (cast<arith::CmpFOp>(condition->op).getPredicate() !=
      (negated ? CmpFPredicate::UNE : CmpFPredicate::OEQ))
    return false;
  std::optional<double> value = floatValue(reader.resolve(condition->args[1]));
  const Point *score = condition->args[0];
  if (!value || !std::isinf(*value) || *value > 0)
    return false;
  if (reader.same(scores, score, names))
    return true;
  // Some exporters compare in f64.
  const Point *wide = reader.resolve(score);
  return wide->applies<arith::ExtFOp>() &&
         reader.same(scores, wide->args[0], names);
}

bool attn::isAllLowest(PointReader &reader, const Point *condition,
                       bool negated, const Point *scores, AffineExpr n) {
  condition = peelNot(reader, condition, negated);
  if (!condition->reduces(negated ? Point::Reducer::Any
                                  : Point::Reducer::All) ||
      reader.sizeOf(condition->dim) != reader.sizeOf(n) ||
      boolValue(reader.resolve(condition->args[1])) != !negated)
    return false;
  return isLowest(reader, condition->args[0], negated, scores,
                  {{n, condition->dim}});
}
