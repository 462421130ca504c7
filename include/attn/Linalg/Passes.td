//===- Passes.td - Passes of the Linalg room ---------------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_LINALG_PASSES
#define ATTN_LINALG_PASSES

include "mlir/Pass/PassBase.td"

def LinalgPass : Pass<"attn-linalg", "::mlir::func::FuncOp"> {
  let summary = "Convert the ops that the plan gave to this room to linalg on tensors";
  let description = [{
    The general way: any rank-legal shape, all four element types, all rules.
    Reads from Fuse: no named variant is left on `attn.sdpa`, and the plan says
    which room lowers an op. Makes: no `attn` op with `room = linalg` or without
    a plan, no `attn.merge`, `attn.gather_pages`, `attn.rope`, `attn.qk_norm`, `attn.split_heads` or
    `attn.merge_heads`; what it made is linalg, tensor, arith, math and scf on
    tensors that one-shot bufferization takes.

    `attn.sdpa` becomes its unfused form, one buffer of scores that turns into
    exponentials in place:
    ```mlir
    // S[b,h,m,n] = sum_d Q K              linalg.generic, grouped heads through tensor.expand_shape
    // S = score(scale * S), -inf if dropped       in place, the regions inlined
    // max[b,h,m] = max_n S
    // S = exp(S - max), -1 if dropped             in place
    // sum[b,h,m], acc[b,h,m,d] = sum_n S V        a dropped key's V is not looked at
    // O = round(acc / (sum + exp(sink - max)))
    ```
    `attn.online_sdpa` with its `attn.finalize` becomes an `scf.for` over key
    blocks that carries (acc, max, sum) as tensors. `attn.merge` is the softmax
    of its parts' LSEs over their outputs, `attn.gather_pages` an `scf.forall` over
    batch entries and pages that copies the rows that are there.

    `linalg.softmax` and elementwise arith and math ops on tensors, which foreign
    graphs bring, become `linalg.generic`.

    Declines: an `attn.sdpa` or `attn.online_sdpa` whose plan names another room
    stays as it is, unless `all` is set. Emits one remark, `Scores` of category
    `attn-linalg`, for each unfused op: the tensor of scores.
  }];
  let options = [
    Option<"all", "all", "bool", "false",
           "Convert every op, whatever room its plan names (the second opinion, --target=linalg)">
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
}

#endif // ATTN_LINALG_PASSES
