//===- SdpaKernels.cpp - Compiled kernels of sdpa -------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The GIL guards the table.
//
//===----------------------------------------------------------------------===//

#include "SdpaKernels.h"
#include "Errors.h"

#include <nanobind/nanobind.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace nb = nanobind;

namespace attn::python {
namespace {

struct Hash {
  size_t operator()(const SdpaSignature &signature) const {
    return std::hash<std::string_view>()(
        {reinterpret_cast<const char *>(&signature), sizeof signature});
  }
};
struct Equal {
  bool operator()(const SdpaSignature &a, const SdpaSignature &b) const {
    return std::memcmp(&a, &b, sizeof a) == 0;
  }
};

struct Table {
  std::unordered_map<SdpaSignature, SdpaKernel, Hash, Equal> kernels;
  std::vector<std::string> targets;
};

/// Never destroyed: threads may still be in a kernel when Python ends.
Table &table() {
  static Table *all = new Table;
  return *all;
}

uint8_t targetNumber(std::string_view target) {
  std::vector<std::string> &targets = table().targets;
  auto found = std::find(targets.begin(), targets.end(), target);
  if (found != targets.end())
    return static_cast<uint8_t>(found - targets.begin());
  if (targets.size() == 255)
    raise(PyExc_ValueError, "target: expected at most 255 different ones");
  targets.emplace_back(target);
  return static_cast<uint8_t>(targets.size() - 1);
}

} // namespace

const SdpaKernel &findKernel(SdpaSignature signature, const char *target) {
  signature.target = targetNumber(target);
  auto &kernels = table().kernels;
  auto found = kernels.find(signature);
  if (found != kernels.end())
    return found->second;
  std::string source = sdpaSource(signature), targetName = target;
  attn_options options{};
  options.target = targetName.c_str();
  SdpaKernel kernel;
  kernel.operands = operandsOf(signature);
  attn_error *error;
  {
    nb::gil_scoped_release release;
    error = attn_compile(source.data(), source.size(), "sdpa.mlir", &options,
                         &kernel.executable);
  }
  throwCompileError(error, source, "sdpa", targetName);
  // Another thread may have been faster: its kernel stays.
  auto [place, isNew] = kernels.try_emplace(signature, kernel);
  if (!isNew)
    attn_executable_destroy(kernel.executable);
  warnOfCache();
  return place->second;
}

} // namespace attn::python
