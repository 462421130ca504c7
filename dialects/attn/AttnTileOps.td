//===- AttnTileOps.td - What one parallel task computes ----*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_TILE_OPS_TD
#define ATTN_TILE_OPS_TD

include "dialects/attn/AttnOpBase.td"

def Attn_OnlineSdpaOp : Attn_Op<"online_sdpa", [
    IsolatedFromAbove,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<ConditionallySpeculatable>]> {
  let summary = "attention of one query group over a range of keys, not yet normalised";
  let description = [{
    Query [1,h,m,D], key [1,1,N,D] and value [1,1,N,Dv] are slices for one b
    and for query heads of one key head (one, but in the form `decode`) in the
    memory order of `layout`; `tile` gives the offsets of this slice in the whole problem, `of` its M and N: positions handed to the
    regions and to captures stay below them. Keys in [lo, hi) take part; those in
    [full_lo, full_hi) are known to be kept by every query of the group, so
    that the mask is evaluated only for the others. The running maximum is
    lanewise, so a row's bits do not depend on its neighbours. Source: Milakov
    and Gimelshein, Online normalizer calculation for softmax (2018).

    Where bounds do not say all, `blocks(b, h, m0, m1, n0, n1, captures...)`
    tells for queries [m0, m1) of the tile and keys [n0, n1), of one block of
    the plan's `key_block`: may some query keep some key, and does every query
    keep every key. No is sound, yes may be. Captures are read at m0 and n0. A
    lowering may ask it or not: it says nothing that the mask does not.

    Example:
    ```mlir
    func.func @group(%q: tensor<1x1x48x64xf32>, %k: tensor<1x1x?x64xf32>, %v: tensor<1x1x?x64xf32>, %o: tensor<1x1x48x64xf32>,
                     %scale: f32, %b: index, %h: index, %m: index, %queries: index, %keys: index, %lo: index, %hi: index) -> tensor<1x1x48x64xf32> {
      %p = attn.online_sdpa %q, %k, %v scale(%scale) keys(%lo to %hi, full %lo to %hi) tile(%b, %h, %m) of(%queries, %keys)
        : tensor<1x1x48x64xf32>, tensor<1x1x?x64xf32>, tensor<1x1x?x64xf32> -> !attn.partial<f32>
      %r = attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, tensor<1x1x48x64xf32> -> tensor<1x1x48x64xf32>
      return %r : tensor<1x1x48x64xf32>
    }
    ```
    Lifetime: made by tile; gone after linalg or cpu.
  }];
  let arguments = (ins
    Attn_Shaped:$query, Attn_Shaped:$key, Attn_Shaped:$value,
    AnyFloat:$scale,
    Index:$lo, Index:$hi, Index:$full_lo, Index:$full_hi,
    Index:$batch, Index:$head, Index:$row,
    Index:$num_queries, Index:$num_keys,
    Variadic<AnyType>:$captures,
    OptionalAttr<Attn_AffineMapArrayAttr>:$capture_maps,
    OptionalAttr<Attn_AffineMapArrayAttr>:$layouts,
    OptionalAttr<Attn_PlanAttr>:$plan
  );
  let results = (outs Attn_PartialType:$partial);
  let regions = (region AnyRegion:$score, AnyRegion:$mask, AnyRegion:$blocks);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::AffineMap getLayout(unsigned operand);
    ::llvm::SmallVector<::mlir::AffineMap> getCaptureMapValues();
    ::mlir::FloatType getAccumulatorType();
  }];
}

def Attn_FinalizeOp : Attn_Op<"finalize", [
    DestinationStyleOpInterface, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<ConditionallySpeculatable>]> {
  let summary = "normalises a partial result and stores it";
  let description = [{
    `O = acc / (sum + exp(sink - max))`, rounded once to the type of the
    first destination [1,h,m,Dv] (in the memory order of `layout`); with a
    second destination [1,h,m], `LSE = max + log(sum)` without the sink. A
    query without a kept key gets O = 0 and LSE = -inf. There is a sink for
    each head, or none. See `attn.online_sdpa` for an example.
    Lifetime: made by tile; gone after linalg or cpu.
  }];
  let arguments = (ins
    Attn_PartialType:$partial, Variadic<AnyFloat>:$sinks,
    Variadic<Attn_Shaped>:$inits, AffineMapAttr:$layout);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $partial (`sink` `(` $sinks^ `:` type($sinks) `)`)? `outs` `(` $inits `)` `layout` `(` custom<Layout>($layout) `)` attr-dict
    `:` qualified(type($partial)) `,` type($inits) (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
  }];
}

def Attn_PackedMatmulOp : Attn_Op<"packed_matmul", [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<ConditionallySpeculatable>]> {
  let summary = "matrix product with a weight packed in panels";
  let description = [{
    `y[r, n] = sum_k x[r, k] w[n floordiv NR, k, n mod NR] + bias[n]`, with x
    [rows, K], w [ceil(N / NR), K, NR] zero-padded, y [rows, N], accumulated
    over k in order in f32 (f64 for f64): a row's bits depend on that row alone.

    Example:
    ```mlir
    func.func @linear(%x: tensor<?x384xf32>, %w: tensor<12x384x32xf32>, %b: tensor<384xf32>, %y: tensor<?x384xf32>) -> tensor<?x384xf32> {
      %r = attn.packed_matmul %x, %w bias(%b : tensor<384xf32>) outs(%y) : tensor<?x384xf32>, tensor<12x384x32xf32>, tensor<?x384xf32> -> tensor<?x384xf32>
      return %r : tensor<?x384xf32>
    }
    ```
    Lifetime: made and lowered by cpu.
  }];
  let arguments = (ins
    Attn_Shaped:$x, Attn_Shaped:$packed, Optional<Attn_Shaped>:$bias, Attn_Shaped:$init);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $x `,` $packed (`bias` `(` $bias^ `:` type($bias) `)`)? `outs` `(` $init `)` attr-dict
    `:` type($x) `,` type($packed) `,` type($init) (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

def Attn_ParallelCallOp : Attn_Op<"parallel_call", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "calls a function for each index below a count, on several threads";
  let description = [{
    `callee(i, args...)` for i in [0, count), in any order and at once; the
    callee returns nothing and its calls write disjoint memory. Becomes one
    call of the runtime's `attn_rt_parallel_for`.

    Example:
    ```mlir
    func.func private @body(%i: index, %x: memref<?xf32>)
    func.func @all(%n: index, %x: memref<?xf32>) {
      attn.parallel_call @body(%n) args(%x) : memref<?xf32>
      return
    }
    ```
    Lifetime: made and lowered by cpu.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Index:$count, Variadic<AnyType>:$args);
  let assemblyFormat = "$callee `(` $count `)` (`args` `(` $args^ `)` `:` type($args))? attr-dict";
}

def Attn_BF16Lanes : FixedVectorOfLengthAndType<[16], [F32]>;

def Attn_BF16DotOp : Attn_Op<"bf16_dot", [Pure, AllTypesMatch<["acc", "x", "y", "result"]>]> {
  let summary = "adds the products of two pairs of bf16 to each lane";
  let description = [{
    `result[i] = acc[i] + x[i].lo * y[i].lo + x[i].hi * y[i].hi`, each lane of x
    and y holding the bits of two bf16; subnormal numbers count as zero. Source:
    Intel 64 and IA-32 Architectures Software Developer's Manual, VDPBF16PS.

    Example:
    ```mlir
    func.func @dot(%acc: vector<16xf32>, %x: vector<16xf32>, %y: vector<16xf32>) -> vector<16xf32> {
      %r = attn.bf16_dot %acc, %x, %y : vector<16xf32>
      return %r : vector<16xf32>
    }
    ```
    Lifetime: made and lowered by cpu.
  }];
  let arguments = (ins Attn_BF16Lanes:$acc, Attn_BF16Lanes:$x, Attn_BF16Lanes:$y);
  let results = (outs Attn_BF16Lanes:$result);
  let assemblyFormat = "$acc `,` $x `,` $y attr-dict `:` type($acc)";
}

def Attn_BF16PackOp : Attn_Op<"bf16_pack", [Pure, AllTypesMatch<["lo", "hi", "result"]>]> {
  let summary = "rounds two vectors to bf16 and puts them into pairs";
  let description = [{
    Each lane of the result holds the bits of `lo[i]` and, above them, of
    `hi[i]`, rounded to the nearest bf16, ties to even; what is subnormal there
    becomes zero. Source: as `attn.bf16_dot`, VCVTNE2PS2BF16.

    Example:
    ```mlir
    func.func @pack(%lo: vector<16xf32>, %hi: vector<16xf32>) -> vector<16xf32> {
      %r = attn.bf16_pack %lo, %hi : vector<16xf32>
      return %r : vector<16xf32>
    }
    ```
    Lifetime: made and lowered by cpu.
  }];
  let arguments = (ins Attn_BF16Lanes:$lo, Attn_BF16Lanes:$hi);
  let results = (outs Attn_BF16Lanes:$result);
  let assemblyFormat = "$lo `,` $hi attr-dict `:` type($lo)";
}

#endif // ATTN_TILE_OPS_TD
