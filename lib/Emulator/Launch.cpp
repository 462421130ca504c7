//===- Launch.cpp - One grid ----------------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sessions, the checks of a launch, and the threads of this computer among
// which blocks are shared out. A block's timing depends on the seed and its
// index alone, and of several faults the one of the first block is reported, so
// that a run with more threads says the same.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Launch.h"
#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Text.h"

#include <algorithm>
#include <thread>

namespace attn::emulator {

static thread_local Session *sessionOfThread = nullptr;

Session *currentSession() { return sessionOfThread; }

std::optional<Schedule> parseSchedule(std::string_view name) {
  if (name == "eager")
    return Schedule::Eager;
  if (name == "late")
    return Schedule::Late;
  if (name == "random")
    return Schedule::Random;
  return std::nullopt;
}

const char *faultName(Fault fault) {
  switch (fault) {
  case Fault::None:
    return "none";
  case Fault::Divergence:
    return "divergence";
  case Fault::Deadlock:
    return "deadlock";
  case Fault::Barrier:
    return "barrier misuse";
  case Fault::OutOfRange:
    return "out of range";
  case Fault::Misaligned:
    return "misaligned";
  case Fault::EarlyRead:
    return "early read";
  case Fault::MissingFence:
    return "missing fence";
  case Fault::Race:
    return "race";
  case Fault::Unfinished:
    return "unfinished";
  case Fault::Unsupported:
    return "unsupported";
  case Fault::Invalid:
    return "invalid operand";
  }
  return "unknown";
}

Session::Session(const Options &options)
    : sessionOptions(options), outer(sessionOfThread) {
  sessionOfThread = this;
}

Session::~Session() { sessionOfThread = outer; }

void Session::addBuffer(const void *data, size_t bytes) {
  if (!data || !bytes)
    return;
  auto begin = reinterpret_cast<uintptr_t>(data);
  for (const Buffer &buffer : buffers)
    if (buffer.begin <= begin && begin + bytes <= buffer.end)
      return;
  buffers.push_back({begin, begin + bytes});
}

void Launch::record(Session &session, Fault fault, std::string report) {
  if (session.firstFault != Fault::None)
    return;
  session.firstFault = fault;
  session.firstReport = std::move(report);
}

void Launch::addStatistics(Session &session, const Statistics &statistics) {
  session.counters.blocks += statistics.blocks;
  session.counters.switches += statistics.switches;
  session.counters.sharedPhases += statistics.sharedPhases;
  session.counters.sharedCycles += statistics.sharedCycles;
}

bool Launch::isRegistered(uintptr_t begin, size_t bytes, size_t &hint) const {
  auto inside = [&](const Session::Buffer &buffer) {
    return begin >= buffer.begin && begin + bytes <= buffer.end;
  };
  for (const Session *s = &session; s; s = s->outer) {
    if (hint < s->buffers.size() && inside(s->buffers[hint]))
      return true;
    for (size_t i = 0; i < s->buffers.size(); ++i)
      if (inside(s->buffers[i])) {
        hint = i;
        return true;
      }
  }
  return false;
}

std::string Launch::nearestBuffer(uintptr_t begin, size_t bytes) const {
  const Session::Buffer *nearest = nullptr;
  auto distance = [&](const Session::Buffer &b) {
    return begin < b.begin         ? b.begin - begin
           : begin + bytes > b.end ? begin + bytes - b.end
                                   : 0;
  };
  for (const Session::Buffer &buffer : session.buffers)
    if (!nearest || distance(buffer) < distance(*nearest))
      nearest = &buffer;
  if (!nearest)
    return "no buffer is registered";
  int64_t offset = static_cast<int64_t>(begin - nearest->begin);
  return format("it is at byte %lld of the nearest buffer, which has %llu",
                static_cast<long long>(offset),
                static_cast<unsigned long long>(nearest->end - nearest->begin));
}

uint32_t Launch::sharedBytes() const {
  // The dynamic part keeps the alignment that swizzled tiles ask for.
  uint32_t fixed = (config.staticShared + 1023) / 1024 * 1024;
  return fixed + config.dynamicShared;
}

bool Launch::check() {
  auto refuse = [&](std::string text) {
    record(session, Fault::Invalid,
           format("invalid operand: launch of kernel '%s'%s%s: %s",
                  config.kernel, config.site ? " by " : "",
                  config.site ? config.site : "", text.c_str()));
    return false;
  };
  int64_t blocks = 1;
  for (int d = 0; d < 3; ++d) {
    if (config.grid[d] < 0 || config.block[d] < 1 || config.cluster[d] < 1)
      return refuse(format("expects sizes of at least 1 (0 for a grid), but "
                           "dimension %d has grid %d, block %d, cluster %d",
                           d, config.grid[d], config.block[d],
                           config.cluster[d]));
    if (d > 0 && config.grid[d] > 65535)
      return refuse(format("expects at most 65535 blocks in dimension %d, but "
                           "got %d",
                           d, config.grid[d]));
    if (config.grid[d] % config.cluster[d])
      return refuse(format("expects a grid of whole clusters, but dimension %d "
                           "has %d blocks in clusters of %d",
                           d, config.grid[d], config.cluster[d]));
    blocks *= config.grid[d];
  }
  if (blockThreads() > 1024)
    return refuse(format("expects at most 1024 threads in a block, but got %u",
                         blockThreads()));
  if (clusterBlocks() > 16)
    return refuse(format("expects at most 16 blocks in a cluster, but got %u",
                         clusterBlocks()));
  if (config.staticShared < 0 || config.dynamicShared < 0 ||
      sharedBytes() > kSharedLimit)
    return refuse(format("expects at most %u bytes of shared memory, but got "
                         "%d static and %d dynamic",
                         kSharedLimit, config.staticShared,
                         config.dynamicShared));
  clusters = blocks / clusterBlocks();
  return true;
}

/// Takes clusters in order until there are none.
void Launch::work() {
  Machine machine(*this);
  while (true) {
    uint64_t cluster = next++;
    if (cluster >= clusters || cluster > failed)
      break;
    if (machine.runCluster(cluster))
      continue;
    std::lock_guard<std::mutex> lock(mutex);
    if (cluster < failed) {
      failed = cluster;
      session.firstFault = machine.fault;
      session.firstReport = std::move(machine.report);
    }
    break;
  }
  std::lock_guard<std::mutex> lock(mutex);
  addStatistics(session, machine.statistics);
}

bool Launch::run() {
  if (session.fault() != Fault::None || !check())
    return false;
  int threads = std::max(1, options().threads);
  threads = std::min<uint64_t>(threads, std::max<uint64_t>(clusters, 1));
  std::vector<std::thread> helpers;
  for (int i = 1; i < threads; ++i)
    helpers.emplace_back([this] { work(); });
  work();
  for (std::thread &helper : helpers)
    helper.join();
  return session.fault() == Fault::None;
}

} // namespace attn::emulator

using namespace attn::emulator;

extern "C" int32_t attn_emu_launch(const attn_emu_launch_config *config,
                                   void (*kernel)(void **), void **arguments) {
  Session *session = currentSession();
  if (!session)
    return 1;
  return Launch(*session, *config, kernel, arguments).run() ? 0 : 1;
}

extern "C" void attn_emu_add_buffer(void *data, int64_t bytes) {
  if (Session *session = currentSession(); session && bytes > 0)
    session->addBuffer(data, bytes);
}

extern "C" int32_t attn_emu_narrow(int64_t value, const char *site) {
  if (Session *session = currentSession(); session && int32_t(value) != value)
    Launch::record(*session, Fault::Invalid,
                   format("invalid operand: %s: a kernel takes 32 bits, but a "
                          "size or an offset is %lld",
                          site, static_cast<long long>(value)));
  return int32_t(value);
}
