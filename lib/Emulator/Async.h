//===- Async.h - Work that happens later ------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies that an instruction starts and a wait or the schedule completes.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_ASYNC_H
#define ATTN_LIB_EMULATOR_ASYNC_H

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace attn::emulator {

using AsyncWork = std::function<void()>;

struct AsyncQueue {
  struct Entry {
    uint64_t due; ///< step at which it happens; kIdle: when nothing else can
    AsyncWork work;
  };
  static constexpr uint64_t kIdle = ~uint64_t(0);
  std::vector<Entry> entries;
};

/// One cp.async of a thread. It is done when its bytes have moved, and complete
/// when the thread has waited for it.
struct Copy {
  uint32_t destination;
  const void *source;
  int32_t bytes, sourceBytes;
  const char *site;
  bool done = false, complete = false;
};

/// What one thread's cp.async instructions have not completed, in groups.
struct CopyGroups {
  std::vector<std::shared_ptr<Copy>> open;
  std::deque<std::vector<std::shared_ptr<Copy>>> committed;
  void clear() {
    open.clear();
    committed.clear();
  }
};

/// One bulk store.
struct BulkStore {
  AsyncWork work;   ///< reads shared memory and writes global memory
  AsyncWork finish; ///< the source may be written again
  bool done = false;
  const char *site = nullptr;
};

/// What one thread's bulk stores have not completed, in groups.
struct BulkGroups {
  std::vector<std::shared_ptr<BulkStore>> open;
  std::deque<std::vector<std::shared_ptr<BulkStore>>> committed;
  void clear() {
    open.clear();
    committed.clear();
  }
};

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_ASYNC_H
