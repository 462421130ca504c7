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

#include <memory>
#include <string>

namespace attn::python {

namespace nb = nanobind;

class Entry {
public:
  /// Compiles; an empty `entry` is the only one of the source, or `main`.
  Entry(const std::string &source, const std::string &name,
        const std::string &entry, const std::string &target);

  /// Runs with arrays and numbers. `out` is None, an array, or a tuple of as
  /// many arrays as there are results.
  nb::object call(nb::args arguments, nb::handle out, int threads) const;

  /// `attention(q: 1x2x?x4xf32, ...) -> 1x2x?x3xf32`
  std::string signature() const;

private:
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
