//===- AttnCoreOps.td - Scaled dot-product attention -------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_CORE_OPS_TD
#define ATTN_CORE_OPS_TD

include "dialects/attn/AttnOpBase.td"

def Attn_YieldOp : Attn_Op<"yield", [
    Pure, Terminator, ParentOneOf<["MhaOp", "SdpaOp", "OnlineSdpaOp"]>]> {
  let summary = "ends a region of attention";
  let description = [{
    Yields the new score (accumulator type), whether the key is kept (i1), or
    whether some and whether all of a block are (two i1).
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
  let extraClassDeclaration = [{
    /// What a score or a mask region yields.
    ::mlir::Value getValue() { return getValues().front(); }
  }];
}

def Attn_SdpaOp : Attn_Op<"sdpa", [
    Pure, IsolatedFromAbove, AttrSizedOperandSegments, AttrSizedResultSegments,
    InferTypeOpAdaptorWithIsCompatible,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<TilingInterface, [
      "getLoopIteratorTypes", "getIterationDomain", "getTiledImplementation",
      "getResultTilePosition", "generateResultTileValue"]>]> {
  let summary = "scaled dot-product attention with any score and mask rule";
  let description = [{
    For each (b, h, m), with the key/value head h floordiv (H / Hkv):
    `s[n] = scale * sum_d Q[m,d] K[n,d]`; `s[n] = score(s[n], b, h, m, n)`;
    keys with `mask(b, h, m, n)` false or s[n] = -inf are dropped;
    `p = softmax(s)` over the kept keys, a sink logit joining the denominator;
    `O[m] = sum_n p[n] V[n]`. No kept key gives O = 0 and LSE = -inf.
    Accumulates in f32 (f64 for f64), rounds once to the output type.

    Operands: query [B,H,M,D], key [B,Hkv,N,D], value [B,Hkv,N,Dv], in memory
    in the order that `layout` says (query, key, value, output). Named
    variants: `scale softcap causal window chunked dilated alibi relative_bias
    additive keep block_sparse documents ragged prefix tree kv_lens sinks`; they act
    in the order scale, softcap, score region, alibi, relative_bias, additive,
    then everything that keeps or drops keys, then sinks. `captures` are
    read where their map says and handed to both regions as scalars.
    Results: output [B,H,M,Dv]; on request lse [B,H,M], weights [B,H,M,N].

    Example:
    ```mlir
    func.func @gqa(%q: tensor<1x32x?x128xbf16>, %k: tensor<1x8x?x128xbf16>, %v: tensor<1x8x?x128xbf16>,
                   %w: index, %c: f32) -> tensor<1x32x?x128xbf16> {
      %o = attn.sdpa %q, %k, %v softcap(%c) causal(bottom_right) window(%w, 0)
        : tensor<1x32x?x128xbf16>, tensor<1x8x?x128xbf16>, tensor<1x8x?x128xbf16> -> tensor<1x32x?x128xbf16>
      return %o : tensor<1x32x?x128xbf16>
    }
    func.func @alibi_in_documents(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>,
                                  %slope: tensor<8xf32>, %doc: tensor<2x64xi32>) -> tensor<2x8x64x32xf32> {
      %o = attn.sdpa %q, %k, %v captures(%slope[h] : tensor<8xf32>, %doc[b, m] : tensor<2x64xi32>, %doc[b, n] : tensor<2x64xi32>)
        : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32> -> tensor<2x8x64x32xf32>
        score(%s, %b, %h, %m, %n, %sl, %dm, %dn) {
          %d = arith.subi %m, %n : index
          %i = arith.index_cast %d : index to i32
          %f = arith.sitofp %i : i32 to f32
          %t = arith.mulf %sl, %f : f32
          %r = arith.subf %s, %t : f32
          attn.yield %r : f32
        } mask(%b, %h, %m, %n, %sl, %dm, %dn) {
          %same = arith.cmpi eq, %dm, %dn : i32
          attn.yield %same : i1
        }
      return %o : tensor<2x8x64x32xf32>
    }
    ```
    Constraints: sdpa_c1 ... in dialects/attn/README.md. Lifetime: written by a
    user or made by split-heads; named variants gone after fuse; gone after tile
    (plan room cpu) or linalg (plan room linalg).
  }];
  let arguments = !con((ins
    AnyRankedTensor:$query,
    AnyRankedTensor:$key,
    AnyRankedTensor:$value
  ), Attn_variantOperands, (ins
    Variadic<Index>:$offsets
  ), Attn_variantAttrs, (ins
    OptionalAttr<Attn_AffineMapArrayAttr>:$layouts,
    OptionalAttr<Attn_PlanAttr>:$plan
  ));
  let results = (outs AnyRankedTensor:$output, Optional<AnyRankedTensor>:$lse,
                      Optional<AnyRankedTensor>:$weights);
  let regions = (region AnyRegion:$score, AnyRegion:$mask);
  // Result types follow from the operands; `resultSegmentSizes` says which.
  let builders = [
    // Plain attention; further clauses are set on the op.
    OpBuilder<(ins "::mlir::Value":$query, "::mlir::Value":$key, "::mlir::Value":$value,
      CArg<"::mlir::ArrayAttr", "{}">:$layouts, CArg<"bool", "false">:$returnsLse, CArg<"bool", "false">:$returnsWeights)>
  ];
  let hasCanonicalizer = 1;
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// True when a clause other than scale, captures and regions is present:
    /// such an op must go through attn-fuse-variants before it is tiled.
    bool hasNamedVariants();
    /// Layout maps (b, h, s, d) -> memory order of query, key, value, output.
    ::mlir::AffineMap getLayout(unsigned operand);
    ::mlir::AffineMap getQueryLayout() { return getLayout(0); }
    ::mlir::AffineMap getKeyLayout() { return getLayout(1); }
    ::mlir::AffineMap getValueLayout() { return getLayout(2); }
    ::mlir::AffineMap getOutputLayout() { return getLayout(3); }
    /// f64 for f64 operands, else f32.
    ::mlir::FloatType getAccumulatorType();
    /// Capture maps as affine maps over (b, h, m, n).
    ::llvm::SmallVector<::mlir::AffineMap> getCaptureMapValues();
  }];
}

def Attn_MergeOp : Attn_Op<"merge", [
    Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "one attention from partial ones over disjoint keys";
  let description = [{
    `part_lses` [P,B,H,M] says what each of P attentions over disjoint keys
    found as its LSE, `parts` [P,B,H,M,Dv] its output; for each (b, h, m):
    `LSE = log(sum_p exp(lse[p]))`,
    `O = sum_p exp(lse[p]) O[p] / (exp(LSE) + exp(sink))`, so that the sinks,
    which the parts leave out, count once. A part whose LSE is -inf takes no
    part, whatever its output holds; where all are, O = 0 and LSE = -inf.
    `layout` says the memory order of parts, behind P, and of the output.
    Accumulates in f32 (f64 for f64) and rounds once to the output type, which
    may be narrower than that of the parts. Source: Dao et al., Flash-Decoding
    (2023), and Milakov and Gimelshein (2018) for the sum.

    Example: the keys in 4 parts, or a prefix that many requests share.
    ```mlir
    func.func @whole(%o: tensor<4x1x32x1x128xf32>, %lse: tensor<4x1x32x1xf32>, %sinks: tensor<32xf32>)
        -> (tensor<1x32x1x128xbf16>, tensor<1x32x1xf32>) {
      %r, %l = attn.merge %o, %lse sinks(%sinks : tensor<32xf32>)
        : tensor<4x1x32x1x128xf32>, tensor<4x1x32x1xf32> -> tensor<1x32x1x128xbf16>, tensor<1x32x1xf32>
      return %r, %l : tensor<1x32x1x128xbf16>, tensor<1x32x1xf32>
    }
    ```
    Constraints: merge_c1 ... in dialects/attn/README.md. Lifetime: written by
    a user; gone after linalg.
  }];
  let arguments = (ins
    AnyRankedTensor:$parts, AnyRankedTensor:$part_lses,
    Optional<AnyRankedTensor>:$sinks,
    OptionalAttr<Attn_AffineMapArrayAttr>:$layouts);
  let results = (outs AnyRankedTensor:$output, Optional<AnyRankedTensor>:$lse);
  let assemblyFormat = [{
    $parts `,` $part_lses (`sinks` `(` $sinks^ `:` type($sinks) `)`)? (`layout` `` custom<LayoutPair>($layouts)^)? attr-dict
    `:` type($parts) `,` type($part_lses) `->` type($output) (`,` type($lse)^)?
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Layout maps (b, h, s, d) -> memory order: of the parts behind P, and of
    /// the output.
    ::mlir::AffineMap getPartLayout();
    ::mlir::AffineMap getOutputLayout();
  }];
}

def Attn_GatherPagesOp : Attn_Op<"gather_pages", [
    Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "keys or values from the pages of a cache";
  let description = [{
    A pool [pages, Hkv, S, D] has pages of S rows each; `table` [B, T] says which
    page holds rows [j S, (j + 1) S) of a batch entry, `lens` [B] how many rows
    it has. `result[b,h,n,:] = pool[table[b, n floordiv S], h, n mod S, :]` for
    n < lens[b], 0 for the others up to N = T S; entries of the table behind
    the last row are not read. A page that is not in the pool is an error of
    the call. `layout` says the memory order of the pool and of the result.
    Source: Kwon et al., Efficient Memory Management for Large Language Model
    Serving with PagedAttention (2023).

    Example:
    ```mlir
    func.func @decode(%q: tensor<4x32x1x128xf32>, %keys: tensor<?x16x8x128xf32>, %values: tensor<?x16x8x128xf32>,
                      %table: tensor<4x?xi32>, %lens: tensor<4xi32>) -> tensor<4x32x1x128xf32> {
      %k = attn.gather_pages %keys, %table, %lens layout(bshd, bhsd)
        : tensor<?x16x8x128xf32>, tensor<4x?xi32>, tensor<4xi32> -> tensor<4x8x?x128xf32>
      %v = attn.gather_pages %values, %table, %lens layout(bshd, bhsd)
        : tensor<?x16x8x128xf32>, tensor<4x?xi32>, tensor<4xi32> -> tensor<4x8x?x128xf32>
      %o = attn.sdpa %q, %k, %v causal(bottom_right) kv_lens(%lens : tensor<4xi32>)
        : tensor<4x32x1x128xf32>, tensor<4x8x?x128xf32>, tensor<4x8x?x128xf32> -> tensor<4x32x1x128xf32>
      return %o : tensor<4x32x1x128xf32>
    }
    ```
    Constraints: gather_pages_c1 ... in dialects/attn/README.md. Lifetime:
    written by a user; gone after linalg.
  }];
  let arguments = (ins
    AnyRankedTensor:$pool, AnyRankedTensor:$table, AnyRankedTensor:$lens,
    OptionalAttr<Attn_AffineMapArrayAttr>:$layouts);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $pool `,` $table `,` $lens (`layout` `` custom<LayoutPair>($layouts)^)? attr-dict
    `:` type($pool) `,` type($table) `,` type($lens) `->` type($result)
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Layout maps (b, h, s, d) -> memory order, b being the page in the pool.
    ::mlir::AffineMap getPoolLayout();
    ::mlir::AffineMap getResultLayout();
  }];
}

#endif // ATTN_CORE_OPS_TD
