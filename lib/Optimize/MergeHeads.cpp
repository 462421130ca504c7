//===- MergeHeads.cpp - The pass attn-optimize-merge-heads ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which heads share is decided by pure functions; BlockHeads makes the block.
//
//===----------------------------------------------------------------------===//

#include "BlockHeads.h"
#include "HeadList.h"
#include "attn/Optimize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/EquivalenceClasses.h"

#include <numeric>

namespace attn {
#define GEN_PASS_DEF_OPTIMIZEMERGEHEADSPASS
#include "attn/Optimize/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr auto kRemark =
    remark::RemarkOpts::name("MergeHeads").category("attn-optimize");

/// Key heads with equal keys and values; every head is in one class.
using Classes = std::vector<HeadGroup>;

/// Keys and values of heads `a` and `b` are made of the same bits.
static bool areEqual(const BlockShape &shape,
                     ArrayRef<std::optional<WeightBytes>> weights,
                     ArrayRef<std::optional<WeightBytes>> biases, int64_t a,
                     int64_t b) {
  for (unsigned part : {1, 2}) {
    unsigned i = shape.weightOf(part);
    Stripe rowsA = shape.rowsOf(part, a), rowsB = shape.rowsOf(part, b);
    if (!weights[i] || !weights[i]->isEqual(0, rowsA, rowsB))
      return false;
    if (shape.biased && (!biases[i] || !biases[i]->isEqual(0, rowsA, rowsB)))
      return false;
  }
  return true;
}

static Classes findEqual(MhaOp op, const BlockShape &shape) {
  SmallVector<std::optional<WeightBytes>> weights, biases;
  for (Value weight : op.getWeights())
    weights.push_back(WeightBytes::of(weight));
  for (Value bias : op.getBiases())
    biases.push_back(WeightBytes::of(bias));
  Classes classes;
  for (int64_t g = 0; g < shape.keyHeads; ++g) {
    auto same = llvm::find_if(classes, [&](const HeadGroup &members) {
      return areEqual(shape, weights, biases, members.front(), g);
    });
    if (same != classes.end())
      same->push_back(g);
    else
      classes.push_back({g});
  }
  return classes;
}

/// What a person says to be equal; heads that are not named stand alone.
static Classes classesOf(const BlockShape &shape, ArrayRef<HeadGroup> groups) {
  llvm::EquivalenceClasses<int64_t> joined;
  for (int64_t g = 0; g < shape.keyHeads; ++g)
    joined.insert(g);
  for (const HeadGroup &group : groups)
    for (int64_t g : group)
      joined.unionSets(group.front(), g);
  Classes classes;
  llvm::DenseMap<int64_t, size_t> at;
  for (int64_t g = 0; g < shape.keyHeads; ++g) {
    auto [place, isNew] =
        at.try_emplace(joined.getLeaderValue(g), classes.size());
    if (isNew)
      classes.emplace_back();
    classes[place->second].push_back(g);
  }
  return classes;
}

/// Query heads of each class; those in one group compute the same.
using ClassQueries = std::vector<std::vector<HeadGroup>>;

static ClassQueries queriesOf(const BlockShape &shape, const Classes &classes) {
  ClassQueries queries;
  for (const HeadGroup &members : classes) {
    queries.emplace_back();
    for (int64_t g : members)
      for (int64_t h = g * shape.group(); h < (g + 1) * shape.group(); ++h)
        queries.back().push_back({h});
  }
  return queries;
}

/// The same, with query heads of equal weights in one group.
static ClassQueries joinTwins(MhaOp op, const BlockShape &shape,
                              const ClassQueries &queries) {
  std::optional<WeightBytes> weight = WeightBytes::of(op.getWeights()[0]), bias;
  if (shape.biased)
    bias = WeightBytes::of(op.getBiases()[0]);
  if (!weight || (shape.biased && !bias))
    return queries;
  auto areTwins = [&](int64_t a, int64_t b) {
    Stripe rowsA = shape.rowsOf(0, a), rowsB = shape.rowsOf(0, b);
    return weight->isEqual(0, rowsA, rowsB) &&
           (!bias || bias->isEqual(0, rowsA, rowsB));
  };
  ClassQueries joined;
  for (const std::vector<HeadGroup> &own : queries) {
    joined.emplace_back();
    for (const HeadGroup &query : own) {
      auto same = llvm::find_if(joined.back(), [&](const HeadGroup &group) {
        return areTwins(group.front(), query.front());
      });
      if (same != joined.back().end())
        same->append(query);
      else
        joined.back().push_back(query);
    }
  }
  return joined;
}

/// A clause has a value for each query head.
static bool hasValuePerHead(MhaOp op) {
  auto differs = [](Value mask) {
    auto type = mask ? cast<RankedTensorType>(mask.getType()) : nullptr;
    return type && type.getRank() >= 3 &&
           type.getDimSize(type.getRank() - 3) != 1;
  };
  return op.getAlibi() || op.getSinks() || op.getRelativeBias() ||
         differs(op.getAdditive()) || differs(op.getKeep()) ||
         differs(op.getBlockSparse());
}

/// Query heads side by side by class, in groups of one size, the largest that
/// there is. Nothing when that saves no head.
static std::optional<HeadChoice> chooseShared(const BlockShape &shape,
                                              const Classes &classes,
                                              const ClassQueries &queries) {
  int64_t group = 0;
  for (const std::vector<HeadGroup> &own : queries)
    group = std::gcd(group, int64_t(own.size()));
  HeadChoice choice;
  for (auto [members, own] : llvm::zip_equal(classes, queries)) {
    for (const HeadGroup &query : own) {
      choice.query.push_back(query.front());
      choice.twins.emplace_back(llvm::drop_begin(query));
    }
    choice.key.append(own.size() / group, members.front());
  }
  if (int64_t(choice.query.size()) == shape.heads) {
    choice.twins.clear();
    if (int64_t(choice.key.size()) == shape.keyHeads)
      return std::nullopt;
  }
  return choice;
}

/// True when a block with the heads of `a` has less to do than one with those
/// of `b`.
static bool isCheaper(BlockShape shape, const HeadChoice &a,
                      const HeadChoice &b) {
  auto work = [&](const HeadChoice &choice) {
    shape.heads = choice.query.size();
    shape.keyHeads = choice.key.size();
    BlockCost cost = BlockCost::of(shape);
    return std::make_pair(cost.flopPerQuery + cost.flopPerKey,
                          cost.flopPerPair);
  };
  return work(a) < work(b);
}

/// With or without query heads that compute the same, whichever is cheaper.
static std::optional<HeadChoice> chooseEqual(MhaOp op, const BlockShape &shape,
                                             const Classes &classes) {
  ClassQueries queries = queriesOf(shape, classes);
  std::optional<HeadChoice> shared = chooseShared(shape, classes, queries);
  std::optional<WeightBytes> output = WeightBytes::of(op.getWeights().back());
  if (!output || !output->canAdd() || hasValuePerHead(op))
    return shared;
  std::optional<HeadChoice> joined =
      chooseShared(shape, classes, joinTwins(op, shape, queries));
  if (!joined || !whyFixed(op, *joined).empty())
    return shared;
  return !shared || isCheaper(shape, *joined, *shared) ? joined : shared;
}

static std::string sizesOf(const Classes &classes) {
  return listHeads(llvm::map_to_vector(classes, [](const HeadGroup &members) {
    return int64_t(members.size());
  }));
}

static void share(RewriterBase &rewriter, MhaOp op, const BlockShape &shape,
                  const HeadChoice &choice) {
  std::string saved = chooseHeads(rewriter, op, choice);
  std::string heads;
  if (int64_t(choice.query.size()) != shape.heads)
    heads =
        (Twine(choice.query.size()) + " heads for " + Twine(shape.heads) + ", ")
            .str();
  remark::passed(op.getLoc(), kRemark)
      << (heads + Twine(choice.key.size()) + " key heads for " +
          Twine(shape.keyHeads) + ": " + saved)
             .str();
}

namespace {
struct OptimizeMergeHeadsPass final
    : attn::impl::OptimizeMergeHeadsPassBase<OptimizeMergeHeadsPass> {
  using Base::Base;

  void runOnOperation() override {
    if (failed(mergeNamed()))
      return signalPassFailure();
    if (equal)
      getOperation().walk([this](MhaOp op) { mergeEqual(op); });
  }

private:
  LogicalResult mergeNamed() {
    FailureOr<NamedHeads> named =
        findNamedHeads(getOperation(), llvm::to_vector(heads), function,
                       [](MhaOp op) { return op.getNumKvHeads(); });
    if (failed(named))
      return failure();
    IRRewriter rewriter(&getContext());
    for (auto &[block, groups] : *named) {
      auto op = cast<MhaOp>(block);
      std::optional<BlockShape> shape = BlockShape::of(op);
      if (!shape)
        return op.emitOpError("cannot share key heads: its weights are of "
                              "dynamic size or empty");
      Classes classes = classesOf(*shape, groups);
      std::optional<HeadChoice> choice =
          chooseShared(*shape, classes, queriesOf(*shape, classes));
      if (!choice)
        return op.emitOpError("cannot share key heads: expected classes whose "
                              "sizes have a common divisor, found classes of ")
               << sizesOf(classes);
      if (std::string reason = whyFixed(op, *choice); !reason.empty())
        return op.emitOpError("cannot share key heads: ") << reason;
      share(rewriter, op, *shape, *choice);
    }
    return success();
  }

  void mergeEqual(MhaOp op) {
    std::optional<BlockShape> shape = BlockShape::of(op);
    if (!shape)
      return;
    Classes classes = findEqual(op, *shape);
    std::optional<HeadChoice> choice = chooseEqual(op, *shape, classes);
    if (!choice && int64_t(classes.size()) == shape->keyHeads)
      return;
    std::string reason =
        choice ? whyFixed(op, *choice)
               : "the sizes of their classes have no common divisor: " +
                     sizesOf(classes);
    if (!reason.empty()) {
      remark::missed(op.getLoc(), kRemark)
          << remark::reason("equal key heads stay apart: {0}", reason);
      return;
    }
    IRRewriter rewriter(&getContext());
    share(rewriter, op, *shape, *choice);
  }
};
} // namespace
