//===- HostTools.cpp - Programs of the machine that we run ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CUDA toolkit and the Python package lay the same files out differently,
// and neither has to be on the search path.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Host.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <cstdlib>

using namespace llvm;

namespace attn {
namespace {

StringRef variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

/// `<root>/<parts>` when it can be executed, or nothing.
std::string programIn(StringRef root, const Twine &rest) {
  SmallString<256> path(root);
  sys::path::append(path, rest);
  bool usable = !root.empty() && sys::fs::can_execute(path) &&
                !sys::fs::is_directory(path);
  return usable ? std::string(path) : std::string();
}

/// ptxas of the package nvidia-cuda-nvcc in a Python prefix.
std::string ptxasOfPython(StringRef prefix) {
  SmallString<256> lib(prefix);
  sys::path::append(lib, "lib");
  std::error_code code;
  for (sys::fs::directory_iterator it(lib, code), end; !code && it != end;
       it.increment(code))
    if (sys::path::filename(it->path()).starts_with("python3"))
      for (StringRef folder : {"cu13", "cu14", "cuda_nvcc"})
        if (std::string found = programIn(
                it->path(), "site-packages/nvidia/" + folder + "/bin/ptxas");
            !found.empty())
          return found;
  return "";
}

std::string ptxasOfToolkit() {
  for (const char *name : {"CUDA_HOME", "CUDA_PATH"})
    if (std::string found = programIn(variable(name), "bin/ptxas");
        !found.empty())
      return found;
  if (auto found = sys::findProgramByName("ptxas"))
    return *found;
  return programIn("/usr/local/cuda", "bin/ptxas");
}

std::string ptxasOfEnvironment() {
  if (std::string found = ptxasOfPython(variable("VIRTUAL_ENV"));
      !found.empty())
    return found;
  if (auto python = sys::findProgramByName("python3"))
    if (std::string found = ptxasOfPython(
            sys::path::parent_path(sys::path::parent_path(*python)));
        !found.empty())
      return found;
  static int anchor; // any address in this program
  std::string program = sys::fs::getMainExecutable("", &anchor);
  for (StringRef above = sys::path::parent_path(program); !above.empty();
       above = sys::path::parent_path(above)) {
    SmallString<256> environment(above);
    sys::path::append(environment, ".venv");
    if (std::string found = ptxasOfPython(environment); !found.empty())
      return found;
    if (std::string found = ptxasOfPython(above); !found.empty())
      return found;
  }
  return "";
}

} // namespace

Expected<std::string> findPtxas() {
  if (StringRef named = variable("ATTN_MLIR_PTXAS"); !named.empty()) {
    if (std::string found = programIn(named, ""); !found.empty())
      return found;
    return createStringError(inconvertibleErrorCode(),
                             "ATTN_MLIR_PTXAS names '" + named +
                                 "', which is no program");
  }
  if (std::string found = ptxasOfToolkit(); !found.empty())
    return found;
  if (std::string found = ptxasOfEnvironment(); !found.empty())
    return found;
  return createStringError(
      inconvertibleErrorCode(),
      "ptxas not found in ATTN_MLIR_PTXAS, CUDA_HOME, CUDA_PATH, PATH, "
      "/usr/local/cuda or the Python environment: install the CUDA toolkit "
      "(13 or newer) or the Python package nvidia-cuda-nvcc");
}

Expected<std::string> findLinker(const TargetInfo &target) {
  Triple triple(target.triple);
  std::string cross = (triple.getArchName() + "-linux-gnu-ld").str();
  SmallVector<StringRef> names = {"ld.lld-22", "ld.lld", cross};
  // The linker without a prefix is that of this machine.
  if (triple.getArch() == Triple(sys::getProcessTriple()).getArch())
    names.push_back("ld");
  for (StringRef name : names)
    if (ErrorOr<std::string> path = sys::findProgramByName(name))
      return *path;
  return createStringError(inconvertibleErrorCode(),
                           "no linker in PATH: expected one of " +
                               join(names, ", "));
}

} // namespace attn
