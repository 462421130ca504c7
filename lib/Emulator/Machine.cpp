//===- Machine.cpp - Threads, warps, blocks and who runs next -------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The scheduler: it picks a warp, runs one of its lanes until it waits, and
// lets asynchronous work happen in between. When nobody can run and nothing is
// under way, the cluster is deadlocked and everybody's wait is reported.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Launch.h"
#include "lib/Emulator/Text.h"

#include <algorithm>
#include <cstring>

namespace attn::emulator {

static thread_local Machine *machineOfThread = nullptr;

// The address of a thread_local must not be kept across a switch of stacks in a
// function that is inlined; a fiber never leaves its thread, so calling is
// safe.
__attribute__((noinline)) Machine &Machine::get() { return *machineOfThread; }

Machine::Machine(Launch &launch)
    : owner(launch), schedule(launch.options().schedule) {}

void Machine::threadMain() {
  Machine &machine = get();
  Thread &thread = machine.current();
  thread.fiber.entered();
  machine.owner.kernel(machine.owner.arguments);
  thread.done = true;
  thread.fiber.suspend();
}

void Machine::engineMain() {
  Machine &machine = get();
  machine.engine.entered();
  while (true) {
    machine.engineWork();
    machine.engineBusy = false;
    machine.engine.suspend();
  }
}

void Machine::startThreads(Block &block) {
  uint32_t count = owner.blockThreads();
  block.threads.clear();
  block.warps.clear();
  block.warpgroups.clear();
  for (uint32_t id = 0; id < count; ++id) {
    Thread &thread = *pool[block.rank * count + id];
    if (id % kWarpLanes == 0) {
      block.warps.push_back(std::make_unique<Warp>());
      block.warps.back()->block = &block;
      block.warps.back()->index = id / kWarpLanes;
      block.warps.back()->priority = lastFirst ? id + 1 : random();
      warps.push_back(block.warps.back().get());
    }
    if (id % kWarpgroupThreads == 0) {
      block.warpgroups.push_back(std::make_unique<Warpgroup>());
      block.warpgroups.back()->meeting = std::make_unique<Meeting>();
    }
    thread.block = &block;
    thread.warp = block.warps.back().get();
    thread.id = id;
    thread.lane = id % kWarpLanes;
    thread.done = false;
    thread.waiting = Waiting();
    thread.proxyFences = 0;
    thread.mbarrierFences = 0;
    thread.clusterPhase = 0;
    thread.needsWgmmaFence = true;
    thread.copies.clear();
    thread.bulk.clear();
    thread.fiber.prepare(&threadMain);
    thread.warp->lanes[thread.lane] = &thread;
    thread.warp->ready |= 1u << thread.lane;
    block.warpgroups.back()->threads.push_back(&thread);
    block.threads.push_back(&thread);
  }
}

bool Machine::setUp(uint64_t cluster) {
  const attn_emu_launch_config &config = owner.config;
  uint64_t mixed = owner.options().seed * 0x9e3779b97f4a7c15ull + cluster;
  random.seed(mixed);
  uint32_t size = owner.clusterBlocks(), threads = owner.blockThreads();
  while (pool.size() < size_t(size) * threads) {
    pool.push_back(std::make_unique<Thread>());
    if (!pool.back()->fiber) {
      fault = Fault::Unsupported;
      report = format("unsupported: no memory for the stacks of %u threads",
                      size * threads);
      return false;
    }
  }
  while (blocks.size() < size)
    blocks.push_back(std::make_unique<Block>());
  warps.clear();
  queue.entries.clear();
  engine.prepare(&engineMain);
  if (schedule == Schedule::Late) {
    landing = Landing(random() % 3);
    lastFirst = random() & 1;
  }
  clusterBarrier = ClusterBarrier();
  lastWarp = 0;
  live = size * threads;
  uint32_t inX = config.grid[0] / config.cluster[0];
  uint32_t inY = config.grid[1] / config.cluster[1];
  uint32_t first[3] = {uint32_t(cluster % inX * config.cluster[0]),
                       uint32_t(cluster / inX % inY * config.cluster[1]),
                       uint32_t(cluster / inX / inY * config.cluster[2])};
  for (uint32_t rank = 0; rank < size; ++rank) {
    Block &block = *blocks[rank];
    block.rank = rank;
    block.index[0] = first[0] + rank % config.cluster[0];
    block.index[1] = first[1] + rank / config.cluster[0] % config.cluster[1];
    block.index[2] = first[2] + rank / config.cluster[0] / config.cluster[1];
    block.shared.reset(owner.sharedBytes());
    std::fill(std::begin(block.barriers), std::end(block.barriers),
              NamedBarrier());
    block.mbarriers.clear();
    startThreads(block);
  }
  return true;
}

bool Machine::runCluster(uint64_t cluster) {
  machineOfThread = this;
  if (!setUp(cluster))
    return false;
  while (live && fault == Fault::None) {
    ++steps;
    if (Warp *warp = pickWarp()) {
      runLane(*warp);
      if (!queue.entries.empty())
        runAsync(/*idle=*/false);
    } else if (!runAsync(/*idle=*/true)) {
      reportDeadlock();
    }
  }
  if (fault == Fault::None)
    checkFinished();
  statistics.blocks += owner.clusterBlocks();
  machineOfThread = nullptr;
  return fault == Fault::None;
}

/// Eager: warps in turn. Late: a fixed order, the last first or drawn from the
/// seed, so that a warp can be starved. Random: the order changes now and then.
Warp *Machine::pickWarp() {
  size_t count = warps.size();
  if (eager()) {
    for (size_t i = 0; i < count; ++i) {
      size_t candidate = (lastWarp + i) % count;
      if (warps[candidate]->ready) {
        lastWarp = candidate;
        return warps[candidate];
      }
    }
    return nullptr;
  }
  if (schedule == Schedule::Random && steps % 64 == 0)
    warps[random() % count]->priority = random();
  Warp *best = nullptr;
  for (Warp *warp : warps)
    if (warp->ready && (!best || warp->priority > best->priority))
      best = warp;
  return best;
}

void Machine::runLane(Warp &warp) {
  uint32_t lane = __builtin_ctz(warp.ready);
  if (!eager() && (random() & 1)) // the other end of the warp
    lane = 31 - __builtin_clz(warp.ready);
  warp.ready &= ~(1u << lane);
  running = warp.lanes[lane];
  running->waiting = Waiting();
  ++statistics.switches;
  running->fiber.resume();
  if (running->done)
    --live;
}

void Machine::wait(const Waiting &why) {
  Thread &thread = *running;
  thread.waiting = why;
  thread.fiber.suspend();
}

void Machine::pause() {
  if (eager() || random() % 4)
    return;
  wake(*running);
  wait({});
}

void Machine::later(AsyncWork work) {
  switch (schedule) {
  case Schedule::Eager:
    return work();
  case Schedule::Late:
    queue.entries.push_back({AsyncQueue::kIdle, std::move(work)});
    return;
  case Schedule::Random:
    uint64_t dice = random() % 4;
    if (dice == 0)
      return work();
    uint64_t due = dice == 1 ? AsyncQueue::kIdle : steps + random() % 400;
    queue.entries.push_back({due, std::move(work)});
  }
}

bool Machine::runsEarly() {
  return schedule == Schedule::Eager ||
         (schedule == Schedule::Random && (random() & 1));
}

bool Machine::runAsync(bool idle) {
  std::vector<AsyncQueue::Entry> &entries = queue.entries;
  if (entries.empty())
    return false;
  size_t i = random() % entries.size(); // copies complete in any order
  if (landing == Landing::Oldest)
    i = 0;
  if (landing == Landing::Newest)
    i = entries.size() - 1;
  if (!idle && (entries[i].due == AsyncQueue::kIdle || entries[i].due > steps))
    return true;
  AsyncWork work = std::move(entries[i].work);
  entries.erase(entries.begin() + i);
  runOnEngine(std::move(work));
  return true;
}

void Machine::runOnEngine(AsyncWork work) {
  running = nullptr;
  engineWork = std::move(work);
  engineBusy = true;
  engine.resume();
  engineWork = nullptr;
}

Meeting *Machine::meetWarp(const char *what, uint32_t mask, void *argument,
                           const char *site) {
  Thread &thread = *running;
  Warp &warp = *thread.warp;
  if (!(mask >> thread.lane & 1))
    fail(Fault::Divergence, site,
         format("lane %u is not in its own mask 0x%08x", thread.lane, mask));
  Meeting *meeting = nullptr;
  for (auto &candidate : warp.meetings) {
    if (!(candidate->mask & mask) || !candidate->arrived)
      continue;
    if (candidate->mask != mask || std::strcmp(candidate->what, what))
      fail(Fault::Divergence, site,
           format("%s with lanes 0x%08x, while lanes 0x%08x of the warp are in "
                  "%s with lanes 0x%08x (%s)",
                  what, mask, candidate->lanes, candidate->what,
                  candidate->mask, candidate->site));
    meeting = candidate.get();
  }
  if (!meeting) {
    for (auto &candidate : warp.meetings)
      if (!candidate->arrived)
        meeting = candidate.get();
    if (!meeting) {
      warp.meetings.push_back(std::make_unique<Meeting>());
      meeting = warp.meetings.back().get();
    }
    meeting->what = what;
    meeting->site = site;
    meeting->mask = mask;
    meeting->lanes = 0;
  }
  meeting->arguments[thread.lane] = argument;
  meeting->lanes |= 1u << thread.lane;
  if (++meeting->arrived == uint32_t(__builtin_popcount(mask)))
    return meeting;
  wait({what, site, nullptr, nullptr, 0});
  return nullptr;
}

void Machine::releaseWarp(Meeting *meeting) {
  meeting->arrived = 0;
  running->warp->ready |= meeting->mask & ~(1u << running->lane);
}

Meeting *Machine::meetWarpgroup(const char *what, void *argument,
                                const char *site) {
  Thread &thread = *running;
  Warpgroup &group = *thread.block->warpgroups[thread.id / kWarpgroupThreads];
  if (group.threads.size() < kWarpgroupThreads)
    fail(Fault::Invalid, site,
         format("%s expects a warpgroup of 128 threads, but the block ends "
                "after %zu",
                what, group.threads.size()));
  Meeting *meeting = group.meeting.get();
  if (meeting->arrived && std::strcmp(meeting->what, what))
    fail(Fault::Divergence, site,
         format("%s, while %u threads of the warpgroup are in %s (%s)", what,
                meeting->arrived, meeting->what, meeting->site));
  meeting->what = what;
  meeting->site = site;
  meeting->arguments[thread.id % kWarpgroupThreads] = argument;
  if (++meeting->arrived == kWarpgroupThreads)
    return meeting;
  wait({what, site, nullptr, nullptr, 0});
  return nullptr;
}

void Machine::releaseWarpgroup(Meeting *meeting) {
  meeting->arrived = 0;
  Block &block = *running->block;
  for (Thread *thread :
       block.warpgroups[running->id / kWarpgroupThreads]->threads)
    if (thread != running)
      wake(*thread);
}

} // namespace attn::emulator
