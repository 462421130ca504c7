//===- ThreadBuilder.cpp - Code of one thread, written briefly ------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ThreadBuilder.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;

Value ThreadBuilder::i32(int64_t value) {
  return arith::ConstantOp::create(*this, getI32IntegerAttr(int32_t(value)));
}
Value ThreadBuilder::i64(uint64_t value) {
  return arith::ConstantOp::create(*this, getI64IntegerAttr(int64_t(value)));
}
Value ThreadBuilder::f32(double value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(float(value)));
}
Value ThreadBuilder::add(Value x, Value y) {
  return createOrFold<arith::AddIOp>(x, y);
}
Value ThreadBuilder::add(Value x, int64_t y) { return add(x, i32(y)); }
Value ThreadBuilder::sub(Value x, Value y) {
  return createOrFold<arith::SubIOp>(x, y);
}
Value ThreadBuilder::mul(Value x, int64_t y) {
  return createOrFold<arith::MulIOp>(x, i32(y));
}
Value ThreadBuilder::div(Value x, int64_t y) {
  return createOrFold<arith::DivUIOp>(x, i32(y));
}
Value ThreadBuilder::rem(Value x, int64_t y) {
  return createOrFold<arith::RemUIOp>(x, i32(y));
}
Value ThreadBuilder::equal(Value x, int64_t y) {
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::eq, x, i32(y));
}
Value ThreadBuilder::both(Value x, Value y) {
  return arith::AndIOp::create(*this, x, y);
}
Value ThreadBuilder::narrow(Value index) {
  return createOrFold<arith::IndexCastOp>(getI32Type(), index);
}
Value ThreadBuilder::toIndex(Value number) {
  return createOrFold<arith::IndexCastOp>(getIndexType(), number);
}

Value ThreadBuilder::threadId() {
  return NVVM::ThreadIdXOp::create(*this, getI32Type());
}

Value ThreadBuilder::uniformWarp() {
  return NVVM::ShflOp::create(*this, getI32Type(), i32(-1), div(threadId(), 32),
                              i32(0), i32(31), NVVM::ShflKind::idx, UnitAttr());
}

Value ThreadBuilder::lane() { return rem(threadId(), 32); }
Value ThreadBuilder::warpOfGroup() { return rem(div(threadId(), 32), 4); }

Value ThreadBuilder::elected() {
  return NVVM::ElectSyncOp::create(*this, getI1Type(), Value());
}

Value ThreadBuilder::sharedPointer(Value offset) {
  auto type = LLVM::LLVMPointerType::get(getContext(), 3);
  Value base = LLVM::AddressOfOp::create(*this, type, kSharedSymbol);
  return LLVM::GEPOp::create(*this, type, getI8Type(), base,
                             ArrayRef<LLVM::GEPArg>{offset});
}

Value ThreadBuilder::sharedAddress(Value offset) {
  auto type = LLVM::LLVMPointerType::get(getContext(), 3);
  Value base = LLVM::AddressOfOp::create(*this, type, kSharedSymbol);
  return add(LLVM::PtrToIntOp::create(*this, getI32Type(), base), offset);
}

Value ThreadBuilder::pack(Type element, Value low, Value high) {
  // A truncation of two is one cvt.rn.bf16x2.f32.
  Value pair = vector::FromElementsOp::create(
      *this, VectorType::get({2}, getF32Type()), ValueRange{low, high});
  Value rounded =
      arith::TruncFOp::create(*this, VectorType::get({2}, element), pair);
  return LLVM::BitcastOp::create(*this, getI32Type(), rounded);
}

Value ThreadBuilder::exchange(Value value, int64_t mask) {
  return NVVM::ShflOp::create(*this, value.getType(), i32(-1), value, i32(mask),
                              i32(31), NVVM::ShflKind::bfly, UnitAttr());
}

scf::IfOp ThreadBuilder::when(Value condition, function_ref<void()> then) {
  auto branch = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  then();
  return branch;
}
