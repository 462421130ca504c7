//===- Barriers.cpp - Barriers of a block and a cluster -------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// bar.sync and bar.arrive count whole warps: all lanes meet first, then the
// warp arrives with 32 threads (PTX ISA, bar). The cluster's barrier counts
// threads.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Launch.h"
#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Text.h"

using namespace attn::emulator;

namespace {

struct BarrierCall {
  int32_t id, count;
};

std::string describeBarrier(const void *object, uint32_t id) {
  auto *barrier = static_cast<const NamedBarrier *>(object);
  return format("barrier %u has %u of %u threads", id, barrier->arrived,
                barrier->expected);
}

/// What all lanes must agree on, and what the hardware takes.
void checkCall(Machine &machine, const Meeting &meeting, const char *site) {
  auto *first = static_cast<BarrierCall *>(meeting.arguments[0]);
  for (uint32_t lane = 1; lane < kWarpLanes; ++lane) {
    auto *call = static_cast<BarrierCall *>(meeting.arguments[lane]);
    if (call->id != first->id || call->count != first->count)
      machine.fail(Fault::Divergence, site,
                   format("lanes name different barriers: %d for %d threads "
                          "and %d for %d threads",
                          first->id, first->count, call->id, call->count));
  }
  int32_t threads = machine.launch().blockThreads();
  if (first->id < 0 || first->id > 15)
    machine.fail(
        Fault::Barrier, site,
        format("expects a barrier from 0 to 15, but got %d", first->id));
  if (first->count < 0 || first->count % int32_t(kWarpLanes) ||
      first->count > threads)
    machine.fail(
        Fault::Barrier, site,
        format("expects a multiple of 32 up to the block's %d threads, "
               "but got %d",
               threads, first->count));
}

/// Adds the warp of the current thread; true when that ends the phase.
bool arrive(Machine &machine, const BarrierCall &call, const char *site) {
  NamedBarrier &barrier = machine.current().block->barriers[call.id];
  uint32_t expected = call.count ? call.count : machine.launch().blockThreads();
  if (barrier.arrived && barrier.expected != expected)
    machine.fail(Fault::Barrier, site,
                 format("barrier %d expects %u threads here, but %u where its "
                        "phase began (%s)",
                        call.id, expected, barrier.expected, barrier.site));
  if (!barrier.arrived)
    barrier.site = site;
  barrier.expected = expected;
  barrier.arrived += kWarpLanes;
  if (barrier.arrived < expected)
    return false;
  barrier.arrived = 0;
  for (Warp *warp : barrier.waiting)
    warp->ready = kAllLanes;
  barrier.waiting.clear();
  return true;
}

} // namespace

extern "C" {

void attn_emu_barrier(int32_t id, int32_t count, const char *site) {
  Machine &machine = Machine::get();
  BarrierCall call{id, count};
  Meeting *meeting = machine.meetWarp("bar.sync", kAllLanes, &call, site);
  if (!meeting)
    return;
  checkCall(machine, *meeting, site);
  Thread &thread = machine.current();
  if (arrive(machine, call, site)) {
    machine.releaseWarp(meeting);
    return machine.pause();
  }
  // The other lanes go on waiting, now for the barrier.
  meeting->arrived = 0;
  NamedBarrier &barrier = thread.block->barriers[id];
  barrier.waiting.push_back(thread.warp);
  Waiting why{"bar.sync", site, &describeBarrier, &barrier, uint32_t(id)};
  for (Thread *lane : thread.warp->lanes)
    lane->waiting = why;
  machine.wait(why);
}

void attn_emu_barrier_arrive(int32_t id, int32_t count, const char *site) {
  Machine &machine = Machine::get();
  BarrierCall call{id, count};
  Meeting *meeting = machine.meetWarp("bar.arrive", kAllLanes, &call, site);
  if (!meeting)
    return;
  checkCall(machine, *meeting, site);
  if (!count)
    machine.fail(Fault::Barrier, site, "bar.arrive expects a thread count");
  arrive(machine, call, site);
  machine.releaseWarp(meeting);
  machine.pause();
}

void attn_emu_bar_warp_sync(int32_t mask, const char *site) {
  Machine &machine = Machine::get();
  Meeting *meeting = machine.meetWarp("bar.warp.sync", mask, nullptr, site);
  if (meeting)
    machine.releaseWarp(meeting);
}

void attn_emu_cluster_arrive(const char *) {
  Machine &machine = Machine::get();
  ClusterBarrier &barrier = machine.clusterBarrier;
  uint32_t all = machine.clusterBlocks() * machine.launch().blockThreads();
  machine.current().clusterPhase = barrier.phase + 1;
  if (++barrier.arrived < all)
    return;
  barrier.arrived = 0;
  ++barrier.phase;
  for (Thread *thread : barrier.waiting)
    machine.wake(*thread);
  barrier.waiting.clear();
}

void attn_emu_cluster_wait(const char *site) {
  Machine &machine = Machine::get();
  ClusterBarrier &barrier = machine.clusterBarrier;
  Thread &thread = machine.current();
  if (!thread.clusterPhase)
    machine.fail(Fault::Barrier, site,
                 "expects a cluster.arrive of this thread before it");
  if (barrier.phase < thread.clusterPhase) {
    barrier.waiting.push_back(&thread);
    machine.wait({"barrier.cluster.wait", site, nullptr, nullptr, 0});
  }
  thread.clusterPhase = 0;
}

} // extern "C"
