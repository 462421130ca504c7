//===- Oracle.h - Does a file still fail? -----------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A smaller file counts only if it fails as the first one did: by the same
// signal behind the same room, with the same message, with the same exit code.
// Otherwise a reduction ends at some other fault.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_REDUCE_ORACLE_H
#define ATTN_TOOLS_ATTN_REDUCE_ORACLE_H

#include "Probe.h"

#include "llvm/ADT/StringRef.h"

#include <string>

namespace attn {

class Oracle {
public:
  /// `fails` is crash, wrong-value, error, or a command of the shell in which
  /// %s is the file; `self` is this program. A try may take `seconds`.
  Oracle(std::string fails, std::string self, ProbeOptions probe,
         unsigned seconds);

  bool isCommand() const;
  /// Tries the first file and keeps how it fails; an error when it does not.
  llvm::Error learn(llvm::StringRef path);
  /// How the first file fails: "numbers off".
  const std::string &failure() const { return wanted; }
  /// Whether this file fails in the same way.
  bool fails(llvm::StringRef path) { return failureOf(path) == wanted; }

private:
  std::string failureOf(llvm::StringRef path);
  std::string failureOf(int code, llvm::StringRef problem,
                        llvm::StringRef output, llvm::StringRef errors) const;

  std::string kind, self;
  ProbeOptions options;
  unsigned seconds;
  std::string wanted;
  std::string seen; ///< of the last try, when it did not fail as wanted
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_REDUCE_ORACLE_H
