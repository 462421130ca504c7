//===- AttnDialect.td - The attn dialect -------------------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_TD
#define ATTN_DIALECT_TD

include "mlir/IR/OpBase.td"

def Attn_Dialect : Dialect {
  let name = "attn";
  let cppNamespace = "::attn";
  let summary = "Attention, as a ladder of ops from whole blocks to tiles";
  let description = [{
    One op per algebraic form, so that each lowering step is local:

    | level | ops | gone after |
    |---|---|---|
    | block | `mha`, `split_heads`, `merge_heads`, `rope`, `qk_norm` | split-heads (`rope`, `qk_norm`: linalg) |
    | core | `sdpa` with a score region, a mask region, captured values; `merge`, `gather_pages` | fuse, tile; linalg |
    | tile | `online_sdpa` against a key range, `finalize`; `packed_matmul`, `parallel_call` | the target's room |

    Dimension letters everywhere: B batch, H query heads, Hkv key/value heads,
    M queries, N keys, D head size of Q and K, Dv head size of V. The semantics
    and every rule's label stand in dialects/attn/README.md.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{
    /// Argument attribute: a weight, constant over calls; what depends on
    /// weights alone is computed once by the entry's prepack function.
    static constexpr ::llvm::StringLiteral getWeightArgName() { return "attn.weight"; }
    /// Argument attribute: the tensor's name in a weights file.
    static constexpr ::llvm::StringLiteral getNameArgName() { return "attn.name"; }

    void registerAttributes();
    void registerTypes();
  }];
}

#endif // ATTN_DIALECT_TD
