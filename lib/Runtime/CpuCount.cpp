//===- CpuCount.cpp - How many CPUs the process may use -------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A container often shows all CPUs of its host and grants a few of them as a
// quota. More threads than that would be stopped for most of each period, and
// every loop would wait for them.
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/CpuCount.h"

#include <algorithm>
#include <cstdio>
#include <sched.h>
#include <unistd.h>

namespace attn {
namespace {

std::string readFile(const std::string &path) {
  std::string text;
  if (std::FILE *file = std::fopen(path.c_str(), "r")) {
    char buffer[512];
    while (size_t got = std::fread(buffer, 1, sizeof buffer, file))
      text.append(buffer, got);
    std::fclose(file);
  }
  return text;
}

/// The path of the process in the hierarchy whose line starts with `prefix`;
/// empty if none does.
std::string pathInHierarchy(const std::string &membership,
                            const std::string &prefix) {
  for (size_t begin = 0; begin < membership.size();) {
    size_t end = std::min(membership.find('\n', begin), membership.size());
    std::string line = membership.substr(begin, end - begin);
    if (line.compare(0, prefix.size(), prefix) == 0)
      return line.substr(prefix.size());
    begin = end + 1;
  }
  return "";
}

int cpusOfAffinity() {
  // A mask of the kernel's size: sched_getaffinity refuses one that is too
  // small.
  for (int bits = 1024; bits <= 1 << 20; bits *= 2) {
    cpu_set_t *set = CPU_ALLOC(bits);
    if (!set)
      break;
    size_t size = CPU_ALLOC_SIZE(bits);
    int count =
        sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0)
      return count;
  }
  return std::max<long>(1, sysconf(_SC_NPROCESSORS_ONLN));
}

} // namespace

int cpusOfQuota(const std::string &cpuMax) {
  long long quota = 0, period = 0;
  if (std::sscanf(cpuMax.c_str(), "%lld %lld", &quota, &period) != 2 ||
      quota <= 0 || period <= 0)
    return 0;
  return static_cast<int>(
      std::min<long long>((quota + period - 1) / period, 1 << 20));
}

int cpusOfCgroup(const std::string &root, const std::string &membership) {
  std::string path = pathInHierarchy(membership, "0::");
  int least = 0;
  for (;;) {
    if (path == "/")
      path.clear();
    if (int cpus = cpusOfQuota(readFile(root + path + "/cpu.max")))
      least = least ? std::min(least, cpus) : cpus;
    if (path.empty())
      return least;
    path.erase(std::min(path.rfind('/'), path.size()));
  }
}

int usableCpus() {
  int cpus = cpusOfAffinity();
  int quota = cpusOfCgroup("/sys/fs/cgroup", readFile("/proc/self/cgroup"));
  return std::max(1, quota ? std::min(cpus, quota) : cpus);
}

} // namespace attn
