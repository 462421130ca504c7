//===- PendingFile.h - A file that appears when it is whole -----*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Written beside its place and renamed, so that nobody finds half of it and an
// old file stays when the new one cannot be written.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_PENDINGFILE_H
#define ATTN_SUPPORT_PENDINGFILE_H

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>
#include <string>

namespace attn {

/// Errors are the system's words alone; the caller adds the path. Removed at
/// the end unless it was kept.
class PendingFile {
public:
  /// `path` is where it shall be: a new file, an old one, a link to one, or
  /// something that is written to as it stands (a device, a pipe). `suffix` is
  /// how its name ends meanwhile.
  static llvm::Expected<PendingFile> create(llvm::StringRef path,
                                            llvm::StringRef suffix = ".part");
  PendingFile(PendingFile &&other);
  ~PendingFile();

  llvm::raw_ostream &os() { return *stream; }

  /// Ends the writing; fails when not all was written. Once.
  llvm::Error finish();
  /// The same unless it has ended, and puts the file in its place.
  llvm::Error keep();

private:
  PendingFile() = default;

  std::unique_ptr<llvm::raw_fd_ostream> stream;
  std::string place;
  std::string temporary; ///< empty when `place` itself is written to
};

} // namespace attn

#endif // ATTN_SUPPORT_PENDINGFILE_H
