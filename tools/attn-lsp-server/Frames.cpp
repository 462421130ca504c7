//===- Frames.cpp - Messages of a language server on a pipe ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Frames.h"

#include <cerrno>
#include <unistd.h>

using namespace llvm;

namespace attn {

constexpr size_t longestLine = 4096;
constexpr size_t longestBody = size_t(256) << 20;

bool FrameReader::fill() {
  char part[65536];
  ssize_t count;
  do
    count = ::read(descriptor, part, sizeof(part));
  while (count < 0 && errno == EINTR);
  if (count <= 0)
    return false;
  buffer.append(part, count);
  return true;
}

std::optional<std::string> FrameReader::readLine() {
  size_t end;
  while ((end = buffer.find('\n')) == std::string::npos)
    if (buffer.size() > longestLine || !fill())
      return std::nullopt;
  std::string line = StringRef(buffer).take_front(end).rtrim().str();
  buffer.erase(0, end + 1);
  return line;
}

std::optional<std::string> FrameReader::read() {
  size_t length = 0;
  while (true) {
    std::optional<std::string> line = readLine();
    if (!line)
      return std::nullopt;
    StringRef header(*line);
    if (header.empty()) {
      if (length)
        break;
      continue;
    }
    if (header.consume_front_insensitive("content-length:") &&
        (header.trim().getAsInteger(10, length) || length > longestBody))
      return std::nullopt;
  }
  while (buffer.size() < length)
    if (!fill())
      return std::nullopt;
  std::string body = buffer.substr(0, length);
  buffer.erase(0, length);
  return body;
}

bool writeFrame(int descriptor, StringRef body) {
  std::string text =
      ("Content-Length: " + Twine(body.size()) + "\r\n\r\n" + body).str();
  StringRef rest(text);
  while (!rest.empty()) {
    ssize_t count = ::write(descriptor, rest.data(), rest.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return false;
    rest = rest.drop_front(count);
  }
  return true;
}

} // namespace attn
