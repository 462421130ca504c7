//===- Frames.h - Messages of a language server on a pipe -------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A message is a header that says its length, an empty line and a body: the
// base protocol of the Language Server Protocol 3.17.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_LSP_SERVER_FRAMES_H
#define ATTN_TOOLS_ATTN_LSP_SERVER_FRAMES_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace attn {

/// Reads the bodies of messages from a file descriptor.
class FrameReader {
public:
  explicit FrameReader(int descriptor) : descriptor(descriptor) {}

  /// The next body, or nothing at the end of the stream and behind a header
  /// that cannot be one.
  std::optional<std::string> read();

private:
  bool fill();
  std::optional<std::string> readLine();

  int descriptor;
  std::string buffer;
};

/// Writes one message; false when the other end is closed.
bool writeFrame(int descriptor, llvm::StringRef body);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_LSP_SERVER_FRAMES_H
