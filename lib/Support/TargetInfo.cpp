//===- TargetInfo.cpp - What a target string means ------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU names, levels and their features are LLVM's own tables
// (TargetParser), so that a name which this file accepts is one that code
// generation knows as well.
//
//===----------------------------------------------------------------------===//

#include "attn/Support/TargetInfo.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/AArch64TargetParser.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <vector>

using namespace llvm;

namespace attn {
namespace {

/// Fills in an x86-64 CPU or level.
Error fillX86(TargetInfo &info, StringRef text, StringRef cpu) {
  SmallVector<StringRef> named;
  X86::getFeaturesForCPU(cpu, named);
  // The table names only some of a level's features and leaves the others to be
  // implied.
  StringMap<bool> all;
  for (StringRef feature : named) {
    all[feature] = true;
    X86::updateImpliedFeatures(feature, /*Enabled=*/true, all);
  }
  SmallVector<std::string> features;
  for (const StringMapEntry<bool> &entry : all)
    if (entry.second)
      features.push_back(("+" + entry.first()).str());
  sort(features); // a StringMap has no order of its own
  info.cpu = cpu.str();
  info.triple = "x86_64-unknown-linux-gnu";
  info.features = join(features, ",");
  for (StringRef needed : {"avx2", "fma"})
    if (!info.hasFeature(needed))
      return createStringError("target '" + text + "' has no " + needed +
                               ": expected an x86-64 CPU with avx2 and fma");
  bool wide = info.hasFeature("avx512f") && info.hasFeature("avx512dq") &&
              info.hasFeature("avx512vl");
  info.f32Lanes = wide ? 16 : 8;
  info.vectorRegisters = wide ? 32 : 16;
  return Error::success();
}

/// Fills in an AArch64 CPU (`cpuName`) with the extensions it is known to have.
Error fillAArch64(TargetInfo &info, StringRef text, StringRef cpuName,
                  const AArch64::ArchInfo &arch,
                  const AArch64::ExtensionBitset &extensions) {
  std::vector<StringRef> features;
  features.push_back(arch.ArchFeature);
  AArch64::getExtensionFeatures(extensions, features);
  info.cpu = cpuName.str();
  info.triple = "aarch64-unknown-linux-gnu";
  info.features = join(features, ",");
  if (!info.hasFeature("neon"))
    return createStringError(
        "target '" + text + "' has no neon: expected an aarch64 CPU with neon");
  info.f32Lanes = 4;
  info.vectorRegisters = 32;
  return Error::success();
}

Error fillCPU(TargetInfo &info, StringRef text, StringRef name) {
  if (X86::parseArchX86(name, /*Only64Bit=*/true) != X86::CK_None)
    return fillX86(info, text, name);
  if (std::optional<AArch64::CpuInfo> cpu = AArch64::parseCpu(name))
    return fillAArch64(info, text, name, cpu->Arch, cpu->DefaultExtensions);
  if (const AArch64::ArchInfo *arch = AArch64::parseArch(name))
    return fillAArch64(info, text, "generic", *arch, arch->DefaultExts);
  return createStringError("unknown target '" + text +
                           "': no x86-64 or aarch64 CPU or level is named '" +
                           name + "'");
}

/// Chips with bf16 tensor cores and asynchronous copies. The suffix `a` says
/// that the code may use what only this chip has (wgmma, setmaxnreg).
constexpr StringLiteral kChips[] = {"sm_80", "sm_86", "sm_87",
                                    "sm_89", "sm_90", "sm_90a"};

Error fillNVVM(TargetInfo &info, StringRef text, StringRef chip) {
  if (!is_contained(kChips, chip))
    return createStringError("unknown target '" + text + "': expected one of " +
                             join(std::begin(kChips), std::end(kChips), ", ") +
                             ", but got '" + chip + "'");
  info.cpu = chip.str();
  info.triple = "nvptx64-nvidia-cuda";
  info.features = "+ptx80";
  return Error::success();
}

/// The word before the colon.
StringRef kindName(TargetKind kind) {
  switch (kind) {
  case TargetKind::CPU:
    return "cpu";
  case TargetKind::Linalg:
    return "linalg";
  case TargetKind::NVVM:
    return "nvvm";
  case TargetKind::NVVMEmulation:
    return "nvvm-emulation";
  }
  llvm_unreachable("all kinds are listed");
}

} // namespace

Expected<TargetInfo> TargetInfo::parse(StringRef text) {
  TargetInfo info;
  auto [kind, name] = text.split(':');
  constexpr TargetKind kinds[] = {TargetKind::CPU, TargetKind::Linalg,
                                  TargetKind::NVVM, TargetKind::NVVMEmulation};
  const TargetKind *found = find_if(
      kinds, [kind = kind](TargetKind k) { return kindName(k) == kind; });
  if (found == std::end(kinds))
    return createStringError(
        "unknown target '" + text +
        "': expected cpu, cpu:<name>, linalg, nvvm:<chip> or "
        "nvvm-emulation:<chip>");
  info.kind = *found;
  if (!text.contains(':'))
    return info;
  if (name.empty())
    return createStringError("target '" + text + "' names no " +
                             (info.isNVVM() ? "chip" : "CPU") + ": expected " +
                             kind + " or " + kind + ":<name>");
  info.name = name.str();
  if (Error error = info.isNVVM() ? fillNVVM(info, text, name)
                                  : fillCPU(info, text, name))
    return std::move(error);
  return info;
}

bool TargetInfo::hasFeature(StringRef name) const {
  for (StringRef feature : split(features, ','))
    if (feature.consume_front("+") && feature == name)
      return true;
  return false;
}

std::string TargetInfo::str() const {
  std::string text = kindName(kind).str();
  return isResolved() ? text + ":" + name : text;
}

} // namespace attn
