//===- NVVMPlan.cpp - Plans for tensor cores ------------------------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of tiles for sm_90a. A thread block computes 64 queries per
// consumer warpgroup. Two bounds make the rows: shared memory, for a tile of
// queries and two stages of keys and values, is at most 227 KB; and a consumer
// has 240 registers per thread (160 with three of them) for O, the newest
// scores, their operand form and about 28 more.
//
//===----------------------------------------------------------------------===//

#include "NVVMPlan.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;

namespace {
/// Tiles for head sizes up to (headDim, valueDim), and the keys of a softmax
/// step by what is done to the scores. Where some keys are dropped a smaller
/// block wastes less at the edge of the mask; rules and what
/// they load for each element take registers. 0: too many for this number of
/// warpgroups.
struct HopperTiles {
  int64_t headDim, valueDim;
  int64_t warpgroups;
  int64_t keyBlock, masked, scored, byElement;
};
} // namespace

// Each entry compiles without spills (ptxas 13.0).
static constexpr HopperTiles kHopperTiles[] = {
    {64, 64, 3, 128, 128, 128, 0},    //  88 KB
    {128, 128, 2, 176, 128, 128, 96}, // 208 KB; masked 160 KB
    {192, 128, 2, 128, 128, 112, 64}, // 208 KB
    {192, 192, 2, 112, 112, 80, 64},  // 216 KB
    {256, 256, 2, 80, 80, 64, 32},    // 224 KB
};

static int64_t keyBlockFor(const HopperTiles &tiles,
                           const PlanRequest &request) {
  bool isLarge = request.headDim > 128; // smaller heads leave room for rules
  if (request.masksByTensor || (request.scoresByTensor && isLarge))
    return tiles.byElement;
  if (request.masks)
    return request.scores ? tiles.scored : tiles.masked;
  return request.scores && isLarge ? tiles.scored : tiles.keyBlock;
}

/// Why there is no tensor-core kernel; empty where there is one.
static std::string declineReason(const PlanRequest &request) {
  if (!request.elementType.isF16() && !request.elementType.isBF16())
    return "the tensor-core kernels take f16 and bf16";
  for (int64_t size : {request.headDim, request.valueDim}) {
    if (ShapedType::isDynamic(size))
      return "the tensor-core kernels need the head size in the type";
    if (size < 8 || size > 256 || size % 8 != 0)
      return llvm::formatv("the tensor-core kernels take head sizes that are "
                           "multiples of 8 up to 256, not {0}",
                           size);
  }
  if (!request.hasDenseRows)
    return "the channels of a head are not neighbours in memory";
  if (request.hasHugeConstants) // positions have 32 bits in a kernel
    return "a rule has an index constant beyond 2^30";
  return "";
}

PlanChoice attn::chooseNVVMPlan(const PlanRequest &request,
                                const TargetInfo &target) {
  std::string reason = declineReason(request);
  if (reason.empty() && target.cpu != "sm_90a")
    reason = "there is no tensor-core kernel for " + target.cpu;
  if (!reason.empty())
    return {nullptr, reason};
  for (const HopperTiles &tiles : kHopperTiles) {
    int64_t keyBlock = keyBlockFor(tiles, request);
    if (request.headDim > tiles.headDim || request.valueDim > tiles.valueDim ||
        keyBlock == 0)
      continue;
    PlanAttr plan = PlanAttr::get(
        request.elementType.getContext(), Room::NVVM, Form::Flash, /*lanes=*/1,
        /*queryVectors=*/1, /*keyRows=*/1, /*valueRows=*/1, keyBlock,
        64 * tiles.warpgroups, tiles.warpgroups, /*stages=*/2,
        /*blocks=*/0, /*bf16Products=*/false);
    return {plan, llvm::formatv("tiles for head sizes up to {0} and {1} on {2}",
                                tiles.headDim, tiles.valueDim, target.name)};
  }
  return {nullptr, "no tile fits the head sizes"};
}

PlanAttr attn::smallerNVVMPlan(PlanAttr plan) {
  // Blocks for which the products of all head sizes have instructions.
  static constexpr int64_t kKeyBlocks[] = {128, 112, 96, 80, 64, 48, 32, 16};
  int64_t keyBlock = plan.getKeyBlock(), warpgroups = plan.getWarpgroups();
  if (warpgroups > 2) {
    warpgroups = 2;
  } else {
    const int64_t *next = llvm::find_if(
        kKeyBlocks, [&](int64_t keys) { return keys < plan.getKeyBlock(); });
    if (next == std::end(kKeyBlocks))
      return nullptr;
    keyBlock = *next;
  }
  return PlanAttr::get(plan.getContext(), plan.getRoom(), plan.getForm(),
                       plan.getLanes(), plan.getQueryVectors(),
                       plan.getKeyRows(), plan.getValueRows(), keyBlock,
                       64 * warpgroups, warpgroups, plan.getStages(),
                       plan.getBlocks(), plan.getBf16Products());
}
