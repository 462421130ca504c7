//===- AttnBlockOps.td - Whole attention blocks ------------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_BLOCK_OPS_TD
#define ATTN_BLOCK_OPS_TD

include "dialects/attn/AttnOpBase.td"

def Attn_MhaOp : Attn_Op<"mha", [
    Pure, IsolatedFromAbove, AttrSizedOperandSegments,
    InferTypeOpAdaptorWithIsCompatible,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "a multi-head attention block with its projections";
  let description = [{
    Projects `x` [B, M, E] to queries and `context` [B, N, Ec] (default: x)
    to keys and values, attends per head, and projects back:
    `y = concat_h(attention(x Wq^T + bq, c Wk^T + bk, c Wv^T + bv)) Wo^T + bo`.
    Weights are [out, in], as PyTorch keeps them: wq [H*D, E], wk [Hkv*D, Ec],
    wv [Hkv*Dv, Ec], wo [Eo, H*Dv]; packed: wqkv [(H+2*Hkv)*D, E], rows of q,
    then k, then v. `qk_norm` and `rope` act on the projected heads of Q
    and K, in this order. The other clauses are those of `attn.sdpa`.

    Example:
    ```mlir
    func.func @encoder_attention(%x: tensor<?x?x384xf32>, %wq: tensor<384x384xf32>, %wk: tensor<128x384xf32>,
        %wv: tensor<128x384xf32>, %wo: tensor<384x384xf32>, %keep: tensor<?x1x1x?xi1>) -> tensor<?x?x384xf32> {
      %y = attn.mha %x weights(%wq, %wk, %wv, %wo) heads(12) kv_heads(4) keep(%keep : tensor<?x1x1x?xi1>)
        : tensor<?x?x384xf32>, tensor<384x384xf32>, tensor<128x384xf32>, tensor<128x384xf32>, tensor<384x384xf32> -> tensor<?x?x384xf32>
      return %y : tensor<?x?x384xf32>
    }
    ```
    The type list names x, context when present, the weights and the biases,
    in the order written. Constraints: mha_c1 ... in dialects/attn/README.md.
    Lifetime: written by a user; gone after split-heads.
  }];
  let arguments = !con((ins
    AnyRankedTensor:$x,
    Optional<AnyRankedTensor>:$source,
    Variadic<AnyRankedTensor>:$weights,
    Variadic<AnyRankedTensor>:$biases,
    Optional<AnyRankedTensor>:$rope_cos,
    Optional<AnyRankedTensor>:$rope_sin,
    Optional<AnyRankedTensor>:$norm_q,
    Optional<AnyRankedTensor>:$norm_k
  ), Attn_variantOperands, (ins
    UnitAttr:$packed,
    ConfinedAttr<I64Attr, [IntPositive]>:$heads,
    OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$kv_heads,
    UnitAttr:$rope_interleaved,
    OptionalAttr<F64Attr>:$norm_epsilon
  ), Attn_variantAttrs, (ins UnitAttr:$returns_weights));
  let results = (outs AnyRankedTensor:$output, Optional<AnyRankedTensor>:$probabilities);
  let regions = (region AnyRegion:$score, AnyRegion:$mask);
  // Result types follow from the operands and `returns_weights`.
  let builders = [
    // Self-attention with weights (wq, wk, wv, wo); further clauses are set on the op.
    OpBuilder<(ins "::mlir::Value":$x, "::mlir::ValueRange":$weights, "int64_t":$heads,
      CArg<"bool", "false">:$returnsWeights)>
  ];
  let hasCanonicalizer = 1;
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Number of key/value heads: kv_heads, by default heads.
    int64_t getNumKvHeads();
    /// The tensor that keys and values are projected from.
    ::mlir::Value getKeySource();
  }];
}

def Attn_SplitHeadsOp : Attn_Op<"split_heads", [
    Pure, InferTypeOpAdaptorWithIsCompatible, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "[B, S, H*D] to [B, H, S, D]";
  let description = [{
    Example:
    ```mlir
    func.func @split(%x: tensor<2x?x768xf32>) -> tensor<2x12x?x64xf32> {
      %h = attn.split_heads %x heads(12) : tensor<2x?x768xf32> -> tensor<2x12x?x64xf32>
      return %h : tensor<2x12x?x64xf32>
    }
    ```
    Lifetime: written by a user; gone after split-heads, as a layout map of
    `attn.sdpa` where it can, as a transpose elsewhere.
  }];
  let arguments = (ins AnyRankedTensor:$x, ConfinedAttr<I64Attr, [IntPositive]>:$heads);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `heads` `(` $heads `)` attr-dict `:` type($x) `->` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Attn_MergeHeadsOp : Attn_Op<"merge_heads", [
    Pure, InferTypeOpAdaptorWithIsCompatible, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "[B, H, S, D] to [B, S, H*D]";
  let description = [{
    Example:
    ```mlir
    func.func @merge(%h: tensor<2x12x?x64xf32>) -> tensor<2x?x768xf32> {
      %x = attn.merge_heads %h : tensor<2x12x?x64xf32> -> tensor<2x?x768xf32>
      return %x : tensor<2x?x768xf32>
    }
    ```
    Lifetime: written by a user; gone after split-heads.
  }];
  let arguments = (ins AnyRankedTensor:$x);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Attn_RopeOp : Attn_Op<"rope", [
    Pure, AllTypesMatch<["x", "result"]>, DeclareOpInterfaceMethods<InferTypeOpInterface>, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "rotary position embedding by tables";
  let description = [{
    Turns the first R channels of each head by the angles whose cosine and
    sine stand in the tables [S, R/2] or [B, S, R/2]; the others pass through.
    By halves, channels (i, i + R/2) are a pair; `interleaved`: (2i, 2i+1).
    `(a, b) -> (a cos - b sin, b cos + a sin)`, computed in the accumulator
    type. Source: Su et al., RoFormer (2021), eq. 34.

    Example:
    ```mlir
    func.func @rope(%x: tensor<1x8x?x64xf32>, %cos: tensor<?x32xf32>, %sin: tensor<?x32xf32>) -> tensor<1x8x?x64xf32> {
      %r = attn.rope %x, %cos, %sin layout(bhsd) : tensor<1x8x?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
      return %r : tensor<1x8x?x64xf32>
    }
    ```
    Lifetime: written by a user or made by split-heads; gone after linalg.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$cos, AnyRankedTensor:$sin,
                       UnitAttr:$interleaved, AffineMapAttr:$layout);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $x `,` $cos `,` $sin (`interleaved` $interleaved^)? `layout` `(` custom<Layout>($layout) `)` attr-dict
    `:` type($x) `,` type($cos) `,` type($sin)
  }];
  let hasVerifier = 1;
}

def Attn_QkNormOp : Attn_Op<"qk_norm", [
    Pure, AllTypesMatch<["x", "result"]>, DeclareOpInterfaceMethods<InferTypeOpInterface>, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "RMS norm of each head's channels";
  let description = [{
    `x[..., d] * gamma[d] / sqrt(mean_d(x^2) + eps)` over the last dimension,
    in the accumulator type. Source: Henry et al., Query-Key Normalization for
    Transformers (2020), in the RMS form that Qwen3 and Gemma 3 use.

    Example:
    ```mlir
    func.func @norm(%x: tensor<1x?x8x64xf32>, %g: tensor<64xf32>) -> tensor<1x?x8x64xf32> {
      %r = attn.qk_norm %x, %g eps(1.0e-6) : tensor<1x?x8x64xf32>, tensor<64xf32>
      return %r : tensor<1x?x8x64xf32>
    }
    ```
    Lifetime: written by a user or made by split-heads; gone after linalg.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$gamma, F64Attr:$epsilon);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `,` $gamma `eps` `(` $epsilon `)` attr-dict `:` type($x) `,` type($gamma)";
  let hasVerifier = 1;
}

#endif // ATTN_BLOCK_OPS_TD
