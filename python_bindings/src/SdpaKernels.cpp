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

/// Says on a terminal what takes long (attn_mlir/progress.py).
class Saying {
public:
  explicit Saying(const char *what)
      : manager(
            nb::module_::import_("attn_mlir.progress").attr("saying")(what)) {
    manager.attr("__enter__")();
  }
  ~Saying() {
    try {
      manager.attr("__exit__")(nb::none(), nb::none(), nb::none());
    } catch (nb::python_error &error) {
      error.discard_as_unraisable("attn_mlir.progress");
    }
  }
  Saying(const Saying &) = delete;
  Saying &operator=(const Saying &) = delete;

private:
  nb::object manager;
};

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
  /// By number, and the numbers by text.
  std::vector<SdpaRules> rules = std::vector<SdpaRules>(1);
  std::unordered_map<std::string, uint16_t> ruleNumbers;
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

uint16_t rulesNumber(SdpaRules rules) {
  std::string text;
  for (size_t i = 0; i < rules.captures.size(); ++i)
    text += rules.captures[i] + rules.types[i] + "\n";
  for (const SdpaRules::Region &region : {rules.score, rules.mask})
    text += region.lines + region.result + "\n";
  auto &all = table().rules;
  auto [place, isNew] =
      table().ruleNumbers.try_emplace(text, static_cast<uint16_t>(all.size()));
  if (!isNew)
    return place->second;
  if (all.size() > UINT16_MAX) {
    table().ruleNumbers.erase(place);
    raise(PyExc_ValueError,
          "score_mod, mask_mod: expected at most 65535 different rules");
  }
  all.push_back(std::move(rules));
  return place->second;
}

const SdpaKernel &findKernel(SdpaSignature signature, const char *target) {
  signature.target = targetNumber(target);
  auto &kernels = table().kernels;
  auto found = kernels.find(signature);
  if (found != kernels.end())
    return found->second;
  std::string source = sdpaSource(signature, table().rules[signature.rules]),
              targetName = target;
  attn_options options{};
  options.target = targetName.c_str();
  SdpaKernel kernel;
  kernel.operands = operandsOf(signature);
  attn_error *error;
  {
    Saying saying("compiling sdpa");
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
