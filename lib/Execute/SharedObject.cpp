//===- SharedObject.cpp - From an object to a shared one ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// lld has no library in every LLVM package, so that the linker is a child
// process on temporary files. No C compiler is needed.
//
//===----------------------------------------------------------------------===//

#include "lib/Execute/CInterface.h"
#include "lib/Execute/TemporaryFile.h"

#include "attn/Execute/Host.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Program.h"

#include <cstring>

using namespace llvm;

namespace attn {

constexpr unsigned timeLimitSeconds = 120;

Expected<std::string> linkShared(StringRef object, const TargetInfo &target) {
  Expected<std::string> linker = findLinker(target);
  if (!linker)
    return linker.takeError();
  TemporaryFile input, output, log;
  for (auto [file, suffix] : {std::pair(&input, "o"), std::pair(&output, "so"),
                              std::pair(&log, "log")})
    if (Error error = file->create(suffix, "the linker"))
      return std::move(error);
  if (Error error = input.write(object))
    return std::move(error);
  SmallVector<StringRef> arguments = {
      *linker, "-shared",        "-z", "noexecstack", "-z",
      "defs",  "--eh-frame-hdr", "-o", output.path,   input.path.str()};
  std::optional<StringRef> redirects[] = {std::nullopt, log.path.str(),
                                          log.path.str()};
  std::string message;
  int status = sys::ExecuteAndWait(*linker, arguments, std::nullopt, redirects,
                                   timeLimitSeconds, 0, &message);
  if (status != 0) {
    std::string text = log.read();
    StringRef first = status < 0 ? StringRef(message)
                                 : StringRef(text).trim().split('\n').first;
    // `ld: error: ...` would look like an error of ours.
    if (size_t at = first.find("error: "); at != StringRef::npos)
      first = first.substr(at + strlen("error: "));
    return createStringError(inconvertibleErrorCode(),
                             "linking with " + *linker + " failed: " +
                                 (first.empty() ? "it said nothing" : first));
  }
  return output.read();
}

} // namespace attn
