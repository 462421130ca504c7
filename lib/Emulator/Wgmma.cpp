//===- Wgmma.cpp - A warpgroup's products ---------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// wgmma.mma_async m64nNk16. Where a descriptor's elements lie is in
// Descriptor.cpp; the accumulators' layout is that of the PTX ISA, "Register
// Fragments for wgmma": thread 128 of a warpgroup, element i is row
// 16 warp + lane / 4 + 8 (i / 2 % 2), column 8 (i / 4) + 2 (lane % 4) + i % 2.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Wgmma.h"
#include "lib/Emulator/Descriptor.h"
#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Numbers.h"
#include "lib/Emulator/Text.h"

#include <algorithm>
#include <cstring>

using namespace attn::emulator;

namespace {

constexpr uint32_t kRows = 64, kDepth = 16;
/// How many instructions back a result can be asked for.
constexpr size_t kKnown = 256;

/// @{ NaNs that stand for results in flight: signalling, with the number of the
/// instruction (14 bits, never 0) and the index of the element.
float pendingValue(uint32_t id, uint32_t index) {
  return bitsToFloat(0x7f800000u | id << 8 | index);
}
bool isPending(float value, uint32_t &id, uint32_t &index) {
  uint32_t bits = floatToBits(value);
  id = bits >> 8 & 0x3fff;
  index = bits & 0xff;
  return (bits & 0xffc00000u) == 0x7f800000u && id;
}
/// @}

struct Place {
  uint32_t row, column;
};

Place placeOf(uint32_t thread, uint32_t i) {
  uint32_t warp = thread / kWarpLanes, lane = thread % kWarpLanes;
  return {16 * warp + lane / 4 + 8 * (i / 2 % 2),
          8 * (i / 4) + 2 * (lane % 4) + i % 2};
}

struct WgmmaCall {
  float *accumulators;
  const int32_t *registersA;
  uint64_t descriptorA, descriptorB;
  uint32_t n;
  int32_t type, scaleD, scaleA, scaleB, layout;
};

struct WaitCall {
  float *accumulators;
  int32_t count, pending;
};

Warpgroup &groupOf(const Thread &thread) {
  return *thread.block->warpgroups[thread.id / kWarpgroupThreads];
}

WgmmaOp *findKnown(Warpgroup &group, uint32_t id) {
  for (auto op = group.known.rbegin(); op != group.known.rend(); ++op)
    if ((*op)->id == id)
      return op->get();
  return nullptr;
}

void checkCalls(Machine &machine, const Meeting &meeting, const char *site) {
  auto *first = static_cast<WgmmaCall *>(meeting.arguments[0]);
  Warpgroup &group = groupOf(machine.current());
  if (group.committing)
    machine.fail(Fault::Divergence, site,
                 format("%u threads of the warpgroup have made a commit that "
                        "the others have not",
                        group.committing));
  for (uint32_t t = 0; t < kWarpgroupThreads; ++t) {
    auto *call = static_cast<WgmmaCall *>(meeting.arguments[t]);
    if (call->descriptorA != first->descriptorA ||
        call->descriptorB != first->descriptorB || call->n != first->n)
      machine.fail(Fault::Divergence, site,
                   format("thread %u of the warpgroup has other descriptors "
                          "than thread 0",
                          t));
    if (group.threads[t]->needsWgmmaFence)
      machine.fail(Fault::MissingFence, site,
                   "expects a wgmma.fence after registers were last touched");
  }
  if (first->n < 8 || first->n > 256 || first->n % 8)
    machine.fail(Fault::Invalid, site,
                 format("expects n to be a multiple of 8 up to 256, but got %u",
                        first->n));
}

/// The accumulators that the instruction goes on with: those of an earlier one
/// of the chain, or new ones made of registers.
void takeTile(Machine &machine, Warpgroup &group, const Meeting &meeting,
              WgmmaOp &op, const char *site) {
  auto *first = static_cast<WgmmaCall *>(meeting.arguments[0]);
  op.tile = std::make_shared<Tile>(); // the op's at once: a fault frees nothing
  Tile &fresh = *op.tile;
  fresh.n = op.n;
  if (!first->scaleD) {
    fresh.values.assign(kRows * op.n, 0.0f);
    return;
  }
  uint32_t chained = 0, id = 0, index = 0;
  if (isPending(first->accumulators[0], id, index))
    chained = id;
  fresh.values.resize(chained ? 0 : kRows * op.n);
  for (uint32_t t = 0; t < kWarpgroupThreads; ++t) {
    auto *call = static_cast<WgmmaCall *>(meeting.arguments[t]);
    for (uint32_t i = 0; i < op.n / 2; ++i) {
      float value = call->accumulators[i];
      bool pending = isPending(value, id, index);
      if (pending != (chained != 0) ||
          (pending && (id != chained || index != i)))
        machine.fail(Fault::EarlyRead, site,
                     format("accumulator %u of thread %u is not what the same "
                            "wgmma left there as for the others",
                            i, t));
      if (!chained) {
        Place place = placeOf(t, i);
        fresh.values[place.row * op.n + place.column] = value;
      }
    }
  }
  if (!chained)
    return;
  WgmmaOp *before = findKnown(group, chained);
  if (!before || before->superseded || before->n != op.n)
    machine.fail(Fault::EarlyRead, site,
                 "accumulates onto results that a later wgmma has replaced");
  before->superseded = true;
  op.tile = before->tile;
}

void gatherRegisters(const Meeting &meeting, WgmmaOp &op) {
  op.registersA.resize(kRows * kDepth);
  for (uint32_t t = 0; t < kWarpgroupThreads; ++t) {
    auto *call = static_cast<WgmmaCall *>(meeting.arguments[t]);
    uint32_t warp = t / kWarpLanes, lane = t % kWarpLanes;
    for (uint32_t r = 0; r < 4; ++r)
      for (uint32_t half = 0; half < 2; ++half) {
        uint32_t row = 16 * warp + lane / 4 + 8 * (r & 1);
        uint32_t k = 2 * (lane % 4) + half + 8 * (r >> 1);
        uint16_t bits = uint32_t(call->registersA[r]) >> (16 * half);
        op.registersA[row * kDepth + k] = half16ToFloat(bits, op.bf16);
      }
  }
}

void execute(Block &block, WgmmaOp &op) {
  static thread_local float a[kRows * kDepth], b[kDepth * 256];
  const float *rowsA = a;
  if (op.fromRegisters)
    rowsA = op.registersA.data();
  else
    readMatrix(block, {op.descriptorA, op.transposedA}, kRows, op.bf16, a,
               kDepth, 1);
  readMatrix(block, {op.descriptorB, op.transposedB}, op.n, op.bf16, b, 1,
             op.n);
  float sign = op.scaleA * op.scaleB;
  for (uint32_t m = 0; m < kRows; ++m) {
    float *c = &op.tile->values[m * op.n];
    for (uint32_t k = 0; k < kDepth; ++k) {
      float x = sign * rowsA[m * kDepth + k];
      const float *row = &b[k * op.n];
      for (uint32_t n = 0; n < op.n; ++n)
        c[n] += x * row[n];
    }
  }
  op.executed = true;
}

void issue(WgmmaCall &mine, bool fromRegisters, const char *site) {
  Machine &machine = Machine::get();
  Meeting *meeting = machine.meetWarpgroup(
      fromRegisters ? "wgmma (A in registers)" : "wgmma", &mine, site);
  if (!meeting)
    return;
  checkCalls(machine, *meeting, site);
  Warpgroup &group = groupOf(machine.current());
  Block &block = *machine.current().block;
  group.open.push_back(std::make_shared<WgmmaOp>());
  WgmmaOp &op = *group.open.back();
  auto *first = static_cast<WgmmaCall *>(meeting->arguments[0]);
  op.id = group.nextId;
  group.nextId = group.nextId == 0x3fff ? 1 : group.nextId + 1;
  op.site = site;
  op.n = first->n;
  op.bf16 = first->type == kBF16;
  op.fromRegisters = fromRegisters;
  op.transposedA = first->layout & 1;
  op.transposedB = first->layout & 2;
  op.scaleA = first->scaleA;
  op.scaleB = first->scaleB;
  op.descriptorA = first->descriptorA;
  op.descriptorB = first->descriptorB;
  if (fromRegisters)
    gatherRegisters(*meeting, op);
  else
    listPieces({op.descriptorA, op.transposedA}, kRows, op.reads, site);
  listPieces({op.descriptorB, op.transposedB}, op.n, op.reads, site);
  for (uint32_t piece : op.reads)
    beginAsyncRead(block, {piece, kGranule}, site);
  takeTile(machine, group, *meeting, op, site);
  for (uint32_t t = 0; t < kWarpgroupThreads; ++t)
    for (uint32_t i = 0; i < op.n / 2; ++i)
      static_cast<WgmmaCall *>(meeting->arguments[t])->accumulators[i] =
          pendingValue(op.id, i);
  group.known.push_back(group.open.back());
  // In order: an early one may only follow others that are done.
  auto isDone = [](const auto &other) { return other->executed; };
  bool inOrder =
      std::all_of(group.known.begin(), group.known.end() - 1, isDone);
  if (inOrder && machine.runsEarly())
    execute(block, op);
  machine.releaseWarpgroup(meeting);
}

/// Executes and completes all groups but the last `pending`.
void completeGroups(Block &block, Warpgroup &group, size_t pending) {
  while (group.committed.size() > pending) {
    for (auto &op : group.committed.front()) {
      if (!op->executed)
        execute(block, *op);
      op->complete = true;
      for (uint32_t piece : op->reads)
        endAsyncRead(block, {piece, kGranule});
      op->reads.clear();
      op->registersA.clear();
    }
    group.committed.pop_front();
  }
  while (group.known.size() > kKnown && group.known.front()->complete)
    group.known.pop_front();
}

/// Puts results into the accumulators that a wait names.
void resolve(Warpgroup &group, uint32_t thread, const WaitCall &call) {
  WgmmaOp *op = nullptr;
  for (int32_t i = 0; i < call.count; ++i) {
    uint32_t id, index;
    if (!isPending(call.accumulators[i], id, index))
      continue;
    if (!op || op->id != id)
      op = findKnown(group, id);
    if (!op || !op->complete || op->superseded)
      continue;
    Place place = placeOf(thread, index);
    call.accumulators[i] = op->tile->values[place.row * op->n + place.column];
  }
}

} // namespace

extern "C" {

void attn_emu_wgmma_fence(const char *) {
  Machine::get().current().needsWgmmaFence = false;
}

void attn_emu_wgmma_ss(float *accumulators, int32_t n, int32_t type,
                       int64_t descriptorA, int64_t descriptorB, int32_t scaleD,
                       int32_t scaleA, int32_t scaleB, int32_t layout,
                       const char *site) {
  WgmmaCall mine{accumulators,
                 nullptr,
                 uint64_t(descriptorA),
                 uint64_t(descriptorB),
                 uint32_t(n),
                 type,
                 scaleD,
                 scaleA,
                 scaleB,
                 layout};
  issue(mine, /*fromRegisters=*/false, site);
}

void attn_emu_wgmma_rs(float *accumulators, int32_t n, int32_t type,
                       const int32_t *registersA, int64_t descriptorB,
                       int32_t scaleD, int32_t scaleA, int32_t scaleB,
                       int32_t layout, const char *site) {
  WgmmaCall mine{accumulators, registersA, 0,      uint64_t(descriptorB),
                 uint32_t(n),  type,       scaleD, scaleA,
                 scaleB,       layout};
  issue(mine, /*fromRegisters=*/true, site);
}

void attn_emu_wgmma_commit(const char *) {
  // Nobody waits here: who runs ahead meets the others at the next wgmma or
  // wait, and the last to come makes the group.
  Warpgroup &group = groupOf(Machine::get().current());
  if (++group.committing < kWarpgroupThreads)
    return;
  group.committing = 0;
  group.committed.push_back(std::move(group.open));
  group.open.clear();
}

void attn_emu_wgmma_wait(float *accumulators, int32_t count, int32_t pending,
                         const char *site) {
  Machine &machine = Machine::get();
  WaitCall mine{accumulators, count, pending};
  Meeting *meeting = machine.meetWarpgroup("wgmma.wait_group", &mine, site);
  if (!meeting)
    return;
  Warpgroup &group = groupOf(machine.current());
  if (group.committing)
    machine.fail(Fault::Divergence, site,
                 format("%u threads of the warpgroup have made a commit that "
                        "the others have not",
                        group.committing));
  completeGroups(*machine.current().block, group, pending);
  for (uint32_t t = 0; t < kWarpgroupThreads; ++t) {
    resolve(group, t, *static_cast<WaitCall *>(meeting->arguments[t]));
    group.threads[t]->needsWgmmaFence = true;
  }
  machine.releaseWarpgroup(meeting);
}

void attn_emu_wgmma_use(float accumulator, const char *site) {
  uint32_t id, index;
  if (!isPending(accumulator, id, index))
    return;
  Machine &machine = Machine::get();
  WgmmaOp *op = findKnown(groupOf(machine.current()), id);
  if (!op)
    return;
  machine.fail(
      Fault::EarlyRead, site,
      op->complete
          ? format("uses accumulator %u of %s, which no wgmma.wait_group names "
                   "after it is done",
                   index, op->site)
          : format("uses accumulator %u of %s, which is still in flight", index,
                   op->site));
}

} // extern "C"
