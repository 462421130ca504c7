//===- Passes.td - Passes of the room Optimize -------------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_OPTIMIZE_PASSES_TD
#define ATTN_OPTIMIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

class Optimize_Pass<string name> : Pass<name, "::mlir::ModuleOp"> {
  let dependentDialects = ["::attn::AttnDialect", "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def OptimizeInlineBlocksPass : Optimize_Pass<"attn-optimize-inline-blocks"> {
  let summary = "Bring attn.mha to where its weights are known";
  let description = [{
    Puts the body of a called function in place of the call where it holds an
    `attn.mha`, itself or through its own calls, and a constant tensor is
    among the arguments; with `all`, whatever the arguments. A layer that is
    written once and called for each set of weights so becomes one `attn.mha`
    for each set, in the order of the calls. Recursive functions stay. Makes:
    nothing else is changed; called functions stay where they are.
  }];
  let options = [
    Option<"all", "all", "bool", "false", "Whatever the arguments of the call are">,
  ];
}

def OptimizePruneHeadsPass : Optimize_Pass<"attn-optimize-prune-heads"> {
  let summary = "Remove heads from attn.mha";
  let description = [{
    Reads `attn.mha` with weights of static size. Removes

    * the heads that `heads` names: `3.1` is head 1 of the fourth `attn.mha`
      of the function;
    * unless `dead=false`, the heads that write nothing: constant output
      weights that are all 0, or constant value weights and value bias that
      are all 0. Inputs are taken to be finite.

    Weights, biases, `alibi`, `sinks`, and masks with a size per head become
    slices of what they were, constants shorter constants; what is sliced of
    arguments marked `attn.weight` is computed once, before the first call. A
    key head goes when none of its query heads is left. Dead heads stay where
    their group of query heads would become smaller than others; one head
    stays in any case.
    ```
    %y = attn.mha %x weights(%wq, %wk, %wv, %wo) heads(12) ...
      ==>  heads=0.10,0.11
    %q = tensor.extract_slice %wq[0, 0] [320, 384] [1, 1]   // k, v alike
    %o = tensor.extract_slice %wo[0, 0] [384, 320] [1, 1]
    %y = attn.mha %x weights(%q, %k, %v, %o) heads(10) ...
    ```
    A remark of category `attn-optimize` says what was removed and what that
    saves; a missed one why a dead head stays. An error where a head that
    `heads` names is not there, or cannot be removed: the block returns its
    weights, a region or a capture reads the head's number, sizes are dynamic,
    key heads would be left with different numbers of query heads.
    (* example test/Optimize/prune-heads.mlir *)
  }];
  let options = [
    ListOption<"heads", "heads", "std::string", "Heads to remove, as LAYER.HEAD">,
    Option<"function", "function", "std::string", "\"\"",
           "Look for the heads named in this function alone">,
    Option<"dead", "dead", "bool", "true", "Remove heads that write nothing">,
  ];
}

def OptimizeMergeHeadsPass : Optimize_Pass<"attn-optimize-merge-heads"> {
  let summary = "Let heads with equal keys and values share them";
  let description = [{
    Reads `attn.mha` with weights of static size. Key heads are equal when

    * `heads` says so: `3.0+2` are key heads 0 and 2 of the fourth `attn.mha`
      of the function; the first one's weights are used for all;
    * unless `equal=false`, their constant weights and biases of K and V are
      the same bits.

    Query heads of equal key heads are put side by side, in groups as large as
    all classes allow (the greatest common divisor of their sizes), and each
    group gets one key head: grouped-query attention. Query heads whose
    constant weights are equal as well, where no clause has a value per head,
    become one: the output columns, constants in f32 or f64, are added. That
    is done where it leaves less to do. Weights become slices, as in
    attn-optimize-prune-heads:
    ```
    %y = attn.mha %x weights(%wq, %wk, %wv, %wo) heads(4) ...
      ==>  heads=0.0+2,0.1+3
    %y = attn.mha %x weights(%q, %k, %v, %o) heads(4) kv_heads(2) ...
    ```
    The remark says what that saves. An error where heads that `heads` names
    are not there or cannot share: classes differ too much in size, or query
    heads would have to move in a block whose heads cannot (returned weights,
    or a region or capture that reads the head's number). Found ones that
    cannot are a missed remark.
    (* example test/Optimize/merge-heads.mlir *)
  }];
  let options = [
    ListOption<"heads", "heads", "std::string", "Key heads to share, as LAYER.HEAD+HEAD">,
    Option<"function", "function", "std::string", "\"\"",
           "Look for the heads named in this function alone">,
    Option<"equal", "equal", "bool", "true", "Find heads whose weights are equal">,
  ];
}

#endif // ATTN_OPTIMIZE_PASSES_TD
