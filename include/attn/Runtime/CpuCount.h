//===- CpuCount.h - How many CPUs the process may use -----------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The default number of threads: the affinity mask, cut by a container's CPU
// quota.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_CPUCOUNT_H
#define ATTN_RUNTIME_CPUCOUNT_H

#include <string>

namespace attn {

/// CPUs allowed by the text of a cgroup v2 `cpu.max` file (`200000 100000` is
/// 2, a part of a CPU counts as one), or 0 when it sets no limit or is not
/// understood.
int cpusOfQuota(const std::string &cpuMax);

/// The smallest quota on the way from the cgroup of this process up to the
/// root, or 0. `root` is where the file system is mounted, `membership` the
/// text of /proc/self/cgroup.
int cpusOfCgroup(const std::string &root, const std::string &membership);

/// CPUs that this process may use; at least 1.
int usableCpus();

} // namespace attn

#endif // ATTN_RUNTIME_CPUCOUNT_H
