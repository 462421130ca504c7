//===- EmulationCopies.cpp - mbarriers and copies for the emulator --------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mbarrier, cp.async, bulk and tensor copies.
//
//===----------------------------------------------------------------------===//

#include "lib/NVVM/Emulation.h"

using namespace mlir;
using namespace attn::emulation;

LogicalResult Rewriter::rewriteMBarrier(Operation *op) {
  Type i64 = b.getI64Type();
  if (auto init = dyn_cast<NVVM::MBarrierInitOp>(op)) {
    predicated(op, init.getPredicate(), [&] {
      call("mbarrier_init", {sharedAddress(init.getAddr()), init.getCount()});
    });
    return erase(op);
  }
  if (auto inval = dyn_cast<NVVM::MBarrierInvalOp>(op)) {
    call("mbarrier_inval", sharedAddress(inval.getAddr()));
    return erase(op);
  }
  if (auto arrive = dyn_cast<NVVM::MBarrierArriveOp>(op)) {
    Value count = arrive.getCount();
    Value state =
        call("mbarrier_arrive", i64,
             {sharedAddress(arrive.getAddr()), count ? count : constant(1)});
    if (op->getNumResults())
      op->getResult(0).replaceAllUsesWith(state);
    return erase(op);
  }
  if (auto arrive = dyn_cast<NVVM::MBarrierArriveExpectTxOp>(op)) {
    if (arrive.getPredicate() && op->getNumResults())
      return op->emitOpError("with a predicate and a result is not known to "
                             "the emulator");
    predicated(op, arrive.getPredicate(), [&] {
      Value state =
          call("mbarrier_arrive_expect_tx", i64,
               {sharedAddress(arrive.getAddr()), arrive.getTxcount()});
      if (op->getNumResults())
        op->getResult(0).replaceAllUsesWith(state);
    });
    return erase(op);
  }
  if (auto expect = dyn_cast<NVVM::MBarrierExpectTxOp>(op)) {
    call("mbarrier_expect_tx",
         {sharedAddress(expect.getAddr()), expect.getTxcount()});
    return erase(op);
  }
  if (auto wait = dyn_cast<NVVM::MBarrierTryWaitParityOp>(op)) {
    call("mbarrier_wait_parity",
         {sharedAddress(wait.getAddr()), wait.getPhase()});
    return erase(op);
  }
  // A wait that may give up is one that does not: it only says yes later.
  auto rewriteWait = [&](Value address, Value stateOrPhase) {
    bool isState = stateOrPhase.getType() == i64;
    call(isState ? "mbarrier_wait_state" : "mbarrier_wait_parity",
         {sharedAddress(address), stateOrPhase});
    replace(op,
            LLVM::ConstantOp::create(b, loc, b.getI1Type(), b.getBoolAttr(true))
                .getResult());
    return success();
  };
  if (auto wait = dyn_cast<NVVM::MBarrierTryWaitOp>(op))
    return rewriteWait(wait.getAddr(), wait.getStateOrPhase());
  if (auto wait = dyn_cast<NVVM::MBarrierTestWaitOp>(op))
    return rewriteWait(wait.getAddr(), wait.getStateOrPhase());
  return rewriteCopy(op);
}

LogicalResult Rewriter::rewriteCopy(Operation *op) {
  if (auto copy = dyn_cast<NVVM::CpAsyncOp>(op)) {
    Value bytes = constant(copy.getSize()), source = copy.getCpSize();
    call("cp_async", {sharedAddress(copy.getDst()), copy.getSrc(), bytes,
                      source ? source : bytes});
    return erase(op);
  }
  if (isa<NVVM::CpAsyncCommitGroupOp>(op)) {
    call("cp_async_commit", {});
    return erase(op);
  }
  if (auto wait = dyn_cast<NVVM::CpAsyncWaitGroupOp>(op)) {
    call("cp_async_wait", constant(wait.getN()));
    return erase(op);
  }
  if (auto arrive = dyn_cast<NVVM::CpAsyncMBarrierArriveOp>(op)) {
    call("cp_async_mbarrier_arrive",
         {sharedAddress(arrive.getAddr()), constant(arrive.getNoinc())});
    return erase(op);
  }
  auto multicast = [&](Value mask) -> Value {
    if (!mask)
      return constant(0);
    return LLVM::ZExtOp::create(b, loc, i32(), mask);
  };
  if (auto load =
          dyn_cast<NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp>(op)) {
    if (load.getMode() != NVVM::TMALoadMode::TILE || load.getGroup())
      return op->emitOpError("in a mode other than tile is not known to the "
                             "emulator");
    predicated(op, load.getPredicate(), [&] {
      storeSlots(load.getCoordinates());
      call("tensor_load",
           {sharedAddress(load.getDstMem()), load.getTmaDescriptor(),
            sharedAddress(load.getMbar()), slot(0),
            constant(load.getCoordinates().size()),
            multicast(load.getMulticastMask())});
    });
    return erase(op);
  }
  if (auto store = dyn_cast<NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp>(op)) {
    if (store.getMode() != NVVM::TMAStoreMode::TILE)
      return op->emitOpError("in a mode other than tile is not known to the "
                             "emulator");
    predicated(op, store.getPredicate(), [&] {
      storeSlots(store.getCoordinates());
      call("tensor_store",
           {store.getTmaDescriptor(), sharedAddress(store.getSrcMem()), slot(0),
            constant(store.getCoordinates().size())});
    });
    return erase(op);
  }
  if (auto load = dyn_cast<NVVM::CpAsyncBulkGlobalToSharedClusterOp>(op)) {
    call("bulk_load", {sharedAddress(load.getDstMem()), load.getSrcMem(),
                       sharedAddress(load.getMbar()), load.getSize(),
                       multicast(load.getMulticastMask())});
    return erase(op);
  }
  if (auto store = dyn_cast<NVVM::CpAsyncBulkSharedCTAToGlobalOp>(op)) {
    if (store.getByteMask())
      return op->emitOpError("with a byte mask is not known to the emulator");
    call("bulk_store", {store.getDstMem(), sharedAddress(store.getSrcMem()),
                        store.getSize()});
    return erase(op);
  }
  if (isa<NVVM::CpAsyncBulkCommitGroupOp>(op)) {
    call("bulk_commit", {});
    return erase(op);
  }
  if (auto wait = dyn_cast<NVVM::CpAsyncBulkWaitGroupOp>(op)) {
    call("bulk_wait",
         {constant(wait.getGroup()), constant(wait.getRead().has_value())});
    return erase(op);
  }
  if (auto mapa = dyn_cast<NVVM::MapaOp>(op)) {
    if (addressSpaceOf(op->getResult(0).getType()) != kSharedCluster)
      return op->emitOpError("to a generic address is not known to the "
                             "emulator");
    Value mapped =
        call("mapa", i32(), {sharedAddress(mapa.getA()), mapa.getB()});
    replace(op,
            LLVM::IntToPtrOp::create(b, loc, op->getResult(0).getType(), mapped)
                .getResult());
    return success();
  }
  return rewriteMatrix(op);
}
