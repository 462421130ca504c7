//===- Abi.h - What compiled code and its callers agree on ------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions that compiled code calls, and the layout of the tensors it is
// given. C and C++; no LLVM, no MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_ABI_H
#define ATTN_RUNTIME_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Runs fn(0, ctx) ... fn(n - 1, ctx), in any order and on several threads, and
/// returns when all are done. The caller takes part. A call from inside `fn`,
/// and a call while another thread holds the pool, runs on the calling thread
/// alone.
void attn_rt_parallel_for(void (*fn)(int64_t i, void *ctx), int64_t n,
                          void *ctx);

/// Sets how many threads, the caller included, take part in the loops of this
/// process; 0 means one per CPU that the process may use (affinity mask and
/// cgroup quota).
void attn_rt_set_num_threads(int32_t threads);

/// Says how many threads a loop started now by the calling thread would use.
int32_t attn_rt_get_num_threads(void);

/// Overrides the count for loops started by the calling thread; 0 ends the
/// override. Returns the override that was in force.
int32_t attn_rt_set_call_threads(int32_t threads);

/// Allocates memory that starts on a 64-byte line, in large pages where it is
/// large; null when there is none. `bytes` may be 0.
void *attn_rt_alloc(int64_t bytes);
void attn_rt_free(void *memory);

#ifdef __cplusplus
} // extern "C"

namespace attn {

/// A strided tensor of rank R as compiled code receives it, by address. Element
/// (i, j, ...) lies at aligned[offset + i * strides[0] + j * strides[1] + ...].
template <typename T, int R>
struct MemRef {
  T *allocated;
  T *aligned;
  int64_t offset;
  int64_t sizes[R];
  int64_t strides[R];
};

/// A rank-0 tensor has neither sizes nor strides.
template <typename T>
struct MemRef<T, 0> {
  T *allocated;
  T *aligned;
  int64_t offset;
};

} // namespace attn
#endif

#endif // ATTN_RUNTIME_ABI_H
