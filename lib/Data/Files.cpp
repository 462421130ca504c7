//===- Files.cpp - Opening files and choosing their reader ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Data/Readers.h"

#include "Hostile.h"

#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace attn;
using namespace attn::data;

Expected<StringRef> FileCache::open(StringRef path) {
  auto found = files.find(path);
  if (found != files.end()) {
    return found->second->getBuffer();
  }
  // A device or a pipe may never end.
  sys::fs::file_status status;
  if (std::error_code failed = sys::fs::status(path, status)) {
    return makeError("cannot open '" + toOneLine(path) +
                     "': " + failed.message());
  }
  if (status.type() != sys::fs::file_type::regular_file) {
    return makeError("cannot open '" + toOneLine(path) +
                     "': expected a regular file");
  }
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(
      path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer) {
    return makeError("cannot open '" + toOneLine(path) +
                     "': " + buffer.getError().message());
  }
  StringRef bytes = (*buffer)->getBuffer();
  files[path] = std::move(*buffer);
  return bytes;
}

Expected<Tensor> attn::data::readFile(FileCache &files, StringRef path,
                                      StringRef member) {
  const bool npy = path.ends_with(".npy"), npz = path.ends_with(".npz");
  if (!npy && !npz && !path.ends_with(".safetensors")) {
    return makeError("expected a .npy, .npz or .safetensors file, found '" +
                     toOneLine(path) + "'");
  }
  if (!npy && member.empty()) {
    return makeError("expected the name of a tensor after '" + toOneLine(path) +
                     ":'");
  }
  Expected<StringRef> bytes = files.open(path);
  if (!bytes) {
    return bytes.takeError();
  }
  const std::string name = toOneLine(path);
  if (npy) {
    return readNpy(*bytes, name);
  }
  return npz ? readNpz(*bytes, member, name)
             : readSafetensors(*bytes, member, name);
}
