//===- TemporaryFile.h - A file for a child process -------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTE_TEMPORARYFILE_H
#define ATTN_LIB_EXECUTE_TEMPORARYFILE_H

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

namespace attn {

/// Removed at the end of the scope.
struct TemporaryFile {
  llvm::SmallString<128> path;

  TemporaryFile() = default;
  TemporaryFile(const TemporaryFile &) = delete;
  ~TemporaryFile() {
    if (!path.empty())
      llvm::sys::fs::remove(path);
  }

  /// Makes it, empty. `user` is the program that wants it, for the error.
  llvm::Error create(llvm::StringRef suffix, llvm::StringRef user) {
    if (std::error_code code =
            llvm::sys::fs::createTemporaryFile("attn", suffix, path))
      return llvm::createStringError(code, "no temporary file for " + user +
                                               ": " + code.message());
    return llvm::Error::success();
  }

  llvm::Error write(llvm::StringRef bytes) {
    std::error_code code;
    llvm::raw_fd_ostream os(path, code);
    if (!code) {
      os << bytes;
      os.close();
      code = os.error();
      os.clear_error();
    }
    if (code)
      return llvm::createStringError(code, path + ": " + code.message());
    return llvm::Error::success();
  }

  /// The contents; empty when it cannot be read.
  std::string read() const {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    return buffer ? (*buffer)->getBuffer().str() : std::string();
  }
};

} // namespace attn

#endif // ATTN_LIB_EXECUTE_TEMPORARYFILE_H
