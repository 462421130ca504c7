//===- EmulationAsm.cpp - Assembly and intrinsics for the emulator --------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The strings of llvm.inline_asm that kernels may hold, and the names of
// llvm.call_intrinsic. A string is read as PTX, not compared: a wgmma of any
// size is one form.
//
//===----------------------------------------------------------------------===//

#include "lib/NVVM/Emulation.h"

#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace attn::emulation;

AsmForm attn::emulation::classifyAsm(StringRef text) {
  text = text.ltrim();
  if (text.starts_with("wgmma.mma_async.sync.aligned.m64n"))
    return AsmForm::Wgmma;
  if (text.starts_with("wgmma.wait_group.sync.aligned"))
    return AsmForm::WgmmaWait;
  if (text.starts_with("tanh.approx.f32") || text.starts_with("ex2.approx"))
    return AsmForm::Arithmetic;
  if (text.starts_with("mov.b64 $0, ") && text.ends_with(";"))
    return AsmForm::SharedAddress;
  return AsmForm::Unknown;
}

/// How many of the results are tied to the first operands; nothing when the
/// constraints say something else.
static std::optional<unsigned> countTied(LLVM::InlineAsmOp op) {
  SmallVector<StringRef> constraints;
  op.getConstraints().split(constraints, ',');
  unsigned results = llvm::count_if(
      constraints, [](StringRef text) { return text.starts_with("="); });
  for (unsigned i = 0; i < results; ++i)
    if (results + i >= constraints.size() ||
        constraints[results + i] != std::to_string(i))
      return std::nullopt;
  return results;
}

LogicalResult Rewriter::rewriteAsm(LLVM::InlineAsmOp op) {
  StringRef text = op.getAsmString().ltrim();
  name = text.take_until([](char c) { return c == ' ' || c == ';'; }).str();
  switch (classifyAsm(text)) {
  case AsmForm::Wgmma:
    return rewriteAsmWgmma(op);
  case AsmForm::WgmmaWait:
    return rewriteAsmWait(op);
  case AsmForm::Arithmetic:
    return rewriteIntrinsic(
        op, text.starts_with("tanh")             ? "llvm.nvvm.tanh.approx.f32"
            : text.starts_with("ex2.approx.ftz") ? "llvm.nvvm.ex2.approx.ftz.f"
                                                 : "llvm.nvvm.ex2.approx.f");
  case AsmForm::SharedAddress:
    if (addressSpaceOf(op->getResult(0).getType()) != kShared)
      break;
    text.consume_front("mov.b64 $0, ");
    rewriteSharedAddress(op, text.drop_back());
    return success();
  case AsmForm::Unknown:
    break;
  }
  return op.emitOpError("is not known to the emulator: \"")
         << op.getAsmString() << "\"";
}

LogicalResult Rewriter::rewriteAsmWgmma(LLVM::InlineAsmOp op) {
  // The form with A in registers: accumulators, four registers, descriptor,
  // then scale-d, both signs and trans-b as numbers.
  static llvm::Regex form(
      "^[ ]*wgmma\\.mma_async\\.sync\\.aligned\\.m64n([0-9]+)k16\\.f32\\."
      "(b?f16)\\.(b?f16) \\{[^}]*\\}, \\{[^}]*\\}, \\$[0-9]+, "
      "([01]), (-?1), (-?1), ([01]);$");
  SmallVector<StringRef> parts;
  unsigned n = 0;
  if (!form.match(op.getAsmString(), &parts) || parts[1].getAsInteger(10, n) ||
      parts[2] != parts[3])
    return op.emitOpError("is not a wgmma that the emulator knows: \"")
           << op.getAsmString() << "\"";
  std::optional<unsigned> tied = countTied(op);
  if (tied != n / 2 || op->getNumOperands() != n / 2 + 5)
    return op.emitOpError("expects ")
           << n / 2
           << " accumulators tied to the first operands, four registers and a "
              "descriptor";
  ValueRange operands = op->getOperands();
  storeSlots(operands.take_front(n / 2));
  storeSlots(operands.slice(n / 2, 4), 128);
  auto number = [&](StringRef part) { return part == "-1" ? -1 : part == "1"; };
  call("wgmma_rs",
       {slot(0), constant(n), constant(parts[2] == "bf16"), slot(128),
        operands.back(), constant(number(parts[4])), constant(number(parts[5])),
        constant(number(parts[6])), constant(parts[7] == "1" ? 2 : 0)});
  replace(op, loadStruct(op->getResult(0).getType(), 0));
  return success();
}

LogicalResult Rewriter::rewriteAsmWait(LLVM::InlineAsmOp op) {
  StringRef text = op.getAsmString().ltrim();
  text.consume_front("wgmma.wait_group.sync.aligned");
  text = text.ltrim();
  unsigned pending = 0;
  std::optional<unsigned> tied = countTied(op);
  if (text.consumeInteger(10, pending) || text != ";" || !tied ||
      tied != op->getNumOperands())
    return op.emitOpError("expects every accumulator tied to its result and a "
                          "number of groups: \"")
           << op.getAsmString() << "\"";
  storeSlots(op->getOperands());
  call("wgmma_wait", {slot(0), constant(*tied), constant(pending)});
  if (op->getNumResults())
    op->getResult(0).replaceAllUsesWith(
        loadStruct(op->getResult(0).getType(), 0));
  return erase(op);
}

LogicalResult Rewriter::rewriteIntrinsic(Operation *op, StringRef intrinsic) {
  struct Known {
    StringRef name, function;
  };
  static const Known known[] = {
      {"llvm.nvvm.ex2.approx.ftz.f", "ex2_approx_ftz"},
      {"llvm.nvvm.ex2.approx.ftz.f32", "ex2_approx_ftz"},
      {"llvm.nvvm.ex2.approx.f", "ex2_approx"},
      {"llvm.nvvm.ex2.approx.f32", "ex2_approx"},
      {"llvm.nvvm.lg2.approx.f", "lg2_approx"},
      {"llvm.nvvm.lg2.approx.ftz.f", "lg2_approx"},
      {"llvm.nvvm.rcp.approx.ftz.f", "rcp_approx"},
      {"llvm.nvvm.rsqrt.approx.f", "rsqrt_approx"},
      {"llvm.nvvm.rsqrt.approx.ftz.f", "rsqrt_approx"},
      {"llvm.nvvm.sqrt.approx.f", "sqrt_approx"},
      {"llvm.nvvm.sqrt.approx.ftz.f", "sqrt_approx"},
      {"llvm.nvvm.tanh.approx.f32", "tanh_approx"},
  };
  for (const Known &entry : known)
    if (entry.name == intrinsic && op->getNumOperands() == 1 &&
        op->getOperand(0).getType().isF32()) {
      LLVM::LLVMFuncOp callee =
          host.declare(entry.function, b.getF32Type(), b.getF32Type());
      replace(
          op,
          LLVM::CallOp::create(b, loc, callee, op->getOperands()).getResult());
      return success();
    }
  return op->emitOpError("of '")
         << intrinsic << "' is not known to the emulator";
}
