//===- PendingFile.cpp - A file that appears when it is whole -------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// llvm::sys::fs::TempFile installs signal handlers, which is not a library's to
// do, and llvm::writeToOutput ends the process when the disk is full.
//
//===----------------------------------------------------------------------===//

#include "attn/Support/PendingFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"

#include <utility>

using namespace llvm;

namespace attn {

Expected<PendingFile> PendingFile::create(StringRef path, StringRef suffix) {
  PendingFile file;
  file.place = path.str();
  sys::fs::file_status status;
  bool exists = !sys::fs::status(path, status) && sys::fs::exists(status);
  if (exists && sys::fs::is_directory(status))
    return errorCodeToError(make_error_code(std::errc::is_a_directory));
  if (exists && !sys::fs::is_regular_file(status)) {
    std::error_code code;
    file.stream = std::make_unique<raw_fd_ostream>(path, code);
    if (code)
      return errorCodeToError(code);
    return file;
  }
  // A rename would replace a link, not what it points to.
  SmallString<128> real;
  if (exists && !sys::fs::real_path(path, real))
    file.place = real.str().str();
  int descriptor;
  SmallString<128> temporary;
  if (std::error_code code = sys::fs::createUniqueFile(
          file.place + "-%%%%%%%%" + suffix, descriptor, temporary))
    return errorCodeToError(code);
  file.temporary = temporary.str().str();
  file.stream =
      std::make_unique<raw_fd_ostream>(descriptor, /*shouldClose=*/true);
  return file;
}

PendingFile::PendingFile(PendingFile &&other)
    : stream(std::move(other.stream)), place(std::move(other.place)),
      temporary(std::exchange(other.temporary, "")) {}

PendingFile::~PendingFile() {
  if (stream)
    consumeError(finish());
  if (!temporary.empty())
    sys::fs::remove(temporary);
}

Error PendingFile::finish() {
  stream->close();
  std::error_code code = stream->error();
  stream->clear_error();
  stream.reset();
  return errorCodeToError(code);
}

Error PendingFile::keep() {
  if (stream)
    if (Error error = finish())
      return error;
  if (temporary.empty())
    return Error::success();
  if (std::error_code code = sys::fs::rename(temporary, place))
    return errorCodeToError(code);
  temporary.clear();
  return Error::success();
}

} // namespace attn
