//===- Passes.td - Passes that show what analyses find -----*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_PASSES_TD
#define ATTN_ANALYSIS_PASSES_TD

include "mlir/Pass/PassBase.td"

def AnalysisPrintMaskPass : Pass<"attn-analysis-print-mask", "::mlir::ModuleOp"> {
  let summary = "Print what each mask makes of the blocks of scores";
  let description = [{
    For each `attn.sdpa`, as a remark: the mask as comparisons
    of positions, with what is not understood named; how the keys that it leaves
    are found; and, where the lengths are known, a picture of batch 0 and head 0,
    a line for each group of queries and a letter for each block of keys: `.`
    empty, `#` full, `+` partial, `?` not known before the call. Groups and blocks
    are those of the plan, several at once where there are more than 64.

    ```text
    decoder.mlir:4:8: remark: mask: n - m <= 0
      keys: bounds of the loop
      384 x 384, groups of 48 queries, blocks of 128 keys: 7 full, 10 partial, 7 empty of 24
        +..
        +..
        ++.
        ...
    ```
    Reads: ops without named variants; without a plan, groups and blocks of 64.
  }];
}

#endif // ATTN_ANALYSIS_PASSES_TD
