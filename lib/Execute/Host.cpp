//===- Host.cpp - The machine that the compiler runs on -------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A name says more than a list of features (it brings scheduling models), but a
// virtual machine may hide what the name promises. So the name is kept only if
// nothing that sets the vector width or a plan is hidden; else an x86-64 level
// stands in for it.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Host.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <vector>

using namespace llvm;

namespace attn {
namespace {

const StringMap<bool> &hostFeatures() {
  static const StringMap<bool> features = sys::getHostCPUFeatures();
  return features;
}

/// True for the features that LLVM uses without being asked by an intrinsic.
/// The others of a CPU's list (enclaves, protection keys) do not matter to code
/// that we make.
bool usedByCodegen(StringRef feature) {
  for (StringRef prefix : {"sse", "avx", "fma", "bmi"})
    if (feature.starts_with(prefix))
      return true;
  return is_contained(
      {"f16c", "lzcnt", "popcnt", "movbe", "gfni", "ssse3", "cmov"}, feature);
}

/// True for an entry of a feature string that code might use and this machine
/// lacks.
bool isMissing(StringRef feature) {
  return feature.consume_front("+") && usedByCodegen(feature) &&
         !hostFeatures().lookup(feature);
}

/// The first feature of `target` that this machine lacks and that compiled code
/// might use.
std::string firstMissing(const TargetInfo &target) {
  for (StringRef feature : split(target.features, ','))
    if (isMissing(feature))
      return feature.drop_front().str();
  return "";
}

/// Turns off what this machine hides.
void subtractMissing(TargetInfo &target) {
  std::vector<std::string> features;
  for (StringRef feature : split(target.features, ','))
    features.push_back(
        (isMissing(feature) ? "-" + feature.drop_front() : feature).str());
  target.features = join(features, ",");
}

Expected<TargetInfo> resolveX86(StringRef kind) {
  Expected<TargetInfo> named =
      TargetInfo::parse((kind + ":" + sys::getHostCPUName()).str());
  if (named) {
    unsigned lanes = named->f32Lanes;
    auto has = [](StringRef feature) { return hostFeatures().lookup(feature); };
    bool hidesVectors = !has("avx2") || !has("fma") ||
                        (lanes == 16 && !(has("avx512f") && has("avx512dq") &&
                                          has("avx512vl"))) ||
                        (named->hasBF16Products() && !has("avx512bf16"));
    if (!hidesVectors) {
      subtractMissing(*named);
      return named;
    }
  } else {
    consumeError(named.takeError());
  }
  for (StringRef level : {"x86-64-v4", "x86-64-v3"}) {
    TargetInfo info = cantFail(TargetInfo::parse((kind + ":" + level).str()));
    if (firstMissing(info).empty())
      return info;
  }
  return createStringError(inconvertibleErrorCode(),
                           "target '" + kind +
                               "': this machine has no avx2 and fma");
}

} // namespace

Expected<TargetInfo> resolveTarget(StringRef text) {
  Expected<TargetInfo> info = TargetInfo::parse(text);
  if (!info || info->isResolved())
    return info;
  if (info->isNVVM())
    return createStringError(inconvertibleErrorCode(),
                             "target '" + text + "' names no chip: expected " +
                                 text + ":sm_90a or another");
  if (Triple(sys::getProcessTriple()).isX86())
    return resolveX86(text);
  Expected<TargetInfo> named =
      TargetInfo::parse((text + ":" + sys::getHostCPUName()).str());
  if (named)
    return named;
  consumeError(named.takeError());
  return TargetInfo::parse((text + ":armv8-a").str());
}

TargetInfo codeTarget(const TargetInfo &target) {
  if (target.kind != TargetKind::NVVMEmulation)
    return target;
  bool isX86 = Triple(sys::getProcessTriple()).isX86();
  return cantFail(TargetInfo::parse(isX86 ? "cpu:x86-64-v3" : "cpu:armv8-a"));
}

Error checkRunsHere(const TargetInfo &target) {
  if (target.kind == TargetKind::NVVMEmulation)
    return checkRunsHere(codeTarget(target));
  Triple host(sys::getProcessTriple());
  if (Triple(target.triple).getArch() != host.getArch())
    return createStringError(inconvertibleErrorCode(),
                             "target '" + target.str() +
                                 "' cannot run here: this machine is " +
                                 host.getArchName());
  if (std::string missing = firstMissing(target); !missing.empty())
    return createStringError(inconvertibleErrorCode(),
                             "target '" + target.str() +
                                 "' cannot run here: this machine has no " +
                                 missing);
  return Error::success();
}

} // namespace attn
