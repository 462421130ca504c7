//===- PlanChoice.cpp - How an attention is to be computed ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of tiles, one row per vector width and number of query vectors.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/PlanChoice.h"

#include "NVVMPlan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

namespace {
/// Tiles of S^T = K Q^T and O^T = V^T P^T with queries in the lanes. A tile
/// needs key_rows * query_vectors accumulators, query_vectors operands and one
/// broadcast at once; below 8 accumulators the latency of the fused
/// multiply-add shows.
struct Tiles {
  unsigned f32Lanes;
  int64_t queryVectors, keyRows, valueRows;
  /// Keys per softmax step where D is at most 64 or unknown, and above.
  int64_t keyBlock, keyBlockLargeD;
};
} // namespace

// The first row of a width is the tile for long queries.
static constexpr Tiles kTiles[] = {
    // AVX-512, 32 registers: 16 + 4 + 1, which leaves room for the constants of
    // the exponentials: 3 to 5 % better than 24 + 3 + 1 at 2048 keys. 64 keys
    // keep a block of P and of V in 48 KiB of L1 beside the queries.
    {16, 4, 4, 4, 64, 64},
    {16, 3, 8, 8, 64, 64},
    {16, 2, 8, 8, 64, 64},
    {16, 1, 8, 8, 64, 64},
    // AVX2, 16 registers: 12 + 3 + 1. A block of V and of P must stay in 32 KiB
    // of L1, hence fewer keys where rows are long.
    {8, 3, 4, 4, 128, 64},
    {8, 2, 4, 4, 128, 64},
    {8, 1, 8, 8, 128, 64},
    // NEON, 32 registers: 16 + 4 + 1.
    {4, 4, 4, 4, 64, 64},
    {4, 3, 4, 4, 64, 64},
    {4, 2, 4, 4, 64, 64},
    {4, 1, 8, 8, 64, 64},
};

/// The largest tile that the queries fill.
static const Tiles &tilesFor(unsigned f32Lanes, int64_t lanes,
                             int64_t queries) {
  const auto *first = llvm::find_if(
      kTiles, [&](const Tiles &tiles) { return tiles.f32Lanes == f32Lanes; });
  assert(first != std::end(kTiles) && "a vector width without tiles");
  if (ShapedType::isDynamic(queries))
    return *first;
  int64_t vectors = std::max<int64_t>(1, llvm::divideCeil(queries, lanes));
  while (first->queryVectors > vectors)
    ++first; // down to one vector, in every width's last row
  return *first;
}

// Few queries: the lanes of the form `decode` are channels, so that none stays
// empty, up to as many queries as half of the widest register's lanes.
static constexpr int64_t kDecodeQueries = 8;
// Keys of a softmax step: rows of K and V that stay in L1 between their phases.
static constexpr int64_t kDecodeKeys = 32;
// Channels are walked in straight code.
static constexpr int64_t kDecodeChannels = 640;

/// Whether the machine multiplies bf16 in pairs of channels, and there are
/// such.
static bool wantsBF16Products(const PlanRequest &request,
                              const TargetInfo &target) {
  return request.elementType.isBF16() && target.hasBF16Products() &&
         request.headDim >= 2 && request.headDim % 2 == 0 &&
         request.valueDim >= 1;
}

/// Whether queries are so few that lanes of queries would stay empty.
static bool wantsDecode(const PlanRequest &request, int64_t lanes) {
  auto fits = [](int64_t channels) {
    return channels >= 1 && channels <= kDecodeChannels;
  };
  return request.queries >= 1 &&
         request.queries <= std::min(kDecodeQueries, lanes) &&
         fits(request.headDim) && fits(request.valueDim);
}

/// The rule uses a capture that is read at both m and n.
static bool readsByElement(SdpaOp op, Region &rule) {
  if (rule.empty())
    return false;
  ArrayRef<BlockArgument> arguments = rule.front().getArguments();
  for (auto [map, argument] :
       llvm::zip_equal(op.getCaptureMapValues(),
                       arguments.take_back(op.getCaptures().size())))
    if (map.isFunctionOfDim(2) && map.isFunctionOfDim(3) &&
        !argument.use_empty())
      return true;
  return false;
}

/// Sums of two such with a position fit in 32 bits.
static bool hasHugeConstant(Region &rule) {
  constexpr unsigned bits = 30;
  return rule
      .walk([](arith::ConstantIndexOp op) {
        return llvm::isInt<bits + 1>(op.value()) ? WalkResult::advance()
                                                 : WalkResult::interrupt();
      })
      .wasInterrupted();
}

PlanRequest PlanRequest::of(SdpaOp op) {
  auto dim = [](Value value, AffineMap layout, unsigned d) {
    return getLogicalDim(cast<ShapedType>(value.getType()), layout, d);
  };
  PlanRequest request;
  request.queries = dim(op.getQuery(), op.getQueryLayout(), 2);
  request.keys = dim(op.getKey(), op.getKeyLayout(), 2);
  request.headDim = dim(op.getQuery(), op.getQueryLayout(), 3);
  request.valueDim = dim(op.getValue(), op.getValueLayout(), 3);
  request.elementType = getElementTypeOrSelf(op.getQuery().getType());
  request.wantsWeights = bool(op.getWeights());
  request.masks = !op.getMask().empty();
  request.scores = !op.getScore().empty();
  request.scoresByTensor = readsByElement(op, op.getScore());
  request.masksByTensor = readsByElement(op, op.getMask());
  for (AffineMap layout : {op.getQueryLayout(), op.getKeyLayout(),
                           op.getValueLayout(), op.getOutputLayout()})
    request.hasDenseRows &= getLayoutPosition(layout, 3) == 3;
  for (Region *rule : {&op.getScore(), &op.getMask()})
    request.hasHugeConstants |= hasHugeConstant(*rule);
  request.isEmpty = llvm::any_of(
      ValueRange{op.getQuery(), op.getKey(), op.getValue()}, [](Value value) {
        return llvm::is_contained(cast<ShapedType>(value.getType()).getShape(),
                                  0);
      });
  return request;
}

/// What no room but Linalg can do; empty where another can.
static std::string reasonForLinalg(const PlanRequest &request,
                                   const TargetInfo &target) {
  if (target.kind == TargetKind::Linalg)
    return "the target is linalg";
  if (request.wantsWeights)
    return "the weights are a result, so the scores must stand in memory";
  if (request.isEmpty)
    return "a dimension is 0"; // and a slice may not begin at its end
  return "";
}

PlanAttr attn::generalPlan(MLIRContext *context) {
  return PlanAttr::get(context, Room::Linalg, Form::Unfused, 1, 1, 1, 1, 1, 1,
                       1, 1, 0, false);
}

PlanChoice attn::choosePlan(const PlanRequest &request,
                            const TargetInfo &target) {
  MLIRContext *context = request.elementType.getContext();
  PlanChoice linalg{generalPlan(context), reasonForLinalg(request, target)};
  if (!linalg.reason.empty())
    return linalg;
  if (target.isNVVM()) {
    PlanChoice choice = chooseNVVMPlan(request, target);
    if (choice.plan)
      return choice;
    linalg.reason = choice.reason;
    return linalg;
  }
  assert(target.isResolved() && "a CPU target without a vector width");
  // A register holds half as many f64.
  int64_t lanes = getAccumulatorTypeFor(request.elementType).isF64()
                      ? target.f32Lanes / 2
                      : target.f32Lanes;
  std::string reason =
      llvm::formatv("{0} lanes of {1} on {2}", lanes,
                    lanes == target.f32Lanes ? "f32" : "f64", target.name);
  if (wantsDecode(request, lanes))
    // Accumulators that leave room for the operands: 16 of 32 registers of
    // AVX-512 and NEON, 8 of 16 of AVX2.
    return {PlanAttr::get(context, Room::CPU, Form::Decode, lanes, 1, 1,
                          /*valueRows=*/target.f32Lanes == 8 ? 8 : 16,
                          kDecodeKeys, request.queries, 1, 1, 0, false),
            reason + ", of channels, as queries are few"};
  const Tiles &tiles = tilesFor(target.f32Lanes, lanes, request.queries);
  bool largeD = std::max(request.headDim, request.valueDim) > 64;
  bool bf16Products = wantsBF16Products(request, target);
  if (bf16Products)
    reason += ", bf16 in pairs";
  PlanAttr plan = PlanAttr::get(
      context, Room::CPU, Form::Flash, lanes, tiles.queryVectors, tiles.keyRows,
      tiles.valueRows, largeD ? tiles.keyBlockLargeD : tiles.keyBlock,
      lanes * tiles.queryVectors, /*warpgroups=*/1, /*stages=*/1,
      /*blocks=*/0, bf16Products);
  return {plan, reason};
}
