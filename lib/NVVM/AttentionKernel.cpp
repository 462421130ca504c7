//===- AttentionKernel.cpp - The fused kernel in fragments ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One block computes 64 queries per consumer. A producer copies Q, then K and V
// block by block into a ring; a consumer holds O, the maximum and the sum of
// its rows in registers:
//
//   S = Q K(0)^T                     P = softmax numerators
//   for i = 1 .. n - 1:
//     S = Q K(i)^T  |  O += P V(i-1)       both under way at once
//     P, m, l from S                       while O += P V(i-1) still is
//     wait for V(i), then for O            see below
//     O *= exp(m_old - m_new)
//   O += P V(n-1)
//
// Keys are walked downwards, so that the masked blocks of a causal rule come
// first. Waiting for V(i) there, a whole product earlier than needed, ends the
// basic block between softmax and the wait for O: without that edge ptxas moves
// the wait above the exponentials and nothing overlaps.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"
#include "Kernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;

AttentionKernel::AttentionKernel(KernelOutline &outline, OnlineSdpaOp op,
                                 FinalizeOp finalize)
    : outline(outline), b(outline.b), op(op), finalize(finalize),
      plan(*op.getPlan()) {}

Value AttentionKernel::i32(int64_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
}
Value AttentionKernel::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}
Value AttentionKernel::f32(double value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(float(value)));
}

LogicalResult AttentionKernel::emit() {
  if (failed(readTypes()))
    return failure();
  Value hasTask;
  if (!sharesBlocks()) {
    hasTask = outline.enterBlockTask();
    if (failed(readTask()))
      return failure();
  }
  allocate();
  int64_t consumers = plan.getWarpgroups();
  // What setmaxnreg may give: 65536 in all. To find one task after the other
  // the producer needs more.
  int64_t producerRegisters = consumers == 3 ? 32 : sharesBlocks() ? 40 : 24;
  int64_t consumerRegisters = consumers == 3 ? 160 : sharesBlocks() ? 232 : 240;
  Value hasKeys;
  if (mayLackKeys() && failed(fillWithoutKeys(hasKeys)))
    return failure();
  if (hasKeys && hasTask)
    hasKeys = arith::AndIOp::create(b, hasKeys, hasTask);
  auto roles = frag::RolesOp::create(b, hasKeys ? hasKeys : hasTask, consumers,
                                     producerRegisters, consumerRegisters,
                                     consumers > 1);
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&roles.getProducer());
  if (failed(eachTask([&] { produce(); })))
    return failure();
  frag::YieldOp::create(b, ValueRange());
  Block *body =
      b.createBlock(&roles.getConsumer(), {}, {b.getIndexType()}, {b.getLoc()});
  warpgroup = body->getArgument(0);
  warpgroupRow = arith::MulIOp::create(b, warpgroup, index(64));
  if (failed(eachTask([&] { consume(); })))
    return failure();
  frag::YieldOp::create(b, ValueRange());
  return failure(failedRule);
}

LogicalResult AttentionKernel::readTask() {
  return success(succeeded(readOperands()) && succeeded(readRules()) &&
                 succeeded(makeKeyBlocks()));
}

/// The code of this block's task, or a loop over its tasks. The ring goes on
/// from task to task, so that the first keys of a task arrive while the one
/// before is finished. In every other wave the blocks take their tasks in
/// reverse order: under a causal rule a block that had much then has little.
LogicalResult AttentionKernel::eachTask(function_ref<void()> body) {
  Value zero = i32(0), one = i32(1);
  round = zero;
  if (!sharesBlocks()) {
    body();
    return success();
  }
  Type type = b.getI32Type();
  Value block = NVVM::BlockIdXOp::create(b, type);
  Value count = NVVM::GridDimXOp::create(b, type);
  Value last = arith::SubIOp::create(b, count, one);
  Value reversed = arith::SubIOp::create(b, last, block);
  auto placeIn = [&](Value wave) -> Value {
    Value odd = arith::AndIOp::create(b, wave, one);
    Value forward =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, odd, zero);
    return arith::SelectOp::create(b, forward, block, reversed);
  };
  Value tasks = outline.numTasks();
  Value full = arith::DivUIOp::create(b, tasks, count);
  Value rest = arith::RemUIOp::create(b, tasks, count);
  Value hasMore =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, placeIn(full), rest);
  Value more = arith::ExtUIOp::create(b, type, hasMore);
  Value waves = arith::AddIOp::create(b, full, more);
  LogicalResult read = success();
  scf::ForOp::create(
      b, zero, waves, one, zero,
      [&](OpBuilder &, Location, Value wave, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(wave.getParentBlock());
        ringStart = carried.front();
        round = wave;
        Value before = arith::MulIOp::create(b, wave, count);
        outline.enterTask(arith::AddIOp::create(b, before, placeIn(wave)));
        read = readTask();
        if (failed(read)) {
          scf::YieldOp::create(b, carried);
          return;
        }
        body();
        scf::YieldOp::create(
            b, arith::AddIOp::create(b, ringStart, blocks.count).getResult());
      });
  return read;
}

//===----------------------------------------------------------------------===//
// The ring
//===----------------------------------------------------------------------===//

Value AttentionKernel::inRing(Value iteration) {
  if (!ringStart)
    return iteration;
  return arith::AddIOp::create(b, ringStart, iteration);
}

Value AttentionKernel::firstKey(Value iteration) {
  Value it = arith::IndexCastOp::create(b, b.getIndexType(), iteration);
  Value block = arith::SubIOp::create(
      b, arith::SubIOp::create(b, blocks.last, index(1)), it);
  return arith::MulIOp::create(b, block, index(keyBlock));
}

//===----------------------------------------------------------------------===//
// Shared memory and the producer
//===----------------------------------------------------------------------===//

void AttentionKernel::allocate() {
  MLIRContext *context = b.getContext();
  int64_t rows = plan.getQueryGroup(), stages = plan.getStages();
  auto tile = [&](int64_t rows, int64_t columns, int64_t stages) -> Value {
    return frag::AllocOp::create(
        b, frag::TileType::get(context, rows, llvm::alignTo(columns, 16),
                               element, stages));
  };
  auto barriers = [&](int64_t stages, int64_t arrivals) -> Value {
    return frag::AllocBarriersOp::create(
        b, frag::BarriersType::get(context, stages), arrivals);
  };
  queryTile = tile(rows, headDim, 1);
  keyTile = tile(keyBlock, headDim, stages);
  valueTile = tile(keyBlock, valueDim, stages);
  // O leaves through the rows of Q that its warpgroup alone has read, unless
  // the next task's queries come in there.
  outputTile = !sharesBlocks() && valueDim <= headDim ? queryTile
                                                      : tile(rows, valueDim, 1);
  // Four warps of each consumer give a buffer back.
  int64_t warps = 4 * plan.getWarpgroups();
  queryFull = barriers(1, 1);
  if (sharesBlocks())
    queryEmpty = barriers(1, warps);
  keyFull = barriers(stages, 1);
  keyEmpty = barriers(stages, warps);
  valueFull = barriers(stages, 1);
  valueEmpty = barriers(stages, warps);
}

void AttentionKernel::loadKeys(Value iteration) {
  Value place = inRing(iteration);
  frag::AcquireOp::create(b, keyEmpty, place);
  Value row = arith::AddIOp::create(b, key.row, firstKey(iteration));
  frag::LoadOp::create(b, key.map, row, key.head, key.batch, keyTile, keyFull,
                       place, keyBlock);
}

void AttentionKernel::loadValues(Value iteration) {
  Value place = inRing(iteration);
  frag::AcquireOp::create(b, valueEmpty, place);
  Value row = arith::AddIOp::create(b, value.row, firstKey(iteration));
  frag::LoadOp::create(b, value.map, row, value.head, value.batch, valueTile,
                       valueFull, place, keyBlock);
}

/// Keys run one block ahead of values, as the consumers do.
void AttentionKernel::produce() {
  Value zero = i32(0), one = i32(1);
  if (sharesBlocks()) { // while the last task's queries are still read
    loadKeys(zero);
    frag::AcquireOp::create(b, queryEmpty, round);
  }
  frag::LoadOp::create(b, query.map, query.row, query.head, query.batch,
                       queryTile, queryFull, round, 64);
  if (!sharesBlocks())
    loadKeys(zero);
  scf::ForOp::create(b, one, blocks.count, one, ValueRange(),
                     [&](OpBuilder &, Location, Value it, ValueRange) {
                       OpBuilder::InsertionGuard guard(b);
                       b.setInsertionPointToEnd(it.getParentBlock());
                       loadKeys(it);
                       loadValues(arith::SubIOp::create(b, it, one));
                       scf::YieldOp::create(b);
                     });
  loadValues(arith::SubIOp::create(b, blocks.count, one));
}

//===----------------------------------------------------------------------===//
// Consumers
//===----------------------------------------------------------------------===//

void AttentionKernel::passTurn() {
  if (plan.getWarpgroups() > 1)
    frag::PassTurnOp::create(b, warpgroup, plan.getWarpgroups());
}

/// Starts S = Q K(iteration)^T, in this warpgroup's turn.
Value AttentionKernel::startScores(Value iteration) {
  Value place = inRing(iteration);
  frag::AwaitOp::create(b, keyFull, place);
  if (plan.getWarpgroups() > 1)
    frag::TakeTurnOp::create(b, warpgroup);
  auto pending =
      frag::PendingType::get(b.getContext(), 64, keyBlock, b.getF32Type());
  return frag::MmaSSOp::create(b, pending, queryTile, warpgroupRow, keyTile,
                               place);
}

SoftmaxState AttentionKernel::firstBlock() {
  Value zero = i32(0);
  Value pending = startScores(zero);
  passTurn();
  Value scores = frag::WaitOp::create(b, scoreType, 0, pending);
  frag::ReleaseOp::create(b, keyEmpty, inRing(zero));
  scores = applyRules(scores, zero, Masking::Edge);
  SoftmaxState state;
  state.maximum = maximumOf(scores, Value());
  Value p = exponentials(scoreType, scores, finiteMaximum(state.maximum));
  state.sum = frag::RowReduceOp::create(b, rowsType, frag::ReduceKind::Add, p);
  state.weights = frag::ToAOp::create(b, weightType, p);
  frag::AwaitOp::create(b, valueFull, inRing(zero));
  state.output = frag::FillOp::create(b, outputType, f32(0.0));
  return state;
}

SoftmaxState AttentionKernel::nextBlock(Value iteration,
                                        const SoftmaxState &state,
                                        Masking masking) {
  Value place = inRing(iteration);
  Value previous = arith::SubIOp::create(b, place, i32(1));
  auto pending = frag::PendingType::get(b.getContext(), 64, outputColumns(),
                                        b.getF32Type());
  Value newScores = startScores(iteration);
  Value newOutput = frag::MmaRSOp::create(b, pending, state.weights, valueTile,
                                          previous, state.output);
  passTurn();
  Value scores = frag::WaitOp::create(b, scoreType, 1, newScores);
  frag::ReleaseOp::create(b, keyEmpty, place);
  scores = applyRules(scores, iteration, masking);

  SoftmaxState next;
  next.maximum = maximumOf(scores, state.maximum);
  Value finite = finiteMaximum(next.maximum);
  Value alpha = exponentials(rowsType, state.maximum, finite);
  Value p = exponentials(scoreType, scores, finite);
  Value sum = frag::RowReduceOp::create(b, rowsType, frag::ReduceKind::Add, p);
  next.sum = map(rowsType, {state.sum, alpha, sum}, [&](ValueRange x) {
    return math::FmaOp::create(b, x[0], x[1], x[2]);
  });
  // The edge that keeps the next wait late.
  frag::AwaitOp::create(b, valueFull, place);
  Value output = frag::WaitOp::create(b, outputType, 0, newOutput);
  frag::ReleaseOp::create(b, valueEmpty, previous);
  next.weights = frag::ToAOp::create(b, weightType, p);
  next.output = map(outputType, {output, alpha}, [&](ValueRange x) {
    return arith::MulFOp::create(b, x[0], x[1]);
  });
  return next;
}

SoftmaxState AttentionKernel::walkBlocks(Value lo, Value hi,
                                         const SoftmaxState &state,
                                         Masking masking) {
  Value init[] = {state.output, state.maximum, state.sum, state.weights};
  auto loop = scf::ForOp::create(
      b, lo, hi, i32(1), init,
      [&](OpBuilder &, Location, Value it, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(it.getParentBlock());
        SoftmaxState next = nextBlock(
            it, {carried[0], carried[1], carried[2], carried[3]}, masking);
        scf::YieldOp::create(
            b, ValueRange{next.output, next.maximum, next.sum, next.weights});
      });
  return {loop.getResult(0), loop.getResult(1), loop.getResult(2),
          loop.getResult(3)};
}

void AttentionKernel::consume() {
  Value one = i32(1);
  frag::AwaitOp::create(b, queryFull, round);
  SoftmaxState state = firstBlock();
  Value right = one;
  if (blocks.hasRight) {
    state = walkBlocks(one, blocks.right, state, Masking::Rule);
    right = blocks.right;
  }
  Value full = blocks.hasLeft ? blocks.full : blocks.count;
  state = walkBlocks(right, full, state, Masking::None);
  if (blocks.hasLeft)
    state = walkBlocks(blocks.full, blocks.count, state, Masking::Rule);

  auto pending = frag::PendingType::get(b.getContext(), 64, outputColumns(),
                                        b.getF32Type());
  Value last = inRing(arith::SubIOp::create(b, blocks.count, one));
  if (sharesBlocks())
    frag::ReleaseOp::create(b, queryEmpty, round);
  Value product = frag::MmaRSOp::create(b, pending, state.weights, valueTile,
                                        last, state.output);
  state.output = frag::WaitOp::create(b, outputType, 0, product);
  if (sharesBlocks())
    frag::ReleaseOp::create(b, valueEmpty, last);
  storeResults(state);
}

LogicalResult attn::nvvm::emitAttentionKernel(scf::ForallOp loop,
                                              OnlineSdpaOp op,
                                              FinalizeOp finalize,
                                              gpu::GPUModuleOp module,
                                              StringRef name) {
  int64_t threads = frag::kWarpgroup * (op.getPlan()->getWarpgroups() + 1);
  // With a mask later queries mostly see more keys: begin with those.
  bool forward = op.getMask().empty();
  KernelOutline outline(loop, module, name, threads, forward);
  if (failed(AttentionKernel(outline, op, finalize).emit()))
    return failure();
  outline.finish(frag::getSharedBytes(outline.kernel),
                 op.getPlan()->getBlocks());
  return success();
}
