//===- Optimize.cpp - The order of the room Optimize ----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The only place that knows the order; the reason stands beside the line.
//
//===----------------------------------------------------------------------===//

#include "attn/Optimize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace attn;

static constexpr llvm::StringLiteral kWords[] = {
    "inline-blocks", "fold-moves",  "drop-repeats",
    "prune-heads",   "merge-heads", "fold-affine",
    "fold-scale",    "fold-biases", "one-qkv-product"};

ArrayRef<llvm::StringLiteral> attn::optimizePassWords() { return kWords; }

namespace {
/// What a person asks of the room.
struct Wishes {
  ArrayRef<std::string> prune, merge, without;
  std::string function;

  bool allows(StringRef word) const {
    return !llvm::is_contained(without, word);
  }
};
} // namespace

static void addPasses(OpPassManager &pm, const Wishes &wishes) {
  // Heads are named by the block that a function runs, and found by weights.
  if (wishes.allows("inline-blocks"))
    pm.addPass(createOptimizeInlineBlocksPass(
        {/*all=*/!wishes.prune.empty() || !wishes.merge.empty()}));
  // Repeats are easier to see without moves that undo each other.
  if (wishes.allows("fold-moves"))
    pm.addPass(createOptimizeFoldMovesPass());
  if (wishes.allows("drop-repeats"))
    pm.addPass(createOptimizeDropRepeatsPass());
  // Heads that are gone need no keys to share.
  if (wishes.allows("prune-heads")) {
    OptimizePruneHeadsPassOptions options;
    options.heads = llvm::to_vector(wishes.prune);
    options.function = wishes.function;
    pm.addPass(createOptimizePruneHeadsPass(options));
  }
  if (wishes.allows("merge-heads")) {
    OptimizeMergeHeadsPassOptions options;
    options.heads = llvm::to_vector(wishes.merge);
    options.function = wishes.function;
    pm.addPass(createOptimizeMergeHeadsPass(options));
  }
  // Heads are found by the weights as they were given. Biases that a norm's
  // beta makes may fold on.
  if (wishes.allows("fold-affine"))
    pm.addPass(createOptimizeFoldAffinePass());
  if (wishes.allows("fold-scale"))
    pm.addPass(createOptimizeFoldScalePass());
  if (wishes.allows("fold-biases"))
    pm.addPass(createOptimizeFoldBiasesPass());
  // All others know weights apart better.
  if (wishes.allows("one-qkv-product"))
    pm.addPass(createOptimizeOneQkvProductPass());
}

void attn::buildOptimizePipeline(OpPassManager &pm,
                                 ArrayRef<std::string> without) {
  addPasses(pm, {{}, {}, without, ""});
}

namespace {
struct OptimizeOptions : PassPipelineOptions<OptimizeOptions> {
  ListOption<std::string> prune{
      *this, "prune", llvm::cl::desc("Heads to remove, as LAYER.HEAD")};
  ListOption<std::string> merge{
      *this, "merge",
      llvm::cl::desc("Key heads to share, as LAYER.HEAD+HEAD, by the numbers "
                     "after pruning")};
  Option<std::string> function{
      *this, "function",
      llvm::cl::desc("The function that prune and merge are about")};
  ListOption<std::string> without{
      *this, "without",
      llvm::cl::desc("Passes to leave out: inline-blocks, fold-moves, "
                     "drop-repeats, prune-heads, merge-heads, fold-affine, "
                     "fold-scale, fold-biases, one-qkv-product")};
};
} // namespace

void attn::registerOptimizePipeline() {
  // By hand instead of PassPipelineRegistration, which cannot decline.
  auto build =
      [](OpPassManager &pm, StringRef text,
         function_ref<LogicalResult(const Twine &)> report) -> LogicalResult {
    OptimizeOptions options;
    if (failed(options.parseFromString(text)))
      return failure();
    for (const std::string &word : options.without)
      if (!llvm::is_contained(kWords, word))
        return report("without '" + word + "': expected one of these:\n" +
                      llvm::join(optimizePassWords(), ", "));
    SmallVector<std::string> prune = llvm::to_vector(options.prune),
                             merge = llvm::to_vector(options.merge),
                             without = llvm::to_vector(options.without);
    addPasses(pm, {prune, merge, without, options.function});
    return success();
  };
  registerPassPipeline(
      "attn-optimize",
      "Rewrite whole blocks: fold into weights, remove heads, share key heads",
      build, [](function_ref<void(const mlir::detail::PassOptions &)> handle) {
        handle(OptimizeOptions());
      });
}
