//===- AttnAttrs.td - Enums, the plan, the partial result --*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTRS_TD
#define ATTN_ATTRS_TD

include "dialects/attn/AttnDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

// How the causal diagonal is placed: query m sees key n when n <= m + offset.
def Attn_CausalTopLeft : I32EnumAttrCase<"TopLeft", 0, "top_left">;
def Attn_CausalBottomRight : I32EnumAttrCase<"BottomRight", 1, "bottom_right">;
def Attn_CausalOffset : I32EnumAttrCase<"Offset", 2, "offset">;
def Attn_CausalAttr : I32EnumAttr<"Causal", "alignment of the causal diagonal",
    [Attn_CausalTopLeft, Attn_CausalBottomRight, Attn_CausalOffset]> {
  let cppNamespace = "::attn";
}

// The room that lowers an op.
def Attn_RoomCPU : I32EnumAttrCase<"CPU", 0, "cpu">;
def Attn_RoomLinalg : I32EnumAttrCase<"Linalg", 1, "linalg">;
def Attn_RoomNVVM : I32EnumAttrCase<"NVVM", 2, "nvvm">;
def Attn_RoomEnum : I32EnumAttr<"Room", "room that lowers the op",
    [Attn_RoomCPU, Attn_RoomLinalg, Attn_RoomNVVM]> {
  let cppNamespace = "::attn";
  let genSpecializedAttr = 0;
}

// The algorithm: flash keeps a running softmax per query group (memory O(S)),
// unfused materialises the scores (memory O(S^2)), decode is flash for few
// queries: each line of K and V is read once for all that share it.
def Attn_FormFlash : I32EnumAttrCase<"Flash", 0, "flash">;
def Attn_FormUnfused : I32EnumAttrCase<"Unfused", 1, "unfused">;
def Attn_FormDecode : I32EnumAttrCase<"Decode", 2, "decode">;
def Attn_FormEnum : I32EnumAttr<"Form", "algorithm",
    [Attn_FormFlash, Attn_FormUnfused, Attn_FormDecode]> {
  let cppNamespace = "::attn";
  let genSpecializedAttr = 0;
}

def Attn_PlanAttr : AttrDef<Attn_Dialect, "Plan"> {
  let mnemonic = "plan";
  let summary = "how one attn.sdpa is computed, as decided by Fuse";
  let description = [{
    Written by `attn-fuse-plan`, obeyed by every later room, and written by
    hand in tests. `lanes` is the number of accumulator elements per vector;
    a query tile is `query_vectors * lanes` queries, `key_rows` keys share
    it in Q K^T, `value_rows` channels in P V; `key_block` keys make one
    softmax step; `query_group` queries are one parallel task. In the form
    `decode` the lanes are channels, `value_rows` accumulators are in use at
    once, and a task is as many query heads of one key head as fit into the
    lanes with their `query_group` queries. On a GPU a
    thread block is the task: `warpgroups` of it compute, 64 queries each, and
    `stages` blocks of keys and of values are in shared memory at once. With
    `blocks` that many thread blocks share all tasks, one after the other;
    without, each task has a block of its own. With `bf16_products` a CPU
    multiplies bf16 in pairs, the weights P among them rounded to it.

    Example:
    ```mlir
    #plan = #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 3, key_rows = 8, value_rows = 8, key_block = 128, query_group = 48>
    #gpu = #attn.plan<room = nvvm, form = flash, key_block = 128, query_group = 128, warpgroups = 2, stages = 2>
    ```
  }];
  let parameters = (ins
    EnumParameter<Attn_RoomEnum>:$room,
    EnumParameter<Attn_FormEnum>:$form,
    DefaultValuedParameter<"int64_t", "1">:$lanes,
    DefaultValuedParameter<"int64_t", "1">:$query_vectors,
    DefaultValuedParameter<"int64_t", "1">:$key_rows,
    DefaultValuedParameter<"int64_t", "1">:$value_rows,
    DefaultValuedParameter<"int64_t", "1">:$key_block,
    DefaultValuedParameter<"int64_t", "1">:$query_group,
    DefaultValuedParameter<"int64_t", "1">:$warpgroups,
    DefaultValuedParameter<"int64_t", "1">:$stages,
    DefaultValuedParameter<"int64_t", "0">:$blocks,
    DefaultValuedParameter<"bool", "false">:$bf16_products
  );
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Attn_PartialType : TypeDef<Attn_Dialect, "Partial"> {
  let mnemonic = "partial";
  let summary = "unnormalised attention of one query group over some keys";
  let description = [{
    The triple (sum_n p[n] V[n], max_n s[n], sum_n p[n]) for each query of a
    group. Its layout in registers and memory belongs to the room that lowers
    `attn.online_sdpa`. The parameter is the accumulator type, f32 or f64.
  }];
  let parameters = (ins "::mlir::Type":$accumulator);
  let assemblyFormat = "`<` $accumulator `>`";
  let genVerifyDecl = 1;
}

#endif // ATTN_ATTRS_TD
