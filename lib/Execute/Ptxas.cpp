//===- Ptxas.cpp - From PTX text to machine code --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ptxas has no library, so it is a child process on temporary files with a time
// limit.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Ptxas.h"
#include "lib/Execute/TemporaryFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"

using namespace llvm;

namespace attn {
namespace {

/// A kernel takes about a third of a second.
constexpr unsigned timeLimitSeconds = 120;

/// The number before (or, with `after`, behind) `word` in `line`, or 0.
unsigned numberAt(StringRef line, StringRef pattern) {
  SmallVector<StringRef, 2> groups;
  unsigned value = 0;
  if (Regex(pattern).match(line, &groups))
    (void)groups[1].getAsInteger(10, value);
  return value;
}

/// Messages about the wgmma pipeline and setmaxnreg; others (C7500: a global
/// symbol is unused, and so on) say nothing of speed.
bool isSlowdown(StringRef line) {
  SmallVector<StringRef, 2> groups;
  if (!Regex("\\(?(C75[0-9][0-9])\\)?").match(line, &groups))
    return false;
  return is_contained({"C7508", "C7510", "C7511", "C7512", "C7513", "C7514",
                       "C7515", "C7516", "C7517", "C7518", "C7519"},
                      groups[1]);
}

/// Puts ptxas's complaint into words that say what to do.
Error explain(StringRef ptxas, StringRef chip, StringRef output) {
  if (output.contains("is not defined for option 'gpu-name'"))
    return createStringError("ptxas (" + ptxas + ") does not know '" + chip +
                             "': expected a CUDA toolkit that supports it");
  if (output.contains("Unsupported .version"))
    return createStringError("ptxas (" + ptxas +
                             ") is too old for the PTX of '" + chip +
                             "': expected that of CUDA 13 or newer");
  StringRef first = output.trim();
  for (StringRef line : split(output, '\n'))
    if (line.contains("error") || line.contains("fatal")) {
      first = line.trim();
      break;
    }
  return createStringError(
      "ptxas (" + ptxas +
      ") failed: " + (first.empty() ? StringRef("it said nothing") : first));
}

} // namespace

const KernelResources *PtxasReport::find(StringRef kernel) const {
  auto it = find_if(kernels, [&](const KernelResources &resources) {
    return resources.name == kernel;
  });
  return it == kernels.end() ? nullptr : &*it;
}

PtxasReport parsePtxasOutput(StringRef output) {
  PtxasReport report;
  for (StringRef line : split(output, '\n')) {
    SmallVector<StringRef, 2> groups;
    if (isSlowdown(line)) {
      StringRef text = line.split(':').second.trim();
      report.slowdowns.push_back((text.empty() ? line.trim() : text).str());
    }
    if (Regex("Compiling entry function '([^']+)'").match(line, &groups)) {
      report.kernels.emplace_back();
      report.kernels.back().name = groups[1].str();
    }
    if (report.kernels.empty())
      continue;
    KernelResources &kernel = report.kernels.back();
    if (line.contains("bytes stack frame")) {
      kernel.stackBytes = numberAt(line, "([0-9]+) bytes stack frame");
      kernel.spillStoreBytes = numberAt(line, "([0-9]+) bytes spill stores");
      kernel.spillLoadBytes = numberAt(line, "([0-9]+) bytes spill loads");
    } else if (line.contains("Used ")) {
      kernel.registers = numberAt(line, "Used ([0-9]+) registers");
      kernel.barriers = numberAt(line, "used ([0-9]+) barriers");
      kernel.sharedBytes = numberAt(line, "([0-9]+) bytes smem");
    }
  }
  return report;
}

Expected<Cubin> assemble(const Ptx &ptx, StringRef ptxas) {
  TemporaryFile input, output, log;
  for (auto [file, suffix] :
       {std::pair(&input, "ptx"), std::pair(&output, "cubin"),
        std::pair(&log, "log")})
    if (Error error = file->create(suffix, "ptxas"))
      return std::move(error);
  if (Error error = input.write(ptx.text))
    return std::move(error);
  std::string arch = "-arch=" + ptx.chip;
  StringRef arguments[] = {ptxas, "-v", arch, input.path, "-o", output.path};
  std::optional<StringRef> redirects[] = {std::nullopt, log.path.str(),
                                          log.path.str()};
  std::string message;
  int status = sys::ExecuteAndWait(ptxas, arguments, std::nullopt, redirects,
                                   timeLimitSeconds, 0, &message);
  std::string text = log.read();
  if (status < 0)
    return createStringError("ptxas (" + ptxas +
                             ") did not finish: " + message);
  if (status != 0)
    return explain(ptxas, ptx.chip, text);
  Cubin cubin{output.read(), parsePtxasOutput(text)};
  if (cubin.bytes.empty() || cubin.report.kernels.empty())
    return explain(ptxas, ptx.chip, text);
  return cubin;
}

} // namespace attn
