//===- FragTypes.td - What registers and shared memory hold -*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef FRAG_TYPES_TD
#define FRAG_TYPES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Frag_Dialect : Dialect {
  let name = "frag";
  let cppNamespace = "::attn::frag";
  let summary = "Tensor-core kernels: where register and shared-memory layouts live";
  let description = [{
    Inside a kernel every op is executed by one warpgroup (128 threads) as a
    whole, and a value of type `acc`, `a` or `rows` is spread over its threads.
    Nothing here indexes a thread: the lowering alone knows which element
    stands in which register.

    | type | what it is |
    |---|---|
    | `acc<64x128xf32>` | the accumulator of a matrix product, in registers |
    | `pending<64x128xf32>` | an accumulator that an asynchronous product still writes; only `frag.wait` turns it into an `acc` |
    | `rows<64xf32>` | one number per row of an accumulator |
    | `a<64x128xbf16>` | a left operand in registers |
    | `tile<128x128xbf16, stages = 2>` | shared memory, 128-byte swizzle, one buffer per stage |
    | `barriers<2>` | one mbarrier per stage |
    | `tensor_map` | a TMA descriptor |

    Iterations of a ring are numbered from 0: iteration i uses stage i mod
    stages, and its phase is the parity of i div stages.

    Where element (row, column) of an accumulator stands (PTX ISA, wgmma and
    mma.sync m16n8): with MT = rows / 64, warp w of the warpgroup holds rows
    [16 MT w, 16 MT (w + 1)); in its 16-row tile t, lane l holds rows l / 4 and
    l / 4 + 8 at columns 2 (l mod 4) and 2 (l mod 4) + 1 of every 8.
  }];
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerTypes();
  }];
}

class Frag_Type<string cppName, string word> : TypeDef<Frag_Dialect, cppName> {
  let mnemonic = word;
}

class Frag_MatrixType<string cppName, string word> : Frag_Type<cppName, word> {
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "::mlir::Type":$element);
  let assemblyFormat = "`<` custom<Shape>($rows, $columns, $element) `>`";
  let genVerifyDecl = 1;
}

def Frag_AccType : Frag_MatrixType<"Acc", "acc"> {
  let summary = "an accumulator in the registers of a warpgroup";
}

def Frag_PendingType : Frag_MatrixType<"Pending", "pending"> {
  let summary = "an accumulator that an asynchronous product still writes";
}

def Frag_AType : Frag_MatrixType<"A", "a"> {
  let summary = "a left operand in the registers of a warpgroup";
}

def Frag_RowsType : Frag_Type<"Rows", "rows"> {
  let summary = "one number per row, in the registers of a warpgroup";
  let parameters = (ins "int64_t":$rows, "::mlir::Type":$element);
  let assemblyFormat = "`<` custom<RowShape>($rows, $element) `>`";
  let genVerifyDecl = 1;
}

def Frag_TileType : Frag_Type<"Tile", "tile"> {
  let summary = "tiles in shared memory, one per stage";
  let description = [{
    Rows of 16-bit elements with the 128-byte swizzle: panels of
    [rows][64], as many as the columns need, each written by TMA boxes.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "::mlir::Type":$element,
                        DefaultValuedParameter<"int64_t", "1">:$stages);
  let assemblyFormat = "`<` custom<Shape>($rows, $columns, $element) (`,` `stages` `=` $stages^)? `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Bytes of one 64-column panel, of one stage, of all stages.
    int64_t getPanelBytes() { return getRows() * 128; }
    int64_t getStageBytes() { return getPanels() * getPanelBytes(); }
    int64_t getBytes() { return getStages() * getStageBytes(); }
    int64_t getPanels() { return (getColumns() + 63) / 64; }
  }];
}

def Frag_BarriersType : Frag_Type<"Barriers", "barriers"> {
  let summary = "mbarriers in shared memory, one per stage";
  let parameters = (ins "int64_t":$stages);
  let assemblyFormat = "`<` $stages `>`";
  let genVerifyDecl = 1;
}

def Frag_TensorMapType : Frag_Type<"TensorMap", "tensor_map"> {
  let summary = "a TMA descriptor";
}

def Frag_KindEnum : I32EnumAttr<"ReduceKind", "how values of a row are combined", [
    I32EnumAttrCase<"Max", 0, "max">, I32EnumAttrCase<"Add", 1, "add">]> {
  let cppNamespace = "::attn::frag";
}

#endif // FRAG_TYPES_TD
