//===- InlineAsm.cpp - Machine instructions that nvvm lacks ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"

#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;

using Values = SmallVector<Value>;

/// "$first, $first+1, ...".
static std::string operandList(size_t first, size_t count) {
  return llvm::join(
      llvm::map_range(llvm::seq(first, first + count),
                      [](size_t i) { return "$" + llvm::utostr(i); }),
      ", ");
}

/// "=f,=f,...,0,1,...": `count` results, each in the register of its operand.
static std::string tiedConstraints(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i)
    text += i == 0 ? "=f" : ",=f";
  for (size_t i = 0; i < count; ++i)
    text += "," + llvm::utostr(i);
  return text;
}

Values attn::nvvm::unpackStruct(ImplicitLocOpBuilder &b, Value packed) {
  auto type = cast<LLVM::LLVMStructType>(packed.getType());
  Values fields;
  for (size_t i = 0; i < type.getBody().size(); ++i)
    fields.push_back(LLVM::ExtractValueOp::create(b, packed, i));
  return fields;
}

static Values createTied(ImplicitLocOpBuilder &b, const Twine &text,
                         const Twine &constraints, size_t results,
                         ValueRange operands) {
  SmallVector<Type> types(results, b.getF32Type());
  auto op = LLVM::InlineAsmOp::create(
      b, LLVM::LLVMStructType::getLiteral(b.getContext(), types), operands,
      text.str(), constraints.str(), /*has_side_effects=*/true,
      /*is_align_stack=*/false, LLVM::TailCallKind::None,
      LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT),
      /*operand_attrs=*/ArrayAttr());
  return unpackStruct(b, op.getResult(0));
}

Values attn::nvvm::wgmmaRS(ImplicitLocOpBuilder &b, Type element,
                           ValueRange accumulators, ValueRange left,
                           Value descriptor) {
  size_t n = accumulators.size();
  StringRef type = element.isBF16() ? "bf16" : "f16";
  // scale-d, imm-scale-a, imm-scale-b, and trans-b: B lies with its columns
  // contiguous.
  std::string text = llvm::formatv(
      "wgmma.mma_async.sync.aligned.m64n{0}k16.f32.{1}.{1} {{{2}}, {{{3}}, "
      "${4}, 1, 1, 1, 1;",
      2 * n, type, operandList(0, n), operandList(2 * n, 4), 2 * n + 4);
  Values operands(accumulators);
  operands.append(left.begin(), left.end());
  operands.push_back(descriptor);
  return createTied(b, text, tiedConstraints(n) + ",r,r,r,r,l", n, operands);
}

Value attn::nvvm::sharedMemory(ImplicitLocOpBuilder &b, StringRef symbol) {
  return LLVM::InlineAsmOp::create(
             b, LLVM::LLVMPointerType::get(b.getContext(), 3), ValueRange(),
             ("mov.b64 $0, " + symbol + ";").str(), "=l",
             /*has_side_effects=*/true, /*is_align_stack=*/false,
             LLVM::TailCallKind::None,
             LLVM::AsmDialectAttr::get(b.getContext(),
                                       LLVM::AsmDialect::AD_ATT),
             /*operand_attrs=*/ArrayAttr())
      .getResult(0);
}

Values attn::nvvm::wgmmaWait(ImplicitLocOpBuilder &b, int64_t groups,
                             ValueRange accumulators) {
  return createTied(b, "wgmma.wait_group.sync.aligned " + Twine(groups) + ";",
                    tiedConstraints(accumulators.size()) + ",~{memory}",
                    accumulators.size(), accumulators);
}
