//===- HostProcess.cpp - The process and its environment ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which code runs, and where it may keep things.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Host.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

#include <link.h>

using namespace llvm;

namespace attn {
namespace {

/// The value of a variable that holds an absolute path, or nothing.
std::optional<std::string> pathVariable(StringRef name) {
  std::optional<std::string> value = sys::Process::GetEnv(name);
  if (!value || !sys::path::is_absolute(*value))
    return std::nullopt;
  return value;
}

std::string under(StringRef folder, StringRef more) {
  SmallString<128> path(folder);
  sys::path::append(path, more);
  return path.str().str();
}

/// The build id in a note of a loaded object, in hexadecimal digits.
std::string buildIdOf(const dl_phdr_info &object) {
  for (const ElfW(Phdr) &header :
       ArrayRef(object.dlpi_phdr, object.dlpi_phnum)) {
    if (header.p_type != PT_NOTE)
      continue;
    auto *at =
        reinterpret_cast<const char *>(object.dlpi_addr + header.p_vaddr);
    const char *end = at + header.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      auto *note = reinterpret_cast<const ElfW(Nhdr) *>(at);
      const char *name = at + sizeof *note;
      const char *bytes = name + alignTo(note->n_namesz, 4);
      if (note->n_type == NT_GNU_BUILD_ID &&
          StringRef(name, note->n_namesz) == StringRef("GNU\0", 4))
        return toHex(StringRef(bytes, note->n_descsz), /*LowerCase=*/true);
      at = bytes + alignTo(note->n_descsz, 4);
    }
  }
  return "";
}

bool holds(const dl_phdr_info &object, uintptr_t address) {
  for (const ElfW(Phdr) &header : ArrayRef(object.dlpi_phdr, object.dlpi_phnum))
    if (header.p_type == PT_LOAD &&
        address - (object.dlpi_addr + header.p_vaddr) < header.p_memsz)
      return true;
  return false;
}

struct BuildIds {
  std::string ours, others;
};

int addBuildId(dl_phdr_info *object, size_t, void *text) {
  // This code, and what it is linked to when MLIR is a library of its own.
  StringRef file = sys::path::filename(object->dlpi_name);
  bool isOurs = holds(*object, reinterpret_cast<uintptr_t>(&hostBuildId));
  if (!isOurs && !file.starts_with("libMLIR") && !file.starts_with("libLLVM"))
    return 0;
  std::string id = buildIdOf(*object);
  auto *ids = static_cast<BuildIds *>(text);
  if (isOurs)
    ids->ours = id;
  else
    ids->others += "," + id;
  return 0;
}

} // namespace

std::string hostCacheFolder() {
  if (std::optional<std::string> folder =
          sys::Process::GetEnv("ATTN_MLIR_CACHE_DIR")) {
    SmallString<128> path(*folder);
    if (path.empty() || sys::fs::make_absolute(path))
      return "";
    return path.str().str();
  }
  if (std::optional<std::string> caches = pathVariable("XDG_CACHE_HOME"))
    return under(*caches, "attn-mlir");
  if (std::optional<std::string> home = pathVariable("HOME"))
    return under(under(*home, ".cache"), "attn-mlir");
  return "";
}

std::string hostBuildId() {
  BuildIds ids;
  dl_iterate_phdr(addBuildId, &ids);
  return ids.ours.empty() ? "" : ids.ours + ids.others;
}

} // namespace attn
