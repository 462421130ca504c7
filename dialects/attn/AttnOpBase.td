//===- AttnOpBase.td - What the attn ops share -------------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_OP_BASE_TD
#define ATTN_OP_BASE_TD

include "dialects/attn/AttnAttrs.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"

class Attn_Op<string mnemonic, list<Trait> traits = []>
    : Op<Attn_Dialect, mnemonic, traits>;

def Attn_AffineMapArrayAttr : TypedArrayAttrBase<AffineMapAttr, "affine map array">;
def Attn_Shaped : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;

// What may be said about an attention besides its operands: the named variants
// and the two regions with the values that they capture. Shared by attn.mha
// and attn.sdpa, parsed and printed by lib/Dialect/Attn/IR/Clauses.cpp.
defvar Attn_variantOperands = (ins
  Optional<AnyFloat>:$scale,
  Optional<AnyFloat>:$softcap,
  Optional<Index>:$causal_offset,
  Variadic<Index>:$window,
  Optional<AnyRankedTensor>:$alibi,
  Optional<AnyRankedTensor>:$additive,
  Optional<AnyRankedTensor>:$keep,
  Optional<AnyRankedTensor>:$kv_lens,
  Optional<AnyRankedTensor>:$sinks,
  Optional<AnyType>:$prefix,
  Variadic<AnyRankedTensor>:$documents,
  Optional<AnyRankedTensor>:$block_sparse,
  Optional<AnyRankedTensor>:$tree,
  Optional<AnyRankedTensor>:$relative_bias,
  Variadic<AnyRankedTensor>:$ragged,
  Variadic<AnyType>:$captures
);
defvar Attn_variantAttrs = (ins
  OptionalAttr<Attn_CausalAttr>:$causal,
  OptionalAttr<DenseI64ArrayAttr>:$static_window,
  OptionalAttr<I64Attr>:$chunked,
  OptionalAttr<I64Attr>:$dilated,
  OptionalAttr<DenseI64ArrayAttr>:$block_size,
  OptionalAttr<I64Attr>:$max_distance,
  UnitAttr:$bidirectional,
  OptionalAttr<Attn_AffineMapArrayAttr>:$capture_maps
);

#endif // ATTN_OP_BASE_TD
