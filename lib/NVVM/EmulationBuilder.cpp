//===- EmulationBuilder.cpp - Calls of the emulator -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Declarations, sites, and the memory through which calls return many values.
//
//===----------------------------------------------------------------------===//

#include "lib/NVVM/Emulation.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn::emulation;

uint32_t SharedLayout::addressOf(StringRef variable) const {
  auto found = offsets.find(variable);
  // The dynamic part keeps the alignment that swizzled tiles ask for.
  return base + (found == offsets.end() ? llvm::alignTo(fixedBytes, 1024)
                                        : found->second);
}

LLVM::LLVMFuncOp HostModule::declare(const Twine &function, Type result,
                                     TypeRange operands) {
  std::string symbol = ("attn_emu_" + function).str();
  if (auto callee = module.lookupSymbol<LLVM::LLVMFuncOp>(symbol))
    return callee;
  OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
  MLIRContext *context = module.getContext();
  SmallVector<Type> types;
  for (Type type : operands)
    types.push_back(addressSpaceOf(type) ? LLVM::LLVMPointerType::get(context)
                                         : type);
  return LLVM::LLVMFuncOp::create(
      top, module.getLoc(), symbol,
      LLVM::LLVMFunctionType::get(
          result ? result : LLVM::LLVMVoidType::get(context), types));
}

LLVM::GlobalOp HostModule::string(StringRef text) {
  LLVM::GlobalOp &global = strings[text];
  if (global)
    return global;
  OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
  std::string value = text.str();
  value.push_back('\0');
  auto type = LLVM::LLVMArrayType::get(top.getI8Type(), value.size());
  std::string symbol = "attn_emu_text_" + std::to_string(strings.size());
  global = LLVM::GlobalOp::create(top, module.getLoc(), type,
                                  /*isConstant=*/true, LLVM::Linkage::Private,
                                  symbol, top.getStringAttr(value));
  return global;
}

Type Rewriter::pointerType() {
  return LLVM::LLVMPointerType::get(b.getContext());
}

Value Rewriter::constant(int32_t value) {
  return LLVM::ConstantOp::create(b, loc, i32(), b.getI32IntegerAttr(value));
}

Value Rewriter::constant64(int64_t value) {
  return LLVM::ConstantOp::create(b, loc, b.getI64Type(),
                                  b.getI64IntegerAttr(value));
}

std::string attn::emulation::describeSite(StringRef name, Location loc) {
  std::string place; // the innermost that is known
  loc->walk([&](Location inner) {
    auto file = dyn_cast<FileLineColLoc>(inner);
    if (!file)
      return WalkResult::advance();
    place = (" at " + file.getFilename().getValue() + ":" +
             Twine(file.getLine()) + ":" + Twine(file.getColumn()))
                .str();
    return WalkResult::interrupt();
  });
  return name.str() + place;
}

Value Rewriter::site() {
  return LLVM::AddressOfOp::create(b, loc,
                                   host.string(describeSite(name, loc)));
}

Value Rewriter::call(const Twine &callee, Type result, ValueRange operands) {
  SmallVector<Value> all(operands);
  all.push_back(site());
  LLVM::LLVMFuncOp target =
      host.declare(callee, result, TypeRange(ValueRange(all)));
  auto op = LLVM::CallOp::create(b, loc, target, all);
  return result ? op.getResult() : Value();
}

Value Rewriter::sharedAddress(Value pointer) {
  unsigned space = *addressSpaceOf(pointer.getType());
  if (space == kShared || space == kSharedCluster)
    return LLVM::PtrToIntOp::create(b, loc, i32(), pointer);
  return call("generic_to_shared", i32(), pointer);
}

Value Rewriter::slot(unsigned index) {
  if (!slots) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&function.getBody().front());
    // 128 accumulators and what comes with them.
    Value count = constant(160);
    slots = LLVM::AllocaOp::create(b, loc, pointerType(), i32(), count,
                                   /*alignment=*/16);
  }
  return LLVM::GEPOp::create(b, loc, pointerType(), i32(), slots,
                             LLVM::GEPArg(int32_t(index)));
}

void Rewriter::storeSlots(ValueRange values, unsigned first) {
  for (auto [i, value] : llvm::enumerate(values))
    LLVM::StoreOp::create(b, loc, value, slot(first + i), /*alignment=*/4);
}

SmallVector<Value> Rewriter::loadSlots(Type type, unsigned count,
                                       unsigned first) {
  SmallVector<Value> values;
  for (unsigned i = 0; i < count; ++i)
    values.push_back(
        LLVM::LoadOp::create(b, loc, type, slot(first + i), /*alignment=*/4));
  return values;
}

Value Rewriter::loadStruct(Type type, unsigned first) {
  auto packed = dyn_cast<LLVM::LLVMStructType>(type);
  if (!packed)
    return loadSlots(type, 1, first).front();
  Value result = LLVM::UndefOp::create(b, loc, type);
  for (auto [i, field] : llvm::enumerate(packed.getBody())) {
    Value value = loadSlots(field, 1, first + i).front();
    result = LLVM::InsertValueOp::create(b, loc, result, value, i);
  }
  return result;
}

void Rewriter::predicated(Operation *op, Value predicate,
                          llvm::function_ref<void()> body) {
  if (!predicate)
    return body();
  Block *before = op->getBlock();
  Block *after = before->splitBlock(op);
  Block *then = b.createBlock(after);
  b.setInsertionPointToEnd(before);
  LLVM::CondBrOp::create(b, loc, predicate, then, after);
  b.setInsertionPointToStart(then);
  body();
  LLVM::BrOp::create(b, loc, after);
}
