//===- CpuLevels.cpp - The levels of one object ---------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A level is compiled with those features alone that code can ask for when it
// runs: what it cannot ask for it would use without knowing.
//
// cpuid leaves and bits: Intel SDM volume 2A, CPUID; AMD APM volume 3, E.
//
//===----------------------------------------------------------------------===//

#include "lib/Execute/CpuLevels.h"

#include "attn/Execute/AheadOfTime.h"
#include "attn/Execute/Host.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <tuple>

using namespace llvm;

namespace attn {
namespace {

constexpr CpuidBit bits[] = {
    {"cx8", 1, 0, CpuidBit::EDX, 8, CpuidBit::Plain},
    {"cmov", 1, 0, CpuidBit::EDX, 15, CpuidBit::Plain},
    {"mmx", 1, 0, CpuidBit::EDX, 23, CpuidBit::Plain},
    {"fxsr", 1, 0, CpuidBit::EDX, 24, CpuidBit::Plain},
    {"sse", 1, 0, CpuidBit::EDX, 25, CpuidBit::Plain},
    {"sse2", 1, 0, CpuidBit::EDX, 26, CpuidBit::Plain},
    {"sse3", 1, 0, CpuidBit::ECX, 0, CpuidBit::Plain},
    {"ssse3", 1, 0, CpuidBit::ECX, 9, CpuidBit::Plain},
    {"fma", 1, 0, CpuidBit::ECX, 12, CpuidBit::Vector},
    {"cx16", 1, 0, CpuidBit::ECX, 13, CpuidBit::Plain},
    {"sse4.1", 1, 0, CpuidBit::ECX, 19, CpuidBit::Plain},
    {"sse4.2", 1, 0, CpuidBit::ECX, 20, CpuidBit::Plain},
    {"movbe", 1, 0, CpuidBit::ECX, 22, CpuidBit::Plain},
    {"popcnt", 1, 0, CpuidBit::ECX, 23, CpuidBit::Plain},
    {"avx", 1, 0, CpuidBit::ECX, 28, CpuidBit::Vector},
    {"f16c", 1, 0, CpuidBit::ECX, 29, CpuidBit::Vector},
    {"bmi", 7, 0, CpuidBit::EBX, 3, CpuidBit::Plain},
    {"avx2", 7, 0, CpuidBit::EBX, 5, CpuidBit::Vector},
    {"bmi2", 7, 0, CpuidBit::EBX, 8, CpuidBit::Plain},
    {"avx512f", 7, 0, CpuidBit::EBX, 16, CpuidBit::Wide},
    {"avx512dq", 7, 0, CpuidBit::EBX, 17, CpuidBit::Wide},
    {"avx512ifma", 7, 0, CpuidBit::EBX, 21, CpuidBit::Wide},
    {"avx512cd", 7, 0, CpuidBit::EBX, 28, CpuidBit::Wide},
    {"avx512bw", 7, 0, CpuidBit::EBX, 30, CpuidBit::Wide},
    {"avx512vl", 7, 0, CpuidBit::EBX, 31, CpuidBit::Wide},
    {"avx512vbmi", 7, 0, CpuidBit::ECX, 1, CpuidBit::Wide},
    {"avx512vbmi2", 7, 0, CpuidBit::ECX, 6, CpuidBit::Wide},
    {"gfni", 7, 0, CpuidBit::ECX, 8, CpuidBit::Vector},
    {"avx512vnni", 7, 0, CpuidBit::ECX, 11, CpuidBit::Wide},
    {"avx512bitalg", 7, 0, CpuidBit::ECX, 12, CpuidBit::Wide},
    {"avx512vpopcntdq", 7, 0, CpuidBit::ECX, 14, CpuidBit::Wide},
    {"avx512bf16", 7, 1, CpuidBit::EAX, 5, CpuidBit::Wide},
    {"lzcnt", 0x80000001, 0, CpuidBit::ECX, 5, CpuidBit::Plain},
    {"sahf", 0x80000001, 0, CpuidBit::ECX, 0, CpuidBit::Plain},
};

/// What every CPU of an architecture has.
bool isBaseline(const TargetInfo &target, StringRef feature) {
  return target.isX86() ? is_contained({"64bit", "x87"}, feature)
                        : is_contained({"neon", "fp-armv8", "v8a"}, feature);
}

/// Leaves out the features that nobody could ask for when the code runs. On
/// AArch64 those are all above the baseline: asking is the operating system's.
TargetInfo askable(TargetInfo target) {
  SmallVector<StringRef> features;
  for (StringRef feature : split(target.features, ',')) {
    StringRef name = feature;
    if (!name.consume_front("+"))
      continue;
    bool isKnown =
        any_of(bits, [&](const CpuidBit &bit) { return bit.name == name; });
    if (isBaseline(target, name) || (target.isX86() && isKnown))
      features.push_back(feature);
  }
  target.features = join(features, ",");
  return target;
}

} // namespace

ArrayRef<CpuidBit> cpuidBits() { return bits; }

Expected<std::vector<TargetInfo>> resolveLevels(StringRef text) {
  std::vector<TargetInfo> levels;
  auto [kind, names] = text.split(':');
  SmallVector<StringRef> parts;
  names.split(parts, '+');
  for (StringRef name : parts) {
    Expected<TargetInfo> level = resolveTarget(
        text.contains(':') ? (kind + ":" + name).str() : text.str());
    if (!level)
      return level.takeError();
    if (level->isNVVM())
      return createStringError(
          "target '" + text +
          "': expected cpu, cpu:<name> or linalg, of which C "
          "functions can be made");
    if (any_of(levels, [&](const TargetInfo &other) {
          return other.name == level->name;
        }))
      return createStringError("target '" + text + "' names '" + level->name +
                               "' twice");
    levels.push_back(askable(*level));
    if (levels.back().triple != levels.front().triple)
      return createStringError("target '" + text +
                               "': expected levels of one architecture");
  }
  auto rank = [](const TargetInfo &level) {
    return std::make_tuple(level.f32Lanes, StringRef(level.features).count('+'),
                           StringRef(level.name));
  };
  sort(levels, [&](const TargetInfo &a, const TargetInfo &b) {
    return rank(a) < rank(b);
  });
  return levels;
}

} // namespace attn
