//===- Passes.td - Passes of the room Fuse -----------------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_FUSE_PASSES_TD
#define ATTN_FUSE_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseVariantsPass : Pass<"attn-fuse-variants", "::mlir::func::FuncOp"> {
  let summary = "Expand named variants into score and mask regions";
  let description = [{
    Writes what the clauses of `attn.sdpa` say as code: softcap, score region,
    alibi, relative_bias and additive, in this order, into the score region;
    keep, mask region, causal, window and the other clauses that drop keys into
    the mask region. What the regions read enters as captures; constants stand
    inside. The scale becomes explicit;
    `sinks` stay, for they join the denominator only.

    ```text
    %o = attn.sdpa %q, %k, %v causal(top_left) : ...
    // becomes
    %o = attn.sdpa %q, %k, %v scale(%cst) : ... mask(%b, %h, %m, %n) {
      %0 = arith.cmpi sle, %n, %m : index
      attn.yield %0 : i1
    }
    ```
    Reads: what `split-heads` promises. Makes: no named variant is left, every
    scale is explicit. A dimension of `additive` or `keep` of unknown size is
    taken to be as large as the problem's: to broadcast, it has to be 1 in the
    type.
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FusePlanPass : Pass<"attn-fuse-plan", "::mlir::func::FuncOp"> {
  let summary = "Write into each attn.sdpa how it is to be computed";
  let description = [{
    Chooses the room, the algorithm and the tiles from the shape, the element
    type and the target, never from batch or heads, and writes them as the
    attribute `plan`. A plan that is there already stays. Emits one remark per
    op in the category attn-fuse.

    Makes: every `attn.sdpa` has a plan.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"cpu:x86-64-v3\"",
           "Target to plan for: linalg or cpu:<name> (default: cpu:x86-64-v3)">
  ];
  let dependentDialects = ["::attn::AttnDialect"];
}

#endif // ATTN_FUSE_PASSES_TD
