//===- PlanChoice.h - How an attention is to be computed --------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chooses room, algorithm and tiles from the shape and the target. A pure
// function: a row's bits depend on the plan, so the plan may depend on nothing
// that changes between calls of one program.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_PLANCHOICE_H
#define ATTN_ANALYSIS_PLANCHOICE_H

#include "attn/Dialect/Attn/IR/Attn.h"
#include "attn/Support/TargetInfo.h"

#include <string>

namespace attn {

/// What a plan may depend on: never B or H, threads, strides or values.
struct PlanRequest {
  /// ShapedType::kDynamic where only a call will know.
  int64_t queries = mlir::ShapedType::kDynamic;
  int64_t keys = mlir::ShapedType::kDynamic;
  int64_t headDim = mlir::ShapedType::kDynamic;
  int64_t valueDim = mlir::ShapedType::kDynamic;
  mlir::Type elementType;
  /// The attention weights are a result.
  bool wantsWeights = false;
  /// There is a mask: some keys may be dropped.
  bool masks = false;
  /// There is a score rule.
  bool scores = false;
  /// The rule of score or mask reads a tensor at both m and n: one element per
  /// score.
  bool scoresByTensor = false;
  bool masksByTensor = false;
  /// Some dimension, B and H among them, is 0 in the types.
  bool isEmpty = false;
  /// The channels of each operand and of the output are neighbours in memory.
  bool hasDenseRows = true;
  /// A rule has an index constant beyond 30 bits.
  bool hasHugeConstants = false;

  static PlanRequest of(SdpaOp op);
};

struct PlanChoice {
  PlanAttr plan;
  /// Why, for a person.
  std::string reason;
};

/// `target` is `linalg` or resolved: the vector width or the chip must be
/// known.
PlanChoice choosePlan(const PlanRequest &request, const TargetInfo &target);

/// The plan of the general way, which takes any attention.
PlanAttr generalPlan(mlir::MLIRContext *context);

/// The next smaller tile of a kernel for tensor cores, which needs fewer
/// registers: two warpgroups instead of three, then fewer keys of a block. Null
/// where there is none.
PlanAttr smallerNVVMPlan(PlanAttr plan);

} // namespace attn

#endif // ATTN_ANALYSIS_PLANCHOICE_H
