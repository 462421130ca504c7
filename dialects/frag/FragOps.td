//===- FragOps.td - The ops of a tensor-core kernel --------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef FRAG_OPS_TD
#define FRAG_OPS_TD

include "dialects/frag/FragTypes.td"
include "mlir/Dialect/LLVMIR/LLVMTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Frag_Op<string mnemonic, list<Trait> traits = []>
    : Op<Frag_Dialect, mnemonic, traits>;

//===----------------------------------------------------------------------===//
// Host
//===----------------------------------------------------------------------===//

def Frag_TensorMapOp : Frag_Op<"tensor_map", [Pure]> {
  let summary = "describes a [B,H,S,D] buffer to the TMA unit";
  let description = [{
    Dimensions innermost first (D, S, H, B) with the memref's strides, a box of
    `box` elements (64 of D, and rows of S), 128-byte swizzle; reads outside give zero, writes
    outside are dropped. Executed on the host before a launch.
  }];
  let arguments = (ins AnyStridedMemRef:$source, DenseI64ArrayAttr:$box);
  let results = (outs Frag_TensorMapType:$map);
  let assemblyFormat = "$source `box` $box attr-dict `:` qualified(type($source))";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

def Frag_AllocOp : Frag_Op<"alloc", [MemoryEffects<[MemAlloc]>]> {
  let summary = "shared memory of a kernel";
  let description = "Tiles stand in the order of their allocation, each at a multiple of 1024 bytes.";
  let results = (outs Frag_TileType:$tile);
  let assemblyFormat = "attr-dict `:` qualified(type($tile))";
}

def Frag_AllocBarriersOp : Frag_Op<"alloc_barriers", [MemoryEffects<[MemAlloc]>]> {
  let summary = "mbarriers of a kernel";
  let description = [{
    A phase is complete after `arrivals` arrivals (and the bytes announced).
    `frag.roles` initialises them.
  }];
  let arguments = (ins I64Attr:$arrivals);
  let results = (outs Frag_BarriersType:$barriers);
  let assemblyFormat = "`arrivals` `(` $arrivals `)` attr-dict `:` qualified(type($barriers))";
  let hasVerifier = 1;
}

def Frag_AwaitOp : Frag_Op<"await"> {
  let summary = "waits until the data of an iteration has arrived";
  let arguments = (ins Frag_BarriersType:$barriers, I32:$iteration);
  let assemblyFormat = "$barriers `[` $iteration `]` attr-dict `:` qualified(type($barriers))";
}

def Frag_AcquireOp : Frag_Op<"acquire"> {
  let summary = "waits until the buffer of an iteration is free";
  let description = "The first `stages` iterations find it free.";
  let arguments = (ins Frag_BarriersType:$barriers, I32:$iteration);
  let assemblyFormat = "$barriers `[` $iteration `]` attr-dict `:` qualified(type($barriers))";
}

def Frag_ReleaseOp : Frag_Op<"release"> {
  let summary = "gives the buffer of an iteration back: one arrival per warp";
  let arguments = (ins Frag_BarriersType:$barriers, I32:$iteration);
  let assemblyFormat = "$barriers `[` $iteration `]` attr-dict `:` qualified(type($barriers))";
}

def Frag_LoadOp : Frag_Op<"load"> {
  let summary = "starts TMA copies of a tile and announces their bytes";
  let description = [{
    Copies rows [row, row + rows of the tile) of (batch, head) into the stage of
    `iteration`; `barriers` of that iteration completes when all has arrived.
    Boxes are `box_rows` rows high, as in the tensor map.
  }];
  let arguments = (ins LLVM_AnyPointer:$map, Index:$row, Index:$head, Index:$batch,
                       Frag_TileType:$tile, Frag_BarriersType:$barriers, I32:$iteration, I64Attr:$box_rows);
  let assemblyFormat = [{
    $map `[` $row `,` $head `,` $batch `]` `box` `(` $box_rows `)` `to` $tile `signal` $barriers `[` $iteration `]` attr-dict
    `:` qualified(type($map)) `,` qualified(type($tile)) `,` qualified(type($barriers))
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

def Frag_YieldOp : Frag_Op<"yield", [Pure, Terminator, ParentOneOf<["RolesOp", "MapOp", "MendOp"]>]> {
  let summary = "ends a region";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` qualified(type($values)))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

def Frag_RolesOp : Frag_Op<"roles", [SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "one warpgroup that copies, others that compute";
  let description = [{
    Initialises the barriers of the kernel. Then one thread of the first
    warpgroup executes `producer`, and each of the `consumers` warpgroups
    behind it executes `consumer` with its number. Registers per thread move
    from the producer to the consumers (setmaxnreg). With `turns` the consumers
    take turns at their products, warpgroup 0 first: see `frag.take_turn`.
    Where `condition` is given and false, nothing of this happens.
    Source: Shah et al., FlashAttention-3 (2024).
  }];
  let arguments = (ins Optional<I1>:$condition, I64Attr:$consumers, I64Attr:$producer_registers, I64Attr:$consumer_registers, UnitAttr:$turns);
  let regions = (region SizedRegion<1>:$producer, SizedRegion<1>:$consumer);
  let assemblyFormat = [{
    (`if` `(` $condition^ `)`)? `consumers` `(` $consumers `)` `registers` `(` $producer_registers `,` $consumer_registers `)` (`turns` $turns^)? attr-dict-with-keyword
    `producer` $producer `consumer` $consumer
  }];
  let hasVerifier = 1;
}

def Frag_TakeTurnOp : Frag_Op<"take_turn"> {
  let summary = "waits until this warpgroup may start its products";
  let arguments = (ins Index:$warpgroup);
  let assemblyFormat = "$warpgroup attr-dict";
  let hasVerifier = 1;
}

def Frag_PassTurnOp : Frag_Op<"pass_turn"> {
  let summary = "lets the next of the consumers start its products";
  let arguments = (ins Index:$warpgroup, I64Attr:$consumers);
  let assemblyFormat = "$warpgroup `of` $consumers attr-dict";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

def Frag_MmaSSOp : Frag_Op<"mma_ss"> {
  let summary = "starts S = A B^T, both operands in shared memory";
  let description = [{
    A: 64 rows of `a` from `row`; B: the stage of `iteration` in `b`. One
    committed group of asynchronous products (wgmma).
  }];
  let arguments = (ins Frag_TileType:$a, Index:$row, Frag_TileType:$b, I32:$iteration);
  let results = (outs Frag_PendingType:$result);
  let assemblyFormat = "$a `rows` `(` $row `)` `,` $b `[` $iteration `]` attr-dict `:` qualified(type($a)) `,` qualified(type($b)) `->` qualified(type($result))";
  let hasVerifier = 1;
}

def Frag_MmaRSOp : Frag_Op<"mma_rs"> {
  let summary = "starts O = A B + C, A in registers, B in shared memory";
  let description = "B: the stage of `iteration` in `b`. One committed group of asynchronous products (wgmma).";
  let arguments = (ins Frag_AType:$a, Frag_TileType:$b, I32:$iteration, Frag_AccType:$c);
  let results = (outs Frag_PendingType:$result);
  let assemblyFormat = "$a `,` $b `[` $iteration `]` `,` $c attr-dict `:` qualified(type($a)) `,` qualified(type($b)) `,` qualified(type($c)) `->` qualified(type($result))";
  let hasVerifier = 1;
}

def Frag_WaitOp : Frag_Op<"wait"> {
  let summary = "waits until at most `groups` newer products are under way";
  let description = [{
    The result is the accumulator, complete. `groups` is the number of products
    that were started after the one waited for.
  }];
  let arguments = (ins I64Attr:$groups, Frag_PendingType:$pending);
  let results = (outs Frag_AccType:$result);
  let assemblyFormat = "`groups` `(` $groups `)` $pending attr-dict `:` qualified(type($pending)) `->` qualified(type($result))";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Arithmetic on fragments
//===----------------------------------------------------------------------===//

def Frag_Fragment : AnyTypeOf<[Frag_AccType, Frag_RowsType]>;

def Frag_FillOp : Frag_Op<"fill", [Pure]> {
  let summary = "every element is the same number";
  let arguments = (ins F32:$value);
  let results = (outs Frag_Fragment:$result);
  let assemblyFormat = "$value attr-dict `:` qualified(type($result))";
}

def Frag_MapOp : Frag_Op<"map", [RecursiveMemoryEffects, SingleBlock, AttrSizedOperandSegments]> {
  let summary = "scalar code on every element";
  let description = [{
    The region receives one number per operand (an operand of rows gives the
    number of the element's row) and, with `at`, the row and the column of the
    element in the whole problem, counted from the two indices given. It yields
    one number per result.
  }];
  let arguments = (ins Variadic<Frag_Fragment>:$inputs, Variadic<Index>:$at);
  let results = (outs Frag_Fragment:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `ins` `(` ($inputs^ `:` qualified(type($inputs)))? `)` (`at` `(` $at^ `)`)? attr-dict `->` qualified(type($result)) $body
  }];
  let hasVerifier = 1;
}

def Frag_RowReduceOp : Frag_Op<"row_reduce", [Pure]> {
  let summary = "combines the elements of a row that one thread holds";
  let description = [{
    A row is spread over four threads: the result is a partial one until
    `frag.row_combine`, so that sums can be carried and combined once.
  }];
  let arguments = (ins Frag_KindEnum:$kind, Frag_AccType:$source);
  let results = (outs Frag_RowsType:$result);
  let assemblyFormat = "$kind $source attr-dict `:` qualified(type($source)) `->` qualified(type($result))";
  let hasVerifier = 1;
}

def Frag_RowCombineOp : Frag_Op<"row_combine", [Pure, SameOperandsAndResultType]> {
  let summary = "combines partial rows over the threads that share a row";
  let arguments = (ins Frag_KindEnum:$kind, Frag_RowsType:$source);
  let results = (outs Frag_RowsType:$result);
  let assemblyFormat = "$kind $source attr-dict `:` qualified(type($source))";
}

def Frag_ToAOp : Frag_Op<"to_a", [Pure]> {
  let summary = "rounds an accumulator to a left operand";
  let description = "The layouts agree: no element changes its thread.";
  let arguments = (ins Frag_AccType:$source);
  let results = (outs Frag_AType:$result);
  let assemblyFormat = "$source attr-dict `:` qualified(type($source)) `->` qualified(type($result))";
  let hasVerifier = 1;
}

def Frag_PutOp : Frag_Op<"put"> {
  let summary = "writes an accumulator, rounded, to shared memory";
  let description = "The 64 rows of `tile` from `tile_row` belong to this warpgroup and are overwritten.";
  let arguments = (ins Frag_AccType:$source, Frag_TileType:$tile, Index:$tile_row);
  let assemblyFormat = [{
    $source `to` $tile `rows` `(` $tile_row `)` attr-dict `:` qualified(type($source)) `,` qualified(type($tile))
  }];
  let hasVerifier = 1;
}

def Frag_MendOp : Frag_Op<"mend"> {
  let summary = "computes rows of a product anew that are not finite";
  let description = [{
    Reads `sums`, a number per row that is finite where all of the row is; rows
    from `row` on, up to `bound`. For a row m of another number, and each column
    c, `tile` (as after `frag.put`) is given

        sum over n in [lo, hi), kept, of weight(m, n) * value(n, c)

    in f32, one key after the other. The region `weights` receives m, n and what
    `inputs` hold for the row, and yields the weight and whether the key is
    kept: what is not kept takes no part, whatever its value. In a product on
    tensor cores 0 * NaN would be NaN. This is a cold path: a warp computes a
    row, and what finite rows cost is one vote.
  }];
  let arguments = (ins Frag_RowsType:$sums, Variadic<Frag_RowsType>:$inputs, Frag_TileType:$tile, Index:$tile_row,
                       Index:$row, Index:$bound, Index:$lo, Index:$hi, I64Attr:$columns);
  let regions = (region SizedRegion<1>:$weights, SizedRegion<1>:$values);
  let assemblyFormat = [{
    $sums `ins` `(` ($inputs^ `:` qualified(type($inputs)))? `)` `in` $tile `rows` `(` $tile_row `)` `columns` `(` $columns `)`
    `at` `(` $row `)` `bound` `(` $bound `)` `keys` `(` $lo `to` $hi `)` attr-dict `:` qualified(type($sums)) `,` qualified(type($tile))
    `weights` $weights `values` $values
  }];
  let hasVerifier = 1;
}

def Frag_StoreOp : Frag_Op<"store"> {
  let summary = "copies rows of shared memory to global memory by TMA";
  let description = [{
    The 64 rows of `tile` from `tile_row`, which this warpgroup has put there,
    and the first `columns` columns, to rows [row, row + 64) of (batch, head).
    Rows and columns outside the buffer are dropped.
  }];
  let arguments = (ins Frag_TileType:$tile, Index:$tile_row, I64Attr:$columns, LLVM_AnyPointer:$map,
                       Index:$row, Index:$head, Index:$batch, Index:$warpgroup);
  let assemblyFormat = [{
    $tile `rows` `(` $tile_row `)` `columns` `(` $columns `)` `to` $map `[` $row `,` $head `,` $batch `]` `by` $warpgroup attr-dict
    `:` qualified(type($tile)) `,` qualified(type($map))
  }];
  let hasVerifier = 1;
}

def Frag_StoreRowsOp : Frag_Op<"store_rows"> {
  let summary = "stores one f32 per row to global memory";
  let description = "Element `row + i` from `base`, where row + i < bound.";
  let arguments = (ins Frag_RowsType:$source, LLVM_AnyPointer:$base, Index:$row, Index:$bound);
  let assemblyFormat = "$source `to` $base `[` $row `]` `bound` `(` $bound `)` attr-dict `:` qualified(type($source)) `,` qualified(type($base))";
}

#endif // FRAG_OPS_TD
