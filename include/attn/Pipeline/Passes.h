//===- Passes.h - Passes between the rooms ----------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The check of what each room promises.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PIPELINE_PASSES_H
#define ATTN_PIPELINE_PASSES_H

#include "attn/Pipeline/Stage.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {

#define GEN_PASS_DECL
#include "attn/Pipeline/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "attn/Pipeline/Passes.h.inc"

/// Checks the promises of the room that was left last; emits an error at the
/// first broken one.
mlir::LogicalResult verifyStage(mlir::ModuleOp module, Stage after);

} // namespace attn

#endif // ATTN_PIPELINE_PASSES_H
