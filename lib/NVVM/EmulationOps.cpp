//===- EmulationOps.cpp - nvvm ops as calls of the emulator ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The walk over a function, and the ops that synchronise and exchange
// registers.
//
//===----------------------------------------------------------------------===//

#include "lib/NVVM/Emulation.h"

#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace attn::emulation;

std::optional<unsigned> attn::emulation::addressSpaceOf(Type type) {
  if (auto pointer = dyn_cast<LLVM::LLVMPointerType>(type))
    return pointer.getAddressSpace();
  return std::nullopt;
}

LogicalResult Rewriter::run() {
  checkAccumulatorUses();
  SmallVector<Operation *> ops;
  function.getBody().walk([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : ops)
    if (failed(rewrite(op)))
      return failure();
  return success();
}

LogicalResult Rewriter::rewrite(Operation *op) {
  b.setInsertionPoint(op);
  loc = op->getLoc();
  name = op->getName().getStringRef().str();
  if (isa_and_nonnull<NVVM::NVVMDialect>(op->getDialect()))
    return rewriteNVVM(op);
  if (!isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()))
    return op->emitOpError(
        "is in a kernel: expects only the dialects llvm and nvvm there");
  if (auto assembly = dyn_cast<LLVM::InlineAsmOp>(op))
    return rewriteAsm(assembly);
  if (auto intrinsic = dyn_cast<LLVM::CallIntrinsicOp>(op))
    return rewriteIntrinsic(op, intrinsic.getIntrin());
  return rewriteMemory(op);
}

/// `read.ptx.sreg.tid.x` as `read_ptx_sreg_tid_x`, when the emulator has it.
static std::string registerFunction(StringRef name) {
  static const llvm::StringSet<> known = {"tid.x",
                                          "tid.y",
                                          "tid.z",
                                          "ntid.x",
                                          "ntid.y",
                                          "ntid.z",
                                          "ctaid.x",
                                          "ctaid.y",
                                          "ctaid.z",
                                          "nctaid.x",
                                          "nctaid.y",
                                          "nctaid.z",
                                          "laneid",
                                          "warpid",
                                          "warpsize",
                                          "cluster.ctarank",
                                          "cluster.nctarank",
                                          "cluster.ctaid.x",
                                          "cluster.nctaid.x",
                                          "clusterid.x",
                                          "nclusterid.x",
                                          "dynamic.smem.size"};
  if (!name.consume_front("read.ptx.sreg.") || !known.contains(name))
    return "";
  std::string function = ("read_ptx_sreg_" + name).str();
  llvm::replace(function, '.', '_');
  return function;
}

LogicalResult Rewriter::rewriteNVVM(Operation *op) {
  std::string reg = registerFunction(op->getName().stripDialect());
  if (!reg.empty()) {
    LLVM::LLVMFuncOp callee = host.declare(reg, i32(), {});
    replace(op, LLVM::CallOp::create(b, loc, callee, ValueRange()).getResult());
    return success();
  }
  if (auto barrier = dyn_cast<NVVM::BarrierOp>(op)) {
    if (barrier.getReductionOp())
      return op->emitOpError("with a reduction is not known to the emulator");
    Value zero = constant(0);
    Value id = barrier.getBarrierId(), count = barrier.getNumberOfThreads();
    call("barrier", {id ? id : zero, count ? count : zero});
    return erase(op);
  }
  if (isa<NVVM::Barrier0Op>(op)) {
    call("barrier", {constant(0), constant(0)});
    return erase(op);
  }
  if (auto barrier = dyn_cast<NVVM::BarrierArriveOp>(op)) {
    Value id = barrier.getBarrierId();
    call("barrier_arrive",
         {id ? id : constant(0), barrier.getNumberOfThreads()});
    return erase(op);
  }
  if (auto sync = dyn_cast<NVVM::SyncWarpOp>(op)) {
    call("bar_warp_sync", sync.getMask());
    return erase(op);
  }
  if (isa<NVVM::ClusterArriveOp, NVVM::ClusterArriveRelaxedOp>(op)) {
    call("cluster_arrive", {});
    return erase(op);
  }
  if (isa<NVVM::ClusterWaitOp>(op)) {
    call("cluster_wait", {});
    return erase(op);
  }
  if (auto shuffle = dyn_cast<NVVM::ShflOp>(op)) {
    if (shuffle.getReturnValueAndIsValid())
      return op->emitOpError("with a validity result is not known to the "
                             "emulator");
    Value value = shuffle.getVal();
    bool isFloat = value.getType().isF32();
    if (isFloat)
      value = LLVM::BitcastOp::create(b, loc, i32(), value);
    Value result = call("shfl_sync", i32(),
                        {shuffle.getThreadMask(), value, shuffle.getOffset(),
                         shuffle.getMaskAndClamp(),
                         constant(static_cast<int32_t>(shuffle.getKind()))});
    if (isFloat)
      result = LLVM::BitcastOp::create(b, loc, b.getF32Type(), result);
    replace(op, result);
    return success();
  }
  if (auto vote = dyn_cast<NVVM::VoteSyncOp>(op)) {
    Value predicate = LLVM::ZExtOp::create(b, loc, i32(), vote.getPred());
    Value result = call("vote_sync", i32(),
                        {vote.getMask(), predicate,
                         constant(static_cast<int32_t>(vote.getKind()))});
    if (vote.getType().isInteger(1))
      result = LLVM::TruncOp::create(b, loc, b.getI1Type(), result);
    replace(op, result);
    return success();
  }
  if (auto redux = dyn_cast<NVVM::ReduxOp>(op)) {
    if (!redux.getType().isInteger(32))
      return op->emitOpError("on floating point is not known to the emulator");
    replace(op, call("redux_sync", i32(),
                     {redux.getVal(), redux.getMaskAndClamp(),
                      constant(static_cast<int32_t>(redux.getKind()))}));
    return success();
  }
  if (auto elect = dyn_cast<NVVM::ElectSyncOp>(op)) {
    Value mask = elect.getMembermask();
    Value result = call("elect_sync", i32(), mask ? mask : constant(-1));
    replace(op,
            LLVM::TruncOp::create(b, loc, b.getI1Type(), result).getResult());
    return success();
  }
  if (auto setmax = dyn_cast<NVVM::SetMaxRegisterOp>(op)) {
    bool increase = setmax.getAction() == NVVM::SetMaxRegisterAction::increase;
    call("setmaxregister",
         {constant(setmax.getRegCount()), constant(increase)});
    return erase(op);
  }
  if (auto fence = dyn_cast<NVVM::FenceProxyOp>(op)) {
    if (fence.getKind() == NVVM::ProxyKind::async ||
        fence.getKind() == NVVM::ProxyKind::async_shared)
      call("fence_proxy_async", {});
    return erase(op);
  }
  if (isa<NVVM::FenceMbarrierInitOp>(op)) {
    call("fence_mbarrier_init", {});
    return erase(op);
  }
  // What has no effect that a program could see here: one block sees its own
  // accesses in order, prefetches and hints change no value.
  if (isa<NVVM::MembarOp, NVVM::FenceScClusterOp, NVVM::PrefetchOp,
          NVVM::CpAsyncBulkTensorPrefetchOp, NVVM::GriddepcontrolOp>(op))
    return erase(op);
  if (auto rcp = dyn_cast<NVVM::RcpApproxFtzF32Op>(op)) {
    LLVM::LLVMFuncOp callee =
        host.declare("rcp_approx", b.getF32Type(), b.getF32Type());
    replace(
        op,
        LLVM::CallOp::create(b, loc, callee, rcp->getOperands()).getResult());
    return success();
  }
  return rewriteMBarrier(op);
}

/// Accumulators of wgmma, and what hands them on unchanged.
static bool isProducer(Operation *op) {
  if (isa<NVVM::WgmmaMmaAsyncOp>(op))
    return true;
  auto assembly = dyn_cast<LLVM::InlineAsmOp>(op);
  if (!assembly)
    return false;
  AsmForm form = classifyAsm(assembly.getAsmString());
  return form == AsmForm::Wgmma || form == AsmForm::WgmmaWait;
}

static bool isForwarder(Operation *op) {
  return isa<LLVM::ExtractValueOp, LLVM::InsertValueOp>(op);
}

void Rewriter::checkAccumulatorUses() {
  llvm::DenseSet<Value> inFlight;
  SmallVector<Value> work;
  auto add = [&](Value value) {
    if (inFlight.insert(value).second)
      work.push_back(value);
  };
  function.walk([&](Operation *op) {
    if (isProducer(op))
      llvm::for_each(op->getResults(), add);
  });
  llvm::DenseSet<std::pair<Value, Block *>> checked;
  SmallVector<OpOperand *> uses;
  while (!work.empty()) {
    Value value = work.pop_back_val();
    for (OpOperand &use : value.getUses()) {
      Operation *user = use.getOwner();
      if (isProducer(user))
        continue;
      if (auto branch = dyn_cast<BranchOpInterface>(user)) {
        if (auto argument =
                branch.getSuccessorBlockArgument(use.getOperandNumber()))
          add(*argument);
      } else if (isForwarder(user)) {
        llvm::for_each(user->getResults(), add);
      } else if (value.getType().isF32()) {
        uses.push_back(&use);
      }
    }
  }
  // One check before the first use in each block.
  llvm::DenseMap<std::pair<Value, Block *>, Operation *> first;
  for (OpOperand *use : uses) {
    Operation *&op = first[{use->get(), use->getOwner()->getBlock()}];
    if (!op || use->getOwner()->isBeforeInBlock(op))
      op = use->getOwner();
  }
  for (OpOperand *use : uses) {
    Operation *op = use->getOwner();
    if (first[{use->get(), op->getBlock()}] != op ||
        !checked.insert({use->get(), op->getBlock()}).second)
      continue;
    b.setInsertionPoint(op);
    loc = op->getLoc();
    name = op->getName().getStringRef().str();
    call("wgmma_use", use->get());
  }
}
