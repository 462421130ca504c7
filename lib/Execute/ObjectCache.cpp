//===- ObjectCache.cpp - Compiled entries between processes ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM's localCache and pruneCache are not used: the first installs signal
// handlers for its temporary files, which is not a library's to do, and the
// second aborts when the folder is removed under it.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/ObjectCache.h"
#include "attn/Execute/Host.h"
#include "attn/Support/PendingFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace attn {
namespace {

constexpr StringLiteral entrySuffix = ".attn", writingSuffix = ".writing";
/// After this a file that is still being written belongs to nobody.
constexpr std::chrono::hours abandoned(1);

struct File {
  std::string path;
  uint64_t bytes;
  sys::TimePoint<> written;
  bool isEntry;
};

/// Our files in the folder. Those that vanish meanwhile are left out.
std::vector<File> list(StringRef folder) {
  std::vector<File> files;
  std::error_code code;
  for (sys::fs::directory_iterator it(folder, code), end; it != end && !code;
       it.increment(code)) {
    StringRef path = it->path();
    bool isEntry = path.ends_with(entrySuffix);
    if (!isEntry && !path.ends_with(writingSuffix))
      continue;
    if (ErrorOr<sys::fs::basic_file_status> status = it->status())
      files.push_back({path.str(), status->getSize(),
                       status->getLastModificationTime(), isEntry});
  }
  return files;
}

/// Adds a text so that no two lists of texts have one hash.
void add(BLAKE3 &hasher, StringRef text) {
  hasher.update(Twine(text.size()).str() + ":");
  hasher.update(text);
}

} // namespace

ObjectCache::ObjectCache(std::string folder, std::string buildId,
                         uint64_t maxBytes)
    : folder(buildId.empty() ? "" : std::move(folder)),
      buildId(std::move(buildId)), maxBytes(maxBytes) {}

ObjectCache &ObjectCache::ofProcess() {
  static ObjectCache cache(hostCacheFolder(), hostBuildId());
  return cache;
}

std::string ObjectCache::keyOf(StringRef source, StringRef entry,
                               const TargetInfo &target) const {
  BLAKE3 hasher;
  std::string targetText = target.str();
  for (StringRef part :
       {StringRef(buildId), StringRef(targetText), StringRef(target.triple),
        StringRef(target.cpu), StringRef(target.features), entry, source})
    add(hasher, part);
  return toHex(hasher.final<16>(), /*LowerCase=*/true);
}

std::string ObjectCache::pathOf(StringRef key) const {
  SmallString<128> path(folder);
  sys::path::append(path, key + entrySuffix);
  return path.str().str();
}

std::unique_ptr<Executable> ObjectCache::find(StringRef source, StringRef entry,
                                              const TargetInfo &target) const {
  if (folder.empty())
    return nullptr;
  std::optional<CompiledEntry> found = read(keyOf(source, entry, target));
  if (!found)
    return nullptr;
  Expected<std::unique_ptr<Executable>> executable =
      Executable::load(std::move(*found));
  if (executable)
    return std::move(*executable);
  // It cannot be linked: as good as damaged.
  consumeError(executable.takeError());
  return nullptr;
}

Expected<std::unique_ptr<Executable>>
ObjectCache::compile(StringRef source, StringRef name, StringRef entry,
                     const TargetInfo &target) {
  if (Error error = checkRunsHere(target))
    return std::move(error);
  if (std::unique_ptr<Executable> found = find(source, entry, target))
    return found;
  Compiler compiler;
  Expected<Compiler::Module> module = compiler.parseText(source, name);
  if (!module)
    return module.takeError();
  PipelineOptions options;
  options.target = target;
  Expected<CompiledEntry> compiled =
      compiler.compileToObject(**module, entry, options);
  if (!compiled)
    return compiled.takeError();
  keep(source, entry, target, *compiled);
  return Executable::load(std::move(*compiled));
}

std::optional<CompiledEntry> ObjectCache::read(StringRef key) const {
  // Read, not mapped: another process may be writing where a person has put a
  // file by hand.
  ErrorOr<std::unique_ptr<MemoryBuffer>> file =
      MemoryBuffer::getFile(pathOf(key), /*IsText=*/false,
                            /*RequiresNullTerminator=*/false,
                            /*IsVolatile=*/true);
  if (!file)
    return std::nullopt;
  return CompiledEntry::parse((*file)->getBuffer(), key);
}

Error ObjectCache::tryWrite(const std::string &path, StringRef bytes) const {
  if (std::error_code code = sys::fs::create_directories(
          folder, /*IgnoreExisting=*/true, sys::fs::owner_all))
    return errorCodeToError(code);
  Expected<PendingFile> file = PendingFile::create(path, writingSuffix);
  if (!file)
    return file.takeError();
  file->os() << bytes;
  return file->keep();
}

void ObjectCache::keep(StringRef source, StringRef entry,
                       const TargetInfo &target,
                       const CompiledEntry &compiled) {
  if (folder.empty())
    return;
  std::string key = keyOf(source, entry, target);
  Error error = tryWrite(pathOf(key), compiled.serialize(key));
  prune();
  if (!error)
    return;
  std::lock_guard<std::mutex> lock(mutex);
  if (!warned)
    warning = "the cache in " + folder + " cannot be written to (" +
              toString(std::move(error)) +
              "); compiled code is kept in memory only";
  else
    consumeError(std::move(error));
  warned = true;
}

std::string ObjectCache::takeWarning() {
  std::lock_guard<std::mutex> lock(mutex);
  return std::exchange(warning, "");
}

void ObjectCache::prune() const {
  std::vector<File> files = list(folder);
  sys::TimePoint<> now = std::chrono::system_clock::now();
  uint64_t bytes = 0;
  for (const File &file : files) {
    if (!file.isEntry && now - file.written > abandoned)
      sys::fs::remove(file.path);
    bytes += file.isEntry ? file.bytes : 0;
  }
  llvm::sort(files, [](const File &a, const File &b) {
    return std::tie(a.written, a.path) < std::tie(b.written, b.path);
  });
  for (const File &file : files) {
    if (bytes <= maxBytes)
      break;
    if (!file.isEntry)
      continue;
    sys::fs::remove(file.path);
    bytes -= file.bytes;
  }
}

ObjectCache::Contents ObjectCache::contents() const {
  Contents contents{folder, 0, 0, maxBytes};
  for (const File &file : list(folder)) {
    contents.files += file.isEntry;
    contents.bytes += file.bytes;
  }
  return contents;
}

Error ObjectCache::clear() {
  for (const File &file : list(folder))
    if (std::error_code code = sys::fs::remove(file.path))
      return createStringError(code, file.path + ": " + code.message());
  return Error::success();
}

} // namespace attn
