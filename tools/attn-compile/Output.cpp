//===- Output.cpp - Where attn-compile writes -----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Output.h"

#include "attn/Execute/AheadOfTime.h"
#include "attn/Support/PendingFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace attn {
namespace {

Error at(StringRef path, Error error) {
  return error ? createStringError(path + ": " + toString(std::move(error)))
               : Error::success();
}

Error writeToStdout(StringRef bytes) {
  outs() << bytes;
  outs().flush();
  std::error_code code = outs().error();
  outs().clear_error();
  return at("-", errorCodeToError(code));
}

/// A file that has been written but does not stand in its place yet.
Expected<PendingFile> write(StringRef path, StringRef bytes) {
  Expected<PendingFile> file = PendingFile::create(path);
  if (!file)
    return at(path, file.takeError());
  file->os() << bytes;
  if (Error error = file->finish())
    return at(path, std::move(error));
  return file;
}

/// Nobody's own header is written over.
Error checkHeaderPlace(StringRef header, StringRef output) {
  if (header == output)
    return createStringError(
        "-o " + output +
        ": expected another suffix, for the header goes there");
  if (!sys::fs::exists(header))
    return Error::success();
  auto old = MemoryBuffer::getFile(header);
  if (!old)
    return createStringError(header + ": " + old.getError().message());
  if (!isCHeader((*old)->getBuffer()))
    return createStringError(header +
                             ": the header would go there, but a file that is "
                             "no header of attn-compile is in its place");
  return Error::success();
}

} // namespace

Error writeFile(StringRef path, StringRef bytes) {
  Expected<PendingFile> file = write(path, bytes);
  if (!file)
    return file.takeError();
  return at(path, file->keep());
}

Error writeOutput(const Emitted &emitted, StringRef path) {
  if (path == "-")
    return writeToStdout(emitted.bytes);
  // Nothing goes beside a device or a pipe.
  bool besides = !emitted.header.empty() &&
                 (!sys::fs::exists(path) || sys::fs::is_regular_file(path));
  SmallString<128> headerPath(path);
  sys::path::replace_extension(headerPath, ".h");
  if (besides)
    if (Error error = checkHeaderPlace(headerPath, path))
      return error;
  Expected<PendingFile> output = write(path, emitted.bytes);
  if (!output)
    return output.takeError();
  if (besides) {
    Expected<PendingFile> header = write(headerPath, emitted.header);
    if (!header)
      return header.takeError();
    if (Error error = header->keep())
      return at(headerPath, std::move(error));
  }
  return at(path, output->keep());
}

} // namespace attn
