//===- Passes.td - Passes of the room Raise ----------------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_RAISE_PASSES_TD
#define ATTN_RAISE_PASSES_TD

include "mlir/Pass/PassBase.td"

def RaisePass : Pass<"attn-raise", "::mlir::ModuleOp"> {
  let summary = "Find attention in graphs of linalg on tensors and TOSA";
  let description = [{
    For each contraction over one dimension asks what one element of its
    operands is, as an expression of (b, h, m, n): through elementwise ops,
    transposes, broadcasts, casts and reshapes, whichever ops say them and
    however they are fused. Where that expression is
    `exp(s - max s) / sum exp(s - max s)` (to the base e or 2, with its factor
    inside or outside, by `exp(s - max s - log sum)`, or `linalg.softmax`), and
    s is a scalar function of one dot product of a query and a key, the
    contraction becomes `attn.sdpa`:

    * factors on Q, on K and on the product are its scale;
    * conditions that replace a score by -inf are its mask region, so that
      causal graphs skip keys; so are conditions of positions that replace it by
      a number below -1e35, which no score reaches; for a number that scores may
      reach (-1e9) the mask captures a test of the queries and keys that says
      whether they do, and the score region stays whole. Constants that hold a
      triangle, a band or a prefix are conditions of positions;
    * whatever else the scores go through (added masks, softcap, scores
      rounded to f16, ...) is its score region, op by op; tensors that it reads
      are captures;
    * orders in memory are layouts, before and after. Heads that K and V are
      repeated for, or that are two dimensions in the products, are read once.

    A division by the sum after the second product is part of it, and so is the
    rounding of its result: Q, K and V of f16 or bf16 stay so where the graph
    rounds the result to the same type, else they are widened. Weights that the
    graph rounds are rounded by `attn.sdpa` as well. Values are kept within the
    rounding of the sums, as `docs/numerics.md` bounds it. A row without a key
    is NaN in a graph whose masks are -inf, and the mean of V where they are
    large numbers, but 0 in `attn.sdpa`: so NaN or the mean is put there again,
    unless the mask is proved to keep a key of each row, or the graph makes such
    rows 0. Inputs are taken to be finite and dot products below 1e15: a graph
    without masks multiplies NaN of any key into every row.

    Where products with weights make Q, K and V of rows and take the output back
    to rows, all of it becomes one `attn.mha`, with the RMS norms of heads and
    the rotary embedding by halves that stand between: one packed weight or
    three, biases of some or all, rows flat or in batches, a context. Weights
    that are [in, out] are turned round where they are constants or marked
    `attn.weight`. An `attn.sdpa` stays between its projections where something
    else reads Q, K or V, where a bias is added in f16 or bf16 (a step rounded
    more), and where rows without a key have to be put right after it.

    A module with TOSA is converted to linalg as a whole first, by upstream's
    passes.

    Declines, with a missed remark and a line in the summary that names the op:
    an op between softmax and the second product, sums with something added,
    softmax without its maximum, or with one that starts above scores, weights
    with other uses, softmax or products summed in f16 or bf16 (every step is
    rounded, `attn.sdpa` rounds once), batch dimensions beyond two.

    Ends with one remark at the module, such as
    `raised 6 of 7, 6 with projections; @main line 230 not raised: arith.mulf between softmax and
    the second product`. Makes: nothing else is changed.
  }];
  let options = [
    Option<"requireRaised", "require-raised", "int64_t", "0",
           "Fail if fewer attentions than this were raised">,
    Option<"match", "match", "bool", "true",
           "Look for attention; else TOSA alone is converted">,
    Option<"blocks", "blocks", "bool", "true",
           "Make attn.mha of attentions with the projections around them">,
    Option<"summary", "summary", "bool", "true",
           "End with one remark that counts what was raised and gives reasons">
  ];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // ATTN_RAISE_PASSES_TD
