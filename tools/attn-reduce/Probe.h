//===- Probe.h - One try, in a process of its own ---------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-reduce starts itself again for every try, so that a crash ends the try
// and nothing else.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_REDUCE_PROBE_H
#define ATTN_TOOLS_ATTN_REDUCE_PROBE_H

#include "llvm/Support/Error.h"

#include <string>

namespace attn {

struct ProbeOptions {
  std::string file, entry, target, fault;
  bool judge = false; ///< by the reference; else only compile and call
};

/// Exit code of a probe whose numbers are off.
constexpr int numbersOff = 2;

/// Compiles the entry and calls it with the inputs that stand at its arguments;
/// says on stdout which room was left last. 0 or `numbersOff`.
llvm::Expected<int> probe(const ProbeOptions &options);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_REDUCE_PROBE_H
