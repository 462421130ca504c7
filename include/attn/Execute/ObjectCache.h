//===- ObjectCache.h - Compiled entries between processes -------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A folder with one file per compiled entry. Any number of processes may use it
// at once, without locks: a file is written under another name and renamed.
// Whatever goes wrong in the folder, compilation goes on without it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_OBJECTCACHE_H
#define ATTN_EXECUTE_OBJECTCACHE_H

#include "attn/Execute/Compiler.h"

#include <mutex>

namespace attn {

class ObjectCache {
public:
  /// An empty `folder` means none: nothing is found, nothing kept. Of the files
  /// the oldest go when all are larger than `maxBytes`. `buildId` stands for
  /// the compiler: what another made is not found.
  ObjectCache(std::string folder, std::string buildId,
              uint64_t maxBytes = uint64_t(1) << 30);

  /// The cache of this process, where Host says.
  static ObjectCache &ofProcess();

  /// Finds an entry, or compiles and keeps it. No MLIR is made for one that is
  /// found. `name` is what locations call the source.
  llvm::Expected<std::unique_ptr<Executable>> compile(llvm::StringRef source,
                                                      llvm::StringRef name,
                                                      llvm::StringRef entry,
                                                      const TargetInfo &target);

  /// The two halves of compile, for those who look at the modules between:
  /// an entry that was kept, or null, and keeping one.
  std::unique_ptr<Executable> find(llvm::StringRef source,
                                   llvm::StringRef entry,
                                   const TargetInfo &target) const;
  void keep(llvm::StringRef source, llvm::StringRef entry,
            const TargetInfo &target, const CompiledEntry &compiled);

  /// What is wrong with the folder, once; empty when nothing is, or when it was
  /// said before.
  std::string takeWarning();

  struct Contents {
    std::string folder; ///< empty: there is no cache
    uint64_t files = 0, bytes = 0, maxBytes = 0;
  };
  Contents contents() const;
  /// Removes all entries and what interrupted writes left.
  llvm::Error clear();

private:
  std::string keyOf(llvm::StringRef source, llvm::StringRef entry,
                    const TargetInfo &target) const;
  std::string pathOf(llvm::StringRef key) const;
  std::optional<CompiledEntry> read(llvm::StringRef key) const;
  llvm::Error tryWrite(const std::string &path, llvm::StringRef bytes) const;
  void prune() const;

  std::string folder, buildId;
  uint64_t maxBytes;
  std::mutex mutex; ///< guards what follows
  std::string warning;
  bool warned = false;
};

} // namespace attn

#endif // ATTN_EXECUTE_OBJECTCACHE_H
