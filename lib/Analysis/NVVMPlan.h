//===- NVVMPlan.h - Plans for tensor cores ----------------------*- C++ -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_ANALYSIS_NVVMPLAN_H
#define ATTN_LIB_ANALYSIS_NVVMPLAN_H

#include "attn/Analysis/PlanChoice.h"

namespace attn {

/// The plan of a fused kernel for an NVVM target; a null plan and the reason
/// where there is no such kernel.
PlanChoice chooseNVVMPlan(const PlanRequest &request, const TargetInfo &target);

} // namespace attn

#endif // ATTN_LIB_ANALYSIS_NVVMPLAN_H
