//===- Progress.h - One line that says what takes long ----------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Long work speaks: after half a second a line appears on a terminal, keeps the
// time, and is gone when the work is done. Nothing is written when stderr is
// not a terminal or ATTN_MLIR_PROGRESS is 0.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_SHARED_PROGRESS_H
#define ATTN_TOOLS_SHARED_PROGRESS_H

#include "llvm/ADT/Twine.h"

#include <memory>

namespace attn {

/// Lives as long as the work. Nothing else should be written to the terminal
/// meanwhile; at most one of these at a time.
class Progress {
public:
  /// `what` is the work and the first thing shown: `compiling`.
  explicit Progress(const llvm::Twine &what);
  /// Clears the line.
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// Says how far the work is; from any thread, and cheap enough for inner
  /// loops that take microseconds.
  void say(const llvm::Twine &what);
  /// Clears the line and says nothing more.
  void finish();

private:
  class Line;
  std::unique_ptr<Line> line; ///< null when nobody would see it
};

} // namespace attn

#endif // ATTN_TOOLS_SHARED_PROGRESS_H
