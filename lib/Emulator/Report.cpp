//===- Report.cpp - Faults in words ---------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a fault ends its cluster, who waits where in a deadlock, and what a block
// may not leave behind.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Launch.h"
#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Text.h"

namespace attn::emulator {

std::string Machine::where(const Thread *thread, const char *site) const {
  std::string text = format("kernel '%s'", owner.config.kernel);
  if (thread)
    text += format(", block (%u,%u,%u), thread %u (warp %u, lane %u)",
                   thread->block->index[0], thread->block->index[1],
                   thread->block->index[2], thread->id, thread->warp->index,
                   thread->lane);
  if (site)
    text += format(", %s", site);
  return text;
}

void Machine::fail(Fault kind, const char *site, std::string text) {
  fault = kind;
  report = format("%s: %s: %s", faultName(kind), where(running, site).c_str(),
                  text.c_str());
  std::string().swap(text); // the frames above are abandoned
  if (engineBusy) {
    engineBusy = false;
    engine.suspend();
  }
  running->fiber.suspend();
  __builtin_unreachable();
}

/// `warps 4-7`, and the lanes when they are not all 32.
static std::string describeLanes(uint32_t first, uint32_t last,
                                 uint32_t lanes) {
  std::string text = first == last ? format("warp %u", first)
                                   : format("warps %u-%u", first, last);
  if (lanes != kAllLanes)
    text += format(", lanes 0x%08x", lanes);
  return text;
}

void Machine::reportDeadlock() {
  struct Line {
    const Block *block;
    uint32_t first, last, lanes;
    std::string what;
  };
  std::vector<Line> lines;
  for (Warp *warp : warps) {
    std::vector<Line> mine;
    for (Thread *thread : warp->lanes) {
      if (!thread || thread->done)
        continue;
      const Waiting &why = thread->waiting;
      std::string what = format("wait in %s", why.site ? why.site : why.what);
      if (why.describe)
        what += ": " + why.describe(why.object, why.detail);
      uint32_t bit = 1u << thread->lane;
      if (!mine.empty() && mine.back().what == what)
        mine.back().lanes |= bit;
      else
        mine.push_back({warp->block, warp->index, warp->index, bit, what});
    }
    for (Line &line : mine) {
      if (!lines.empty() && lines.back().block == line.block &&
          lines.back().lanes == line.lanes && lines.back().what == line.what &&
          mine.size() == 1 && lines.back().last + 1 == line.first)
        lines.back().last = line.last;
      else
        lines.push_back(std::move(line));
    }
  }
  fault = Fault::Deadlock;
  report = format("%s: %s: nobody can go on", faultName(fault),
                  where(nullptr, nullptr).c_str());
  for (const Line &line : lines)
    report += format("\n  block (%u,%u,%u) %s %s", line.block->index[0],
                     line.block->index[1], line.block->index[2],
                     describeLanes(line.first, line.last, line.lanes).c_str(),
                     line.what.c_str());
}

/// What every block must have waited for before it ends: its shared memory is
/// gone afterwards.
void Machine::checkFinished() {
  auto unfinished = [&](const Thread *thread, const char *site,
                        const char *what) {
    fault = Fault::Unfinished;
    report = format("%s: %s: the block ends before %s", faultName(fault),
                    where(thread, site).c_str(), what);
  };
  if (!queue.entries.empty())
    return unfinished(warps.front()->lanes[0], nullptr,
                      "an asynchronous copy has landed");
  for (Warp *warp : warps)
    for (Thread *thread : warp->lanes) {
      if (!thread)
        continue;
      for (auto &group : thread->copies.committed)
        for (auto &copy : group)
          if (!copy->complete)
            return unfinished(thread, copy->site, "this copy was waited for");
      for (auto &copy : thread->copies.open)
        if (!copy->complete)
          return unfinished(thread, copy->site, "this copy was waited for");
      for (auto &store : thread->bulk.open)
        return unfinished(thread, store->site, "this store was committed");
      for (auto &group : thread->bulk.committed)
        if (!group.empty())
          return unfinished(thread, group.front()->site,
                            "this store has read shared memory "
                            "(cp.async.bulk.wait_group)");
    }
  for (uint32_t rank = 0; rank < owner.clusterBlocks(); ++rank)
    for (auto &group : blocks[rank]->warpgroups) {
      for (auto &op : group->open)
        return unfinished(group->threads[0], op->site,
                          "this wgmma was committed");
      for (auto &ops : group->committed)
        if (!ops.empty())
          return unfinished(group->threads[0], ops.front()->site,
                            "this wgmma was waited for");
    }
}

} // namespace attn::emulator
