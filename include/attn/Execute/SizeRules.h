//===- SizeRules.h - How arguments' sizes must agree ------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types leave sizes open, and the ops of an entry tie them together: keys and
// values have one length. A call that breaks such a tie would read outside a
// tensor.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_SIZERULES_H
#define ATTN_EXECUTE_SIZERULES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <cstdint>
#include <vector>

namespace attn {

/// Dimension `dim` of argument `argument`, or the number `value` when
/// `argument` is negative.
struct SizeTerm {
  int argument = -1, dim = 0;
  int64_t value = 0;

  bool isNumber() const { return argument < 0; }
};

struct SizeRule {
  enum Relation { Equal, AtLeast, MultipleOf };
  Relation relation;
  SizeTerm size, other;

  bool holds(int64_t sizeValue, int64_t otherValue) const;
};

/// The ties between the open sizes of `entry`'s arguments. `entry` is as it
/// leaves SplitHeads, without calls.
std::vector<SizeRule> findSizeRules(mlir::func::FuncOp entry);

} // namespace attn

#endif // ATTN_EXECUTE_SIZERULES_H
