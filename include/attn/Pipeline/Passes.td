//===- Passes.td - Passes between the rooms ----------------*- tablegen -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PIPELINE_PASSES_TD
#define ATTN_PIPELINE_PASSES_TD

include "mlir/Pass/PassBase.td"

def VerifyStagePass : Pass<"attn-verify-stage", "::mlir::ModuleOp"> {
  let summary = "Check what a room promises about the module that leaves it";
  let description = [{
    Changes nothing. Fails at the first op that breaks a promise of the room
    named by `after`, says which room owes it and gives the promise's label;
    the promises are listed in docs/pipeline.md. Pipelines run it after each
    room.
  }];
  let options = [
    Option<"after", "after", "std::string", /*default=*/"\"input\"",
           "The stage: input, raise, optimize, split-heads, fuse, tile, linalg, cpu or nvvm">,
  ];
}

#endif // ATTN_PIPELINE_PASSES_TD
