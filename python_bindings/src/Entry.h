//===- Entry.h - A compiled entry in Python ---------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What attn_mlir.Executable calls.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PYTHON_ENTRY_H
#define ATTN_PYTHON_ENTRY_H

#include "attn-c/attn.h"

#include <nanobind/nanobind.h>

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace attn::python {

namespace nb = nanobind;

/// The weights of an entry as they were when they were packed: copies, because
/// the entry may read a weight also as it is.
class Weights {
public:
  Weights() = default;
  Weights(const Weights &) = delete;
  Weights &operator=(const Weights &) = delete;
  ~Weights() { attn_weights_destroy(packed); }

private:
  friend class Entry;
  struct Copy {
    std::unique_ptr<char[]> memory;
    std::array<int64_t, 8> sizes, strides;
  };
  attn_tensor addCopy(const attn_value &value, const attn_tensor &given);

  std::deque<Copy> copies;          ///< they must not move
  std::vector<attn_tensor> tensors; ///< per argument; without data elsewhere
  attn_weights *packed = nullptr;
};

class Entry {
public:
  /// Compiles; an empty `entry` is the only one of the source, or `main`.
  Entry(const std::string &source, const std::string &name,
        const std::string &entry, const std::string &target);

  /// Runs with arrays and numbers. `out` is None, an array, or a tuple of as
  /// many arrays as there are results. With `weights`, the arguments are the
  /// others.
  nb::object call(nb::args arguments, nb::handle out, int threads,
                  const Weights *weights) const;

  /// Packs the arguments marked attn.weight, given in their order.
  std::unique_ptr<Weights> prepack(nb::args weights) const;

  /// `attention(q: 1x2x?x4xf32, ...) -> 1x2x?x3xf32`, without the weights if
  /// they are packed already.
  std::string signature(bool prepacked) const;

private:
  std::vector<int64_t>
  resultSizes(const std::vector<attn_tensor> &inputs) const;
  std::string argumentName(size_t i) const;

  struct Destroy {
    void operator()(attn_executable *executable) const {
      attn_executable_destroy(executable);
    }
  };
  std::unique_ptr<attn_executable, Destroy> owner;
  attn_executable *executable = nullptr; ///< what `owner` holds
};

} // namespace attn::python

#endif // ATTN_PYTHON_ENTRY_H
