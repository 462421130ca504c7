//===- Proxy.h - Between the editor and MLIR's server -----------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR's server has no door for hovers of a dialect's own. So its messages pass
// through here: texts are kept as they change, and to the hover of an attn op
// is added what the rooms would say of it. Everything else is handed on as it
// came.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_LSP_SERVER_PROXY_H
#define ATTN_TOOLS_ATTN_LSP_SERVER_PROXY_H

#include "Explain.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <mutex>
#include <thread>

namespace attn {

class Proxy {
public:
  /// `self` is this program.
  explicit Proxy(std::string self) : self(std::move(self)) {}

  /// Makes stdin and stdout of this process the server's ends of two pipes, the
  /// other ends of which are read and written here.
  llvm::Error start();
  /// To be called when the server has ended: hands its last words on.
  void finish();

private:
  struct Text {
    std::string text;
    bool explained = false;
    Explanations explanations;
  };

  void forwardRequests();
  void forwardAnswers();
  void noteRequest(llvm::StringRef body);
  /// The message with our part, or the message.
  std::string extendAnswer(std::string body);
  std::string explain(const std::string &uri, int64_t line);

  std::string self;
  int fromEditor = -1, toServer = -1, fromServer = -1, toEditor = -1;
  std::thread answers;
  std::mutex mutex;                          ///< of what follows
  std::map<std::string, Text> texts;         ///< by URI
  std::map<std::string, std::string> hovers; ///< URI by the request's id
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_LSP_SERVER_PROXY_H
