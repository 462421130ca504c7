//===- Proxy.cpp - Between the editor and MLIR's server -------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Proxy.h"
#include "Frames.h"

#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

using namespace llvm;

namespace attn {

static std::string textOf(const json::Value &value) {
  std::string text;
  raw_string_ostream(text) << value;
  return text;
}

Error Proxy::start() {
  int requests[2], replies[2];
  // Not for children: a copy of an end would keep a pipe open.
  if (pipe2(requests, O_CLOEXEC) || pipe2(replies, O_CLOEXEC))
    return createStringError(std::error_code(errno, std::generic_category()),
                             "no pipe for the language server");
  // An editor that has gone is seen as a failed write.
  signal(SIGPIPE, SIG_IGN);
  fromEditor = fcntl(0, F_DUPFD_CLOEXEC, 3);
  toEditor = fcntl(1, F_DUPFD_CLOEXEC, 3);
  toServer = requests[1];
  fromServer = replies[0];
  dup2(requests[0], 0);
  dup2(replies[1], 1);
  close(requests[0]);
  close(replies[1]);
  answers = std::thread([this] { forwardAnswers(); });
  // Ends with the editor's stream or with the process, whichever is first.
  std::thread([this] { forwardRequests(); }).detach();
  return Error::success();
}

void Proxy::finish() {
  outs().flush();
  close(1);
  answers.join();
}

void Proxy::forwardRequests() {
  FrameReader reader(fromEditor);
  while (std::optional<std::string> body = reader.read()) {
    noteRequest(*body);
    if (!writeFrame(toServer, *body))
      break;
  }
  close(toServer);
}

void Proxy::forwardAnswers() {
  FrameReader reader(fromServer);
  while (std::optional<std::string> body = reader.read())
    if (!writeFrame(toEditor, extendAnswer(std::move(*body))))
      break;
}

/// Keeps texts and the ids of hovers. What is not as the protocol says is the
/// server's to refuse.
void Proxy::noteRequest(StringRef body) {
  Expected<json::Value> value = json::parse(body);
  if (!value)
    return consumeError(value.takeError());
  const json::Object *message = value->getAsObject();
  const json::Object *params = message ? message->getObject("params") : nullptr;
  const json::Object *document =
      params ? params->getObject("textDocument") : nullptr;
  std::optional<StringRef> method =
      document ? message->getString("method") : std::nullopt;
  std::optional<StringRef> uri =
      document ? document->getString("uri") : std::nullopt;
  if (!method || !uri)
    return;
  std::lock_guard<std::mutex> lock(mutex);
  auto keep = [&](std::optional<StringRef> text) {
    if (text)
      texts[uri->str()] = {text->str(), false, {}};
  };
  if (*method == "textDocument/didOpen")
    keep(document->getString("text"));
  if (*method == "textDocument/didClose")
    texts.erase(uri->str());
  // The server asks for whole texts.
  const json::Array *changes = params->getArray("contentChanges");
  if (*method == "textDocument/didChange" && changes && !changes->empty())
    if (const json::Object *change = changes->back().getAsObject())
      keep(change->getString("text"));
  const json::Value *id = message->get("id");
  if (*method == "textDocument/hover" && id)
    hovers[textOf(*id)] = uri->str();
}

std::string Proxy::explain(const std::string &uri, int64_t line) {
  std::unique_lock<std::mutex> lock(mutex);
  Text current = texts[uri];
  if (!current.explained) {
    lock.unlock();
    current.explanations = explainText(self, current.text);
    current.explained = true;
    lock.lock();
    // It may have changed meanwhile; then the next hover asks again.
    Text &kept = texts[uri];
    if (kept.text == current.text)
      kept = current;
  }
  auto found = current.explanations.find(line);
  return found == current.explanations.end() ? "" : found->second;
}

std::string Proxy::extendAnswer(std::string body) {
  Expected<json::Value> value = json::parse(body);
  if (!value) {
    consumeError(value.takeError());
    return body;
  }
  json::Object *message = value->getAsObject();
  const json::Value *id = message ? message->get("id") : nullptr;
  std::string uri;
  if (id) {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = hovers.find(textOf(*id));
    if (found != hovers.end()) {
      uri = found->second;
      hovers.erase(found);
    }
  }
  json::Object *result = uri.empty() ? nullptr : message->getObject("result");
  json::Object *contents = result ? result->getObject("contents") : nullptr;
  const json::Object *range = result ? result->getObject("range") : nullptr;
  const json::Object *start = range ? range->getObject("start") : nullptr;
  std::optional<StringRef> text =
      contents ? contents->getString("value") : std::nullopt;
  std::optional<int64_t> line =
      start ? start->getInteger("line") : std::nullopt;
  // The hover of an op begins with its name in quotes.
  if (!text || !line || !text->starts_with("\"attn."))
    return body;
  std::string more = explain(uri, *line);
  if (more.empty())
    return body;
  (*contents)["value"] = (*text + "\n\nOn this machine:\n\n" + more).str();
  return textOf(*value);
}

} // namespace attn
