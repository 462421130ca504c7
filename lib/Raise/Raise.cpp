//===- Raise.cpp - The pass attn-raise ------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tries every contraction and tells what came of it.
//
//===----------------------------------------------------------------------===//

#include "Block.h"
#include "Match.h"
#include "attn/Raise/Passes.h"

#include "mlir/Conversion/TosaToArith/TosaToArith.h"
#include "mlir/Conversion/TosaToLinalg/TosaToLinalg.h"
#include "mlir/Conversion/TosaToTensor/TosaToTensor.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/PassManager.h"

namespace attn {
#define GEN_PASS_DEF_RAISEPASS
#include "attn/Raise/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr auto kRemark =
    remark::RemarkOpts::name("Attention").category("attn-raise");

/// `@main line 230`.
static std::string placeOf(Operation *op) {
  std::string text;
  if (auto symbol = op->getParentOfType<SymbolOpInterface>())
    text = "@" + symbol.getName().str();
  if (auto place = op->getLoc()->findInstanceOf<FileLineColLoc>())
    text +=
        (text.empty() ? "line " : " line ") + std::to_string(place.getLine());
  return text.empty() ? "an op without a place" : text;
}

/// Erases `op` and what was computed for it alone.
static void eraseIfDead(Operation *op) {
  llvm::SetVector<Operation *> work;
  work.insert(op);
  while (!work.empty()) {
    Operation *next = work.pop_back_val();
    if (!isOpTriviallyDead(next))
      continue;
    SmallVector<Value> operands(next->getOperands());
    next->erase();
    for (Value operand : operands)
      if (Operation *def = operand.getDefiningOp())
        work.insert(def);
  }
}

/// TOSA as linalg, by upstream's conversions: nothing here compiles TOSA in
/// another way. Validation is left out: it asks for a profile of hardware.
static void buildTosaToLinalg(OpPassManager &pm) {
  tosa::addTosaToLinalgPasses(pm, TosaToLinalgOptions(),
                              TosaToLinalgNamedOptions(),
                              /*validationOptions=*/std::nullopt);
  OpPassManager &functions = pm.nest<func::FuncOp>();
  functions.addPass(createTosaToTensorPass());
  functions.addPass(createTosaToArithPass());
}

namespace {
struct RaisePass final : attn::impl::RaisePassBase<RaisePass> {
  using Base::Base;

  void runOnOperation() override {
    raisedBlocks = 0;
    attentions.clear();
    misses.clear();
    replaced.clear();
    if (failed(convertTosa()))
      return signalPassFailure();
    if (!match)
      return;
    SmallVector<linalg::LinalgOp> products;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (op.hasPureTensorSemantics() && op->getNumResults() == 1 &&
          op.getNumReductionLoops() == 1)
        products.push_back(op);
    });
    // From the last: what is erased with an attention stands before it.
    for (linalg::LinalgOp product : llvm::reverse(products))
      tryProduct(product);
    // Not before: expressions of later products may read them.
    for (Operation *op : replaced)
      eraseIfDead(op);
    raiseBlocks();
    report();
  }

private:
  LogicalResult convertTosa() {
    bool found =
        getOperation()
            .walk([](Operation *op) {
              return isa_and_nonnull<tosa::TosaDialect>(op->getDialect())
                         ? WalkResult::interrupt()
                         : WalkResult::advance();
            })
            .wasInterrupted();
    if (!found)
      return success();
    OpPassManager pm(ModuleOp::getOperationName());
    buildTosaToLinalg(pm);
    if (failed(runPipeline(pm, getOperation())))
      return failure();
    // Shapes that reshapes had as operands.
    getOperation().walk<WalkOrder::PostOrder>([](Operation *op) {
      if (isa_and_nonnull<tosa::TosaDialect>(op->getDialect()) &&
          isOpTriviallyDead(op))
        op->erase();
    });
    return success();
  }

  /// True when it was raised.
  bool tryAs(linalg::LinalgOp product, int64_t heads,
             std::optional<NearMiss> &miss) {
    Finding finding = matchAttention(product, heads);
    miss = finding.miss;
    if (!finding.attention)
      return false;
    std::optional<Attention> farther = goFarther(*finding.attention);
    std::optional<NearMiss> ignored;
    if (farther && raise(*farther, product, ignored))
      return true;
    return raise(*finding.attention, product, miss);
  }

  bool raise(const Attention &attention, linalg::LinalgOp product,
             std::optional<NearMiss> &miss) {
    std::optional<ScoreRule> rule = splitScores(attention, miss);
    if (!rule)
      return false;
    FailureOr<Attended> made = attend(attention, *rule, miss);
    if (failed(made))
      return false;
    attentions.push_back({*made, product->getLoc()});
    replaced.push_back(attention.root.getDefiningOp());
    return true;
  }

  void tryProduct(linalg::LinalgOp product) {
    std::optional<NearMiss> miss;
    // With batch and heads apart if that can be: K and V may be shared by
    // heads, and masks differ by batch.
    int64_t heads = findCollapsedHeads(product);
    if ((heads && tryAs(product, heads, miss)) || tryAs(product, 0, miss) ||
        !miss)
      return;
    remark::missed(miss->op->getLoc(), kRemark)
        << remark::reason("{0}", miss->reason);
    misses.push_back(placeOf(miss->op) + " not raised: " + miss->reason);
  }

  void raiseBlocks() {
    for (auto &[made, place] : attentions) {
      Operation *output = nullptr,
                *test = made.guard.isLarge ? made.guard.isLarge.getDefiningOp()
                                           : nullptr;
      MhaOp block = blocks ? raiseBlock(made.op, made.guard, output) : MhaOp();
      remark::passed(place, kRemark)
          << (block ? "raised to attn.mha" : "raised to attn.sdpa");
      if (!block)
        continue;
      ++raisedBlocks;
      if (test)
        eraseIfDead(test);
      eraseIfDead(output);
    }
  }

  void report() {
    int64_t raised = attentions.size();
    std::string text = "raised " + std::to_string(raised) + " of " +
                       std::to_string(raised + misses.size());
    if (raisedBlocks)
      text += ", " + std::to_string(raisedBlocks) + " with projections";
    // In the order of the file.
    for (const std::string &miss : llvm::reverse(misses))
      text += "; " + miss;
    if (raised < requireRaised) {
      emitError(getOperation().getLoc())
          << text << "; require-raised asks for " << requireRaised.getValue();
      return signalPassFailure();
    }
    if (summary)
      emitRemark(getOperation().getLoc()) << text;
  }

  int64_t raisedBlocks = 0;
  /// What was made, from the last, and the places of the products.
  SmallVector<std::pair<Attended, Location>> attentions;
  SmallVector<std::string> misses;
  SmallVector<Operation *> replaced;
};
} // namespace

void attn::buildRaisePipeline(OpPassManager &pm, bool raises) {
  RaisePassOptions options;
  options.match = raises;
  options.summary = false;
  pm.addPass(createRaisePass(options));
}
