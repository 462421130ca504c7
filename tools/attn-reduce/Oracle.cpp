//===- Oracle.cpp - Does a file still fail? -------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Oracle.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

using namespace llvm;

namespace attn {
namespace {

/// A file for what a try says; gone with this object.
class Scratch {
public:
  Scratch() {
    // Without one the try says nothing, and then it does not fail as wanted.
    (void)sys::fs::createTemporaryFile("attn-reduce", "txt", path);
    remover.setFile(path);
  }
  StringRef name() const { return path; }
  std::string read() const {
    ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(path);
    return buffer ? (*buffer)->getBuffer().str() : "";
  }

private:
  SmallString<128> path;
  FileRemover remover;
};

/// The first message of an error without its place and its numbers, which
/// change as the file becomes smaller.
std::string messageOf(StringRef text) {
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  for (StringRef line : lines) {
    size_t at = line.find("error: ");
    if (at == StringRef::npos)
      continue;
    std::string message;
    for (char c : line.drop_front(at + 7))
      if (!isDigit(c))
        message += c;
    return message;
  }
  return "";
}

} // namespace

Oracle::Oracle(std::string fails, std::string self, ProbeOptions probe,
               unsigned seconds)
    : kind(std::move(fails)), self(std::move(self)), options(std::move(probe)),
      seconds(seconds) {
  options.judge = kind == "wrong-value";
}

bool Oracle::isCommand() const {
  return kind != "crash" && kind != "wrong-value" && kind != "error";
}

std::string Oracle::failureOf(int code, StringRef problem, StringRef output,
                              StringRef errors) const {
  // -2: a signal, or out of time.
  bool killed = code == -2 && !problem.contains("timed out");
  if (kind == "crash") {
    StringRef rooms = output.trim();
    StringRef last = rooms.substr(rooms.rfind('\n') + 1);
    return killed ? (problem + (rooms.empty() ? " before the first room"
                                              : " past " + last))
                        .str()
                  : "";
  }
  if (kind == "wrong-value")
    return code == numbersOff ? "numbers off" : "";
  if (kind == "error")
    return code == 1 ? "error: " + messageOf(errors) : "";
  if (code == 0 || (code == -2 && !killed))
    return "";
  std::string message = messageOf((errors + output).str());
  return (killed ? problem.str() : "exit code " + std::to_string(code)) +
         (message.empty() ? "" : ", error: " + message);
}

std::string Oracle::failureOf(StringRef path) {
  std::string judge = options.judge ? "--probe=judge" : "--probe=call";
  std::string target = "--target=" + options.target,
              entry = "--entry=" + options.entry,
              fault = "--plant=" + options.fault, command = kind;
  SmallVector<StringRef> arguments;
  StringRef program = self;
  if (isCommand()) {
    program = "/bin/sh";
    if (!StringRef(command).contains("%s"))
      command += " %s";
    for (size_t at; (at = command.find("%s")) != std::string::npos;)
      command.replace(at, 2, path);
    arguments = {program, "-c", command};
  } else {
    arguments = {program, judge, target, entry, fault, path};
  }
  Scratch output, errors;
  std::optional<StringRef> redirects[] = {StringRef(""), output.name(),
                                          errors.name()};
  std::string problem;
  int code = sys::ExecuteAndWait(program, arguments, std::nullopt, redirects,
                                 seconds, /*MemoryLimit=*/0, &problem);
  seen = errors.read();
  return failureOf(code, problem, output.read(), seen);
}

Error Oracle::learn(StringRef path) {
  wanted = failureOf(path);
  if (!wanted.empty())
    return Error::success();
  StringRef message = StringRef(seen).trim().split('\n').first;
  message.consume_front("error: ");
  std::string other = message.empty() ? "" : ("; it said: " + message).str();
  return createStringError(
      isCommand() ? "the command does not fail on the file"
                  : "--fails=" + kind + ": the file does not fail so" + other);
}

} // namespace attn
