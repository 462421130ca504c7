//===- Passes.td - From whole blocks to attn.sdpa ----------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_SPLIT_HEADS_PASSES
#define ATTN_SPLIT_HEADS_PASSES

include "mlir/Pass/PassBase.td"

def SplitHeadsPass : Pass<"attn-split-heads", "::mlir::func::FuncOp"> {
  let summary = "Split attention blocks into projections and attn.sdpa";
  let description = [{
    Reads what the op verifiers of the dialect promise. Makes: no `attn.mha`,
    `attn.split_heads` or `attn.merge_heads` is left, and heads that only
    moved in memory for the sake of attention do so as layout maps.

    An `attn.mha` becomes, on rows [B*M, E]: one contraction per projection,
    accumulated in f32 (f64 for f64), an epilogue that adds the bias and
    rounds once, `attn.qk_norm` and `attn.rope` on Q and K, one `attn.sdpa`
    that reads and writes [B, S, H, D] through its layout maps, and the output
    projection. Nothing is transposed or copied:
    ```
    %y = attn.mha %x weights(%wq, %wk, %wv, %wo) heads(12) ...
      ==>
    %rows = tensor.collapse_shape %x [[0, 1], [2]]
    %q = tensor.expand_shape (projection of %rows by %wq) [[0, 1], [2, 3]]    // k, v alike
    %o = attn.sdpa %q, %k, %v layout(bshd, bshd, bshd, bshd) ...
    %y = tensor.expand_shape (projection of (collapsed %o) by %wo) [[0, 1], [2]]
    ```
    `attn.split_heads` and `attn.merge_heads` become reshapes with a
    `linalg.transpose`. Any `linalg.transpose` that feeds or follows an
    `attn.sdpa`, also through `attn.rope` and `attn.qk_norm`, is folded into
    the layout maps.

    Declines, with a missed remark of category `attn-split-heads`, to fold a
    transpose of the output that has other uses, and to move a transpose
    through rope or a norm when something else reads the transposed heads: a
    copy stays. An `attn.mha` is always split.
    (* example test/SplitHeads/split-heads.mlir *)
  }];
  let dependentDialects = [
    "::attn::AttnDialect", "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def SplitHeadsShareProjectionsPass : Pass<"attn-split-heads-share-projections", "::mlir::func::FuncOp"> {
  let summary = "Project the same memory by the same weights once";
  let description = [{
    Reads functions with `attn.sdpa`. Makes: what does not change in a loop is
    computed before it, and what is computed twice once, by upstream's motion
    of loop-invariant code and elimination of common subexpressions: K and V
    of a memory that several blocks or all turns of a loop read by the same
    weights. A remark of category `attn-split-heads` says for each projection
    what that saves.
    (* example test/SplitHeads/share-projections.mlir *)
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::linalg::LinalgDialect"];
}

#endif // ATTN_SPLIT_HEADS_PASSES
