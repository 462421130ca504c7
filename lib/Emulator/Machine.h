//===- Machine.h - Threads, warps, blocks and who runs next -----*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A machine is one thread of this computer that runs one cluster of blocks at a
// time, with one fiber per emulated thread. Everything that the instructions
// touch hangs on it; `current()` is the emulated thread that called.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_MACHINE_H
#define ATTN_LIB_EMULATOR_MACHINE_H

#include "attn/Emulator/Abi.h"
#include "attn/Emulator/Emulator.h"
#include "lib/Emulator/Async.h"
#include "lib/Emulator/Barrier.h"
#include "lib/Emulator/Fiber.h"
#include "lib/Emulator/SharedMemory.h"
#include "lib/Emulator/Wgmma.h"

#include <memory>
#include <random>

namespace attn::emulator {

constexpr uint32_t kWarpLanes = 32;
constexpr uint32_t kWarpgroupThreads = 128;
constexpr uint32_t kAllLanes = 0xffffffffu;

class Launch;
struct Block;
struct Warp;

/// Why a thread waits, for reports; `what` is the instruction.
struct Waiting {
  const char *what = nullptr;
  const char *site = nullptr;
  /// Appends details, as `2 of 8 arrivals`.
  std::string (*describe)(const void *object, uint32_t detail) = nullptr;
  const void *object = nullptr;
  uint32_t detail = 0;
};

struct Thread {
  Block *block = nullptr;
  Warp *warp = nullptr;
  uint32_t id = 0;   ///< in its block, x fastest
  uint32_t lane = 0; ///< in its warp
  bool done = false;
  Waiting waiting;
  Fiber fiber;
  /// Counts the fences of this thread from generic to asynchronous accesses.
  uint32_t proxyFences = 0;
  uint32_t mbarrierFences = 0; ///< and those for initialised mbarriers
  /// Phase of the cluster barrier that it waits for; 0 when it has not arrived.
  uint64_t clusterPhase = 0;
  /// Registers may have changed since its last wgmma.fence.
  bool needsWgmmaFence = true;
  CopyGroups copies; ///< cp.async
  BulkGroups bulk;   ///< bulk stores
};

/// Lanes of a warp or threads of a warpgroup that meet in one instruction.
struct Meeting {
  const char *what = nullptr;
  const char *site = nullptr; ///< of the first to arrive
  uint32_t mask = 0;
  uint32_t arrived = 0; ///< how many
  uint32_t lanes = 0;   ///< which; of a warp
  void *arguments[kWarpgroupThreads];
};

struct Warp {
  Block *block = nullptr;
  uint32_t index = 0;
  Thread *lanes[kWarpLanes] = {};
  uint32_t ready = 0; ///< lanes that can run
  uint32_t priority = 0;
  std::vector<std::unique_ptr<Meeting>> meetings; ///< with disjoint masks
};

struct Block {
  uint32_t index[3] = {};
  uint32_t rank = 0; ///< in its cluster
  std::vector<Thread *> threads;
  std::vector<std::unique_ptr<Warp>> warps;
  std::vector<std::unique_ptr<Warpgroup>> warpgroups;
  SharedMemory shared;
  NamedBarrier barriers[16];
  MBarriers mbarriers;
};

/// A block of a cluster arrives and waits at the cluster's own barrier.
struct ClusterBarrier {
  uint32_t arrived = 0;
  uint64_t phase = 0;
  std::vector<Thread *> waiting;
};

class Machine {
public:
  explicit Machine(Launch &launch);

  /// The machine of the calling thread of this computer.
  static Machine &get();

  /// Runs the blocks of one cluster; false when one had a fault, which is then
  /// in `fault` and `report`.
  bool runCluster(uint64_t cluster);

  /// Ends the cluster with a report; called on a fiber.
  [[noreturn]] void fail(Fault fault, const char *site, std::string text);

  Thread &current() { return *running; }
  Launch &launch() { return owner; }
  Block &block(uint32_t rank) { return *blocks[rank]; }
  uint32_t clusterBlocks() const { return blocks.size(); }

  /// Suspends the current thread until wake().
  void wait(const Waiting &why);
  void wake(Thread &thread) { thread.warp->ready |= 1u << thread.lane; }
  /// Lets other warps go first, as the schedule likes.
  void pause();

  /// Takes part in `what` with the other lanes of `mask`. The last to come gets
  /// the meeting, does the work of all with their arguments and calls
  /// release(); the others get null when that has happened.
  Meeting *meetWarp(const char *what, uint32_t mask, void *argument,
                    const char *site);
  void releaseWarp(Meeting *meeting);
  /// The same for the 128 threads of the current thread's warpgroup.
  Meeting *meetWarpgroup(const char *what, void *argument, const char *site);
  void releaseWarpgroup(Meeting *meeting);

  /// Does `work` now, when nothing else can run, or in between.
  void later(AsyncWork work);
  /// True when a schedule that may delay a wgmma does it now.
  bool runsEarly();
  bool eager() const { return schedule == Schedule::Eager; }

  std::mt19937_64 random;
  Fault fault = Fault::None;
  std::string report;
  Statistics statistics;
  ClusterBarrier clusterBarrier;
  size_t lastBuffer = 0; ///< where the last global access was found

private:
  bool setUp(uint64_t cluster);
  void startThreads(Block &block);
  Warp *pickWarp();
  void runLane(Warp &warp);
  bool runAsync(bool idle);
  void runOnEngine(AsyncWork work);
  void checkFinished();
  void reportDeadlock();
  std::string where(const Thread *thread, const char *site) const;

  static void threadMain();
  static void engineMain();

  Launch &owner;
  Schedule schedule;
  std::vector<std::unique_ptr<Block>> blocks;
  std::vector<std::unique_ptr<Thread>> pool;
  std::vector<Warp *> warps; ///< of all blocks
  size_t lastWarp = 0;
  /// Which of several copies under way lands next in this cluster.
  enum class Landing { Oldest, Newest, Any } landing = Landing::Any;
  bool lastFirst = false; ///< warps, by their index
  Thread *running = nullptr;
  uint32_t live = 0;
  uint64_t steps = 0;
  AsyncQueue queue;
  /// Asynchronous work runs on a fiber of its own, which can be abandoned like
  /// a thread's.
  Fiber engine;
  AsyncWork engineWork;
  bool engineBusy = false;
};

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_MACHINE_H
