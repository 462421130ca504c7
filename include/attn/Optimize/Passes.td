//===- Passes.td - Passes of the room Optimize -------------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_OPTIMIZE_PASSES_TD
#define ATTN_OPTIMIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

class Optimize_Pass<string name> : Pass<name, "::mlir::ModuleOp"> {
  let dependentDialects = ["::attn::AttnDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def OptimizeInlineBlocksPass : Optimize_Pass<"attn-optimize-inline-blocks"> {
  let summary = "Bring attn.mha to where its weights are known";
  let description = [{
    Puts the body of a called function in place of the call where it holds an
    `attn.mha`, itself or through its own calls, and a constant tensor is
    among the arguments, or where keys and values are made of a context and of
    weights that another call, or each turn of a loop around the call, has as
    well; with `all`, whatever the arguments. A layer that is
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

def OptimizeFoldMovesPass : Optimize_Pass<"attn-optimize-fold-moves"> {
  let summary = "Join transposes and reshapes that follow each other";
  let description = [{
    Reads `linalg.transpose`, `tensor.expand_shape` and `tensor.collapse_shape`,
    and generics that only transpose where another move or attention stands
    beside them. Makes: of two transposes in a row one or none, of reshapes
    that undo each other none, by upstream's canonicalization. The remark says
    how many of a function are gone and what transposes read and write less.
    ```
    %t = linalg.transpose ins(%x) outs(%e) permutation = [0, 2, 1, 3]
    %u = linalg.transpose ins(%t) outs(%f) permutation = [0, 2, 1, 3]
      ==>
    %x
    ```
    (* example test/Optimize/fold-moves.mlir *)
  }];
}

def OptimizeDropRepeatsPass : Optimize_Pass<"attn-optimize-drop-repeats"> {
  let summary = "Read heads of K and V once that were repeated for attn.sdpa";
  let description = [{
    Reads `attn.sdpa` whose K and V come, by way of `linalg.broadcast`,
    `linalg.transpose`, generics that copy, `tensor.concat` of one tensor,
    casts and reshapes, of tensors with fewer heads, where head h is head
    `h floordiv G` of those. Makes: an `attn.sdpa` of those tensors, which is
    grouped-query attention, in the layout in which they are.
    ```
    %r = linalg.broadcast ins(%k : tensor<1x2x?x64xf32>) outs(...) dimensions = [2]
    %c = tensor.collapse_shape %r [[0], [1, 2], [3], [4]] : ... into tensor<1x8x?x64xf32>
    %o = attn.sdpa %q, %c, ...
      ==>
    %o = attn.sdpa %q, %k, ...
    ```
    Where K alone repeats, or both in different groups, a missed remark says
    so. Tiles (h modulo the heads) of more than one head stay: query heads
    would have to move.
    (* example test/Optimize/drop-repeats.mlir *)
  }];
}

def OptimizeFoldAffinePass : Optimize_Pass<"attn-optimize-fold-affine"> {
  let summary = "Fold factors and addends around attn.mha into its weights";
  let description = [{
    Reads elementwise generics before and behind `attn.mha` with weights of
    f32 or f64 and static size. What such a generic does last to each channel
    of the rows that only blocks read, gamma and beta of a norm, or a factor,
    goes into the weights and biases of their projections; what the only
    reader of a block's result does first to it goes into those of the output.
    Factors and weights are constants, arguments marked `attn.weight`, what is
    made of those, or arguments of private functions that get such in each call.
    ```
    %n = linalg.generic ins(%x, %gamma, %beta) { ... addf (mulf %t, %gamma), %beta }
    %y = attn.mha %n weights(%wq, %wk, %wv, %wo) heads(4) ...
      ==>
    %n = linalg.generic ins(%x) { ... %t }
    %y = attn.mha %n weights(wq * gamma, ...) bias(wq beta, ..., 0) heads(4) ...
    ```
    Constants become constants, rounded once; of other weights code is made
    that runs before the first call. Declines, with a missed remark, factors
    and weights that are known at the call alone, rows that something else reads
    too, as the sum around a block that norms its result does, and weights of
    16 bits, which would be rounded again.
    (* example test/Optimize/fold-affine.mlir *)
  }];
}

def OptimizeFoldScalePass : Optimize_Pass<"attn-optimize-fold-scale"> {
  let summary = "Fold a constant scale of attn.mha into the weights of Q";
  let description = [{
    Reads `attn.mha` with `scale` of a constant, weights of f32 or f64 and
    static size. Makes: the same with that factor in the weights and the bias
    of Q, or in the weight of its norm, and a scale of 1. Without a rule that
    changes scores the kernels multiply Q by log2(e) in any case, so that the
    remark then says 0 FLOP. Declines weights of 16 bits, and those that are
    known at the call alone.
    (* example test/Optimize/fold-scale.mlir *)
  }];
}

def OptimizeFoldBiasesPass : Optimize_Pass<"attn-optimize-fold-biases"> {
  let summary = "Drop the bias of K, fold that of V into the output's";
  let description = [{
    Reads `attn.mha` with biases, apart. The bias of K adds the same number to
    all scores of a row, which softmax does not see: it becomes 0, and is added
    no more. The bias of V leaves each row that keeps a key as it is: through
    the output weights it becomes a part of the output's bias.

    Declines, with a missed remark. For K: qk_norm, rope, a softcap, a score
    region or a sink. For V: a sink; rows that may keep no key, for which a
    mask, additive or not, a score region, an offset or a window of run-time
    size suffice, and with a context also causal clauses, windows and a number
    of keys that may be 0; types of 16 bits; weights known at the call alone.
    (* example test/Optimize/fold-biases.mlir *)
  }];
}

def OptimizeOneQkvProductPass : Optimize_Pass<"attn-optimize-one-qkv-product"> {
  let summary = "Make Q, K and V of an attn.mha by one product, on demand";
  let description = [{
    Reads `attn.mha` without a context, with V heads as large as Q heads. With
    `always`, the three input weights become one, rows of Q, then K, then V, and `attn.one_product` says to
    attn-split-heads that it is one product whose parts are slices of it. A
    packed weight without that attribute is three products.
    ```
    %y = attn.mha %x weights(%wq, %wk, %wv, %wo) heads(4) ...
      ==>
    %y = attn.mha %x packed(%wqkv, %wo) heads(4) {attn.one_product} ...
    ```
    (* example test/Optimize/one-qkv-product.mlir *)
  }];
  let options = [
    Option<"always", "always", "bool", "false", "Although it was not measured to pay">,
  ];
}

#endif // ATTN_OPTIMIZE_PASSES_TD
