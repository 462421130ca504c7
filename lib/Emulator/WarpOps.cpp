//===- WarpOps.cpp - Instructions of one warp on registers ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// shfl, vote, redux, elect, setmaxnreg, as the PTX ISA defines them.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Text.h"

#include <algorithm>

using namespace attn::emulator;

namespace {

/// Kinds as nvvm numbers them.
enum ShuffleKind { kButterfly, kUp, kDown, kIndex };
enum VoteKind { kAny, kAll, kBallot, kUniform };
enum ReduxKind { kAdd = 1, kAnd, kMax, kMin, kOr, kUMax, kUMin, kXor };

struct Shuffle {
  uint32_t value, offset, maskAndClamp;
  uint32_t result;
};

/// The lane that `lane` reads; its own when the source leaves the segment.
uint32_t sourceLane(const Shuffle &s, uint32_t lane, int32_t kind) {
  uint32_t clamp = s.maskAndClamp & 31, segment = s.maskAndClamp >> 8 & 31;
  uint32_t last = (lane & segment) | (clamp & ~segment);
  uint32_t first = lane & segment, offset = s.offset & 31;
  switch (kind) {
  case kUp: {
    int32_t source = int32_t(lane) - int32_t(offset);
    return source >= int32_t(last) ? source : lane;
  }
  case kDown:
    return lane + offset <= last ? lane + offset : lane;
  case kButterfly:
    return (lane ^ offset) <= last ? lane ^ offset : lane;
  default: {
    uint32_t source = first | (offset & ~segment);
    return source <= last ? source : lane;
  }
  }
}

template <typename F>
void forLanes(uint32_t mask, F visit) {
  for (uint32_t lane = 0; lane < kWarpLanes; ++lane)
    if (mask >> lane & 1)
      visit(lane);
}

struct Vote {
  bool predicate;
  uint32_t result;
};

struct Redux {
  int32_t value, result;
};

int32_t combine(int32_t a, int32_t b, int32_t kind) {
  switch (kind) {
  case kAdd:
    return int32_t(uint32_t(a) + uint32_t(b));
  case kAnd:
    return a & b;
  case kMax:
    return std::max(a, b);
  case kMin:
    return std::min(a, b);
  case kOr:
    return a | b;
  case kUMax:
    return int32_t(std::max(uint32_t(a), uint32_t(b)));
  case kUMin:
    return int32_t(std::min(uint32_t(a), uint32_t(b)));
  default:
    return a ^ b;
  }
}

} // namespace

extern "C" {

int32_t attn_emu_shfl_sync(int32_t mask, int32_t value, int32_t offset,
                           int32_t maskAndClamp, int32_t kind,
                           const char *site) {
  static const char *const names[] = {"shfl.sync.bfly", "shfl.sync.up",
                                      "shfl.sync.down", "shfl.sync.idx"};
  Machine &machine = Machine::get();
  Shuffle mine{uint32_t(value), uint32_t(offset), uint32_t(maskAndClamp), 0};
  Meeting *meeting =
      machine.meetWarp(names[kind & 3], uint32_t(mask), &mine, site);
  if (!meeting)
    return int32_t(mine.result);
  forLanes(meeting->mask, [&](uint32_t lane) {
    auto *s = static_cast<Shuffle *>(meeting->arguments[lane]);
    uint32_t source = sourceLane(*s, lane, kind);
    if (!(meeting->mask >> source & 1))
      machine.fail(Fault::Divergence, site,
                   format("lane %u reads lane %u, which is not in the mask "
                          "0x%08x",
                          lane, source, meeting->mask));
    s->result = static_cast<Shuffle *>(meeting->arguments[source])->value;
  });
  machine.releaseWarp(meeting);
  return int32_t(mine.result);
}

int32_t attn_emu_vote_sync(int32_t mask, int32_t predicate, int32_t kind,
                           const char *site) {
  Machine &machine = Machine::get();
  Vote mine{predicate != 0, 0};
  Meeting *meeting = machine.meetWarp("vote.sync", uint32_t(mask), &mine, site);
  if (!meeting)
    return int32_t(mine.result);
  uint32_t ballot = 0;
  forLanes(meeting->mask, [&](uint32_t lane) {
    ballot |= uint32_t(static_cast<Vote *>(meeting->arguments[lane])->predicate)
              << lane;
  });
  uint32_t all = meeting->mask;
  uint32_t result = kind == kAny       ? ballot != 0
                    : kind == kAll     ? ballot == all
                    : kind == kUniform ? ballot == all || ballot == 0
                                       : ballot;
  forLanes(all, [&](uint32_t lane) {
    static_cast<Vote *>(meeting->arguments[lane])->result = result;
  });
  machine.releaseWarp(meeting);
  return int32_t(mine.result);
}

int32_t attn_emu_redux_sync(int32_t value, int32_t mask, int32_t kind,
                            const char *site) {
  Machine &machine = Machine::get();
  Redux mine{value, 0};
  Meeting *meeting =
      machine.meetWarp("redux.sync", uint32_t(mask), &mine, site);
  if (!meeting)
    return mine.result;
  uint32_t first = __builtin_ctz(meeting->mask);
  int32_t result = static_cast<Redux *>(meeting->arguments[first])->value;
  forLanes(meeting->mask & ~(1u << first), [&](uint32_t lane) {
    result = combine(
        result, static_cast<Redux *>(meeting->arguments[lane])->value, kind);
  });
  forLanes(meeting->mask, [&](uint32_t lane) {
    static_cast<Redux *>(meeting->arguments[lane])->result = result;
  });
  machine.releaseWarp(meeting);
  return mine.result;
}

int32_t attn_emu_elect_sync(int32_t mask, const char *site) {
  Machine &machine = Machine::get();
  Meeting *meeting =
      machine.meetWarp("elect.sync", uint32_t(mask), nullptr, site);
  if (meeting)
    machine.releaseWarp(meeting);
  // The hardware may elect any lane of the mask; it takes the first.
  return machine.current().lane == uint32_t(__builtin_ctz(uint32_t(mask)));
}

void attn_emu_setmaxregister(int32_t count, int32_t, const char *site) {
  Machine &machine = Machine::get();
  if (count < 24 || count > 256 || count % 8)
    machine.fail(
        Fault::Invalid, site,
        format("expects a multiple of 8 from 24 to 256, but got %d", count));
  // All warps of a warpgroup must execute it; registers are not modelled.
  if (Meeting *meeting = machine.meetWarpgroup("setmaxnreg", nullptr, site))
    machine.releaseWarpgroup(meeting);
}

} // extern "C"
