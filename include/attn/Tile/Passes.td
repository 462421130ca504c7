//===- Passes.td - Passes of the room Tile -----------------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_TILE_PASSES_TD
#define ATTN_TILE_PASSES_TD

include "mlir/Pass/PassBase.td"

def TilePass : Pass<"attn-tile", "::mlir::func::FuncOp"> {
  let summary = "Cut attention into one parallel task per query group";
  let description = [{
    Cuts each `attn.sdpa` whose plan names the room cpu over batch, head and
    groups of `query_group` queries, and turns the inner op into
    `attn.online_sdpa` and `attn.finalize`. The mask region gives each task its
    range of keys; the keys themselves are not cut here.

    ```text
    %o = attn.sdpa %q, %k, %v scale(%s) {plan = #attn.plan<room = cpu, ...>} : ...
    // becomes
    %o = scf.forall (%b, %h, %m) = (0, 0, 0) to (%B, %H, %M) step (1, 1, 48) shared_outs(%out = %empty) {
      %p = attn.online_sdpa %q_slice, %k_slice, %v_slice scale(%s)
        keys(%lo to %hi, full %full_lo to %full_hi) tile(%b, %h, %m) of(%M, %N) : ...
      %r = attn.finalize %p outs(%out_slice) layout(bhsd) : ...
      scf.forall.in_parallel { tensor.parallel_insert_slice %r into %out[...] }
    }
    ```
    Reads: what `fuse` promises. Makes: no `attn.sdpa` of room cpu is left,
    and every `attn.online_sdpa` stands inside a parallel loop. An op whose plan
    names the room linalg is left alone. Emits one remark per op, `KeyRange`
    of category `attn-tile`: whether keys are skipped, and what of the mask
    stands in the way.

    For the kernels of the CPU, a mask that bounds of keys do not follow becomes
    the region `blocks` as well; the smallest and largest elements of captures
    that it reads are computed before the loop (per block of keys) or in the
    task (per group of queries).
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // ATTN_TILE_PASSES_TD
