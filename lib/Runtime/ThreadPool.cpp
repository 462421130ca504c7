//===- ThreadPool.cpp - Parallel loops of compiled code -------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One pool per process, one loop in it at a time. Items are handed out by an
// atomic counter, so a thread that loses its CPU holds up at most the item it
// is in. The caller works like the others and waits only for those who joined,
// never for one to wake up: with more threads than CPUs the loop costs no more
// than running it alone. Threads spin for a short while between loops (a
// wake-up costs more than many a loop) and then sleep. The pool is never
// destroyed: its threads may outlive main.
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Abi.h"
#include "attn/Runtime/CpuCount.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <pthread.h>

namespace {

using Body = void (*)(int64_t, void *);

/// How long a thread looks for news before it sleeps.
constexpr std::chrono::microseconds spinTime{50};
constexpr int32_t maxThreads = 1024;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins until done() or the time is up; says which.
template <typename Condition>
bool spinUntil(Condition done) {
  auto start = std::chrono::steady_clock::now();
  do {
    for (int i = 0; i < 32; ++i) {
      if (done())
        return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() - start < spinTime);
  return done();
}

/// True on a thread that is inside an item: loops started there run inline.
thread_local bool insideItem = false;
thread_local int32_t callThreads = 0;
std::atomic<int32_t> processThreads{0};

class Pool {
public:
  static Pool &get() {
    static Pool *pool = new Pool;
    return *pool;
  }

  /// Runs the loop with up to `helpers` other threads; false when another loop
  /// holds the pool.
  bool run(Body body, int64_t n, void *ctx, int32_t helpers);

private:
  // The gate: the number of the loop in the high half (odd while the loop
  // admits helpers), and the count of helpers inside in the low half. A helper
  // joins by a compare-exchange of the whole word, so one who read the fields
  // of a finished loop cannot enter the next with them.
  static constexpr uint64_t oneLoop = uint64_t(1) << 32;
  static bool isOpen(uint64_t gate) { return gate & oneLoop; }
  static uint32_t inside(uint64_t gate) { return static_cast<uint32_t>(gate); }
  static uint64_t loopOf(uint64_t gate) { return gate >> 32; }

  void growTo(int32_t helpers);
  void wakeHelpers(int32_t count);
  void waitForHelpers();
  bool tryJoin(uint64_t &seen);
  void leave();
  void takeItems();
  void helperMain();

  alignas(64) std::atomic<uint64_t> gate{0};
  alignas(64) std::atomic<int64_t> next{0};
  // Written by the caller while the gate is closed and empty.
  alignas(64) Body body = nullptr;
  void *ctx = nullptr;
  int64_t size = 0;
  std::atomic<uint32_t> admitted{0};

  alignas(64) std::atomic<bool> taken{false};
  std::atomic<int32_t> sleepers{0};
  std::atomic<bool> callerSleeps{false};
  int32_t started = 0; // guarded by `taken`
  std::mutex mutex;
  std::condition_variable news, empty;
};

void Pool::takeItems() {
  insideItem = true;
  for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < size;)
    body(i, ctx);
  insideItem = false;
}

bool Pool::run(Body newBody, int64_t n, void *newCtx, int32_t helpers) {
  if (taken.exchange(true, std::memory_order_acquire))
    return false;
  growTo(helpers);
  body = newBody;
  ctx = newCtx;
  size = n;
  next.store(0, std::memory_order_relaxed);
  admitted.store(helpers, std::memory_order_relaxed);
  // seq_cst here and in helperMain: either the helper sees the open gate, or we
  // see it asleep.
  gate.fetch_add(oneLoop, std::memory_order_seq_cst);
  if (int32_t asleep = sleepers.load(std::memory_order_seq_cst))
    wakeHelpers(std::min(helpers, asleep));
  takeItems();
  waitForHelpers();
  taken.store(false, std::memory_order_release);
  return true;
}

/// Closes the gate and returns when nobody is inside.
void Pool::waitForHelpers() {
  gate.fetch_add(oneLoop, std::memory_order_seq_cst);
  auto nobody = [&] {
    return inside(gate.load(std::memory_order_acquire)) == 0;
  };
  if (spinUntil(nobody))
    return;
  std::unique_lock<std::mutex> lock(mutex);
  callerSleeps.store(true, std::memory_order_seq_cst);
  empty.wait(lock,
             [&] { return inside(gate.load(std::memory_order_seq_cst)) == 0; });
  callerSleeps.store(false, std::memory_order_relaxed);
}

void Pool::wakeHelpers(int32_t count) {
  {
    std::lock_guard<std::mutex> lock(mutex);
  } // nobody is between its last look and its sleep
  for (int32_t i = 0; i < count; ++i)
    news.notify_one();
}

/// Starts threads until there are `helpers`, or until the system gives no more.
void Pool::growTo(int32_t helpers) {
  for (; started < helpers; ++started) {
    pthread_t thread;
    auto main = [](void *pool) -> void * {
      static_cast<Pool *>(pool)->helperMain();
      return nullptr;
    };
    if (pthread_create(&thread, nullptr, main, this) != 0)
      return;
    pthread_detach(thread);
  }
}

/// Enters the open loop, if there is one that is not `seen` and has room.
/// `seen` becomes the loop that was entered or found full.
bool Pool::tryJoin(uint64_t &seen) {
  uint64_t now = gate.load(std::memory_order_acquire);
  while (isOpen(now) && loopOf(now) != seen) {
    if (inside(now) >= admitted.load(std::memory_order_relaxed)) {
      seen = loopOf(now);
      return false;
    }
    if (gate.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) {
      seen = loopOf(now);
      return true;
    }
  }
  return false;
}

void Pool::leave() {
  uint64_t before = gate.fetch_sub(1, std::memory_order_seq_cst);
  if (inside(before) != 1 || !callerSleeps.load(std::memory_order_seq_cst))
    return;
  std::lock_guard<std::mutex> lock(mutex);
  empty.notify_all();
}

void Pool::helperMain() {
  uint64_t seen = 0;
  for (;;) {
    if (spinUntil([&] { return tryJoin(seen); })) {
      takeItems();
      leave();
      continue;
    }
    std::unique_lock<std::mutex> lock(mutex);
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    news.wait(lock, [&] {
      uint64_t now = gate.load(std::memory_order_seq_cst);
      return isOpen(now) && loopOf(now) != seen;
    });
    sleepers.fetch_sub(1, std::memory_order_relaxed);
  }
}

int32_t defaultThreads() {
  static const int32_t cpus = std::min(attn::usableCpus(), maxThreads);
  return cpus;
}

} // namespace

extern "C" void attn_rt_set_num_threads(int32_t threads) {
  processThreads.store(std::clamp(threads, 0, maxThreads),
                       std::memory_order_relaxed);
}

extern "C" int32_t attn_rt_set_call_threads(int32_t threads) {
  int32_t before = callThreads;
  callThreads = std::clamp(threads, 0, maxThreads);
  return before;
}

extern "C" int32_t attn_rt_get_num_threads() {
  if (insideItem)
    return 1;
  if (callThreads)
    return callThreads;
  int32_t threads = processThreads.load(std::memory_order_relaxed);
  return threads ? threads : defaultThreads();
}

extern "C" void attn_rt_parallel_for(Body fn, int64_t n, void *ctx) {
  if (n > 1) {
    int64_t threads = std::min<int64_t>(attn_rt_get_num_threads(), n);
    if (threads > 1 &&
        Pool::get().run(fn, n, ctx, static_cast<int32_t>(threads - 1)))
      return;
  }
  for (int64_t i = 0; i < n; ++i)
    fn(i, ctx);
}
