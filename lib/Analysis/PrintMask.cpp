//===- PrintMask.cpp - A picture of what a mask leaves --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With numbers for the positions, the class of a block that MaskBlocks emits
// folds to constants, or depends on what only a call knows.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskBlocks.h"
#include "attn/Analysis/MaskRange.h"
#include "attn/Analysis/Passes.h"

#include "MaskPredicate.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace attn {
#define GEN_PASS_DEF_ANALYSISPRINTMASKPASS
#include "attn/Analysis/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Lines and letters of a picture, at most.
static constexpr int64_t kLargestPicture = 64;
static constexpr int64_t kDefaultBlock = 64;

//===----------------------------------------------------------------------===//
// The formula
//===----------------------------------------------------------------------===//

static std::string nameOf(unsigned argument) {
  static constexpr const char *kNames[] = {"b", "h", "m", "n"};
  return argument < 4 ? kNames[argument]
                      : "capture #" + std::to_string(argument - 4);
}

static void printTerm(raw_ostream &os, int64_t coefficient, StringRef name,
                      bool &isFirst) {
  if (coefficient == 0)
    return;
  os << (coefficient < 0 ? (isFirst ? "-" : " - ") : isFirst ? "" : " + ");
  if (std::abs(coefficient) != 1)
    os << std::abs(coefficient) << " ";
  os << name;
  isFirst = false;
}

static void printForm(raw_ostream &os, const AffineForm &form) {
  bool isFirst = true;
  printTerm(os, form.n, "n", isFirst);
  printTerm(os, form.m, "m", isFirst);
  for (auto [argument, coefficient] : form.uniform)
    printTerm(os, coefficient, nameOf(argument), isFirst);
  os << (isFirst ? "0" : "") << " <= " << -form.constant;
}

static void printPredicate(raw_ostream &os, const MaskPredicate &predicate) {
  using Kind = MaskPredicate::Kind;
  switch (predicate.kind) {
  case Kind::Unknown:
    if (auto argument = dyn_cast<BlockArgument>(predicate.obstacle))
      os << "<" << nameOf(argument.getArgNumber()) << ">";
    else
      os << "<" << predicate.obstacle.getDefiningOp()->getName() << ">";
    return;
  case Kind::Constant:
    os << (predicate.value ? "true" : "false");
    return;
  case Kind::Argument:
    os << (predicate.value ? "" : "not ") << nameOf(predicate.argument);
    return;
  case Kind::Nonpositive:
    return printForm(os, predicate.form);
  case Kind::And:
  case Kind::Or:
    os << "(";
    printPredicate(os, *predicate.left);
    os << (predicate.kind == Kind::And ? " and " : " or ");
    printPredicate(os, *predicate.right);
    os << ")";
  }
}

//===----------------------------------------------------------------------===//
// The picture
//===----------------------------------------------------------------------===//

namespace {
/// Blocks of one size along queries or keys.
struct Axis {
  int64_t length, step;

  Axis(int64_t length, int64_t step) : length(length), step(step) {
    // Several at once where there are too many to see.
    int64_t count = llvm::divideCeil(length, step);
    this->step *=
        std::max<int64_t>(llvm::divideCeil(count, kLargestPicture), 1);
  }
  int64_t count() const { return llvm::divideCeil(length, step); }
};
} // namespace

/// Captures that are the same everywhere and known now. Others enter as values
/// of the block's own, so that what depends on them does not fold.
static SmallVector<CaptureBounds> knownBounds(OpBuilder &builder, SdpaOp op) {
  SmallVector<CaptureBounds> bounds;
  Block *block = builder.getInsertionBlock();
  for (auto [capture, map] :
       llvm::zip(op.getCaptures(), op.getCaptureMapValues())) {
    Type element = getElementTypeOrSelf(capture.getType());
    CaptureReach reach = getCaptureReach(map);
    if (!element.isIntOrIndex() || reach == CaptureReach::Both) {
      bounds.emplace_back();
      continue;
    }
    Value least = capture;
    if (isa<ShapedType>(capture.getType()) || !getConstantIntValue(capture))
      least = block->addArgument(element, op.getLoc());
    Value most = reach == CaptureReach::None
                     ? least
                     : Value(block->addArgument(element, op.getLoc()));
    bounds.push_back({least, most});
  }
  return bounds;
}

static char letterOf(BlockClass result) {
  std::optional<int64_t> some = getConstantIntValue(result.some),
                         all = getConstantIntValue(result.all);
  if (some == 0)
    return '.';
  // An i1 that is true is -1 as a signed number.
  if (all && *all != 0)
    return '#';
  return some && all ? '+' : '?';
}

static void printPicture(raw_ostream &os, SdpaOp op, const Axis &queries,
                         const Axis &keys) {
  auto kept = cast<YieldOp>(op.getMask().front().getTerminator());
  std::string picture;
  llvm::StringMap<int64_t> counts;
  for (int64_t m = 0; m < queries.length; m += queries.step) {
    picture += "\n    ";
    for (int64_t n = 0; n < keys.length; n += keys.step) {
      // What is emitted for one block lives no longer than its letter.
      Region scratch;
      scratch.push_back(new Block);
      OpBuilder builder(op.getContext());
      builder.setInsertionPointToEnd(&scratch.front());
      auto index = [&](int64_t value) -> Value {
        return arith::ConstantIndexOp::create(builder, op.getLoc(), value);
      };
      BlockPlace place{
          index(0), index(0),
          index(m), index(std::min(m + queries.step, queries.length)),
          index(n), index(std::min(n + keys.step, keys.length))};
      char letter =
          letterOf(buildBlockClass(builder, op.getLoc(), kept.getValue(), place,
                                   knownBounds(builder, op)));
      picture += letter;
      ++counts[StringRef(&letter, 1)];
    }
  }
  os << "\n  " << queries.length << " x " << keys.length << ", groups of "
     << queries.step << " queries, blocks of " << keys.step << " keys: ";
  for (auto [letter, name] : {std::pair<StringRef, StringRef>{"#", "full"},
                              {"+", "partial"},
                              {"?", "unknown"},
                              {".", "empty"}})
    if (letter != "?" || counts.lookup(letter))
      os << counts.lookup(letter) << " " << name
         << (letter == "." ? " of " : ", ");
  os << queries.count() * keys.count() << picture;
}

static void printMask(raw_ostream &os, SdpaOp op) {
  if (op.hasNamedVariants()) {
    os << "named variants: run attn-fuse-variants first";
    return;
  }
  if (op.getMask().empty()) {
    os << "no mask";
    return;
  }
  SmallVector<bool> isUniform{true, true, false, false};
  for (AffineMap map : op.getCaptureMapValues())
    isUniform.push_back(getCaptureReach(map) == CaptureReach::None);
  auto kept = cast<YieldOp>(op.getMask().front().getTerminator());
  os << "mask: ";
  printPredicate(os, readMaskPredicate(kept.getValue(), isUniform));
  os << "\n  keys: "
     << (getOpenParts(op).empty() ? "bounds of the loop"
                                  : "bounds of the loop, a test of each block");

  auto length = [](Value value, AffineMap layout) {
    return getLogicalDim(cast<ShapedType>(value.getType()), layout, 2);
  };
  int64_t m = length(op.getQuery(), op.getQueryLayout());
  int64_t n = length(op.getKey(), op.getKeyLayout());
  if (ShapedType::isDynamic(m) || ShapedType::isDynamic(n)) {
    os << "\n  lengths are not known before the call";
    return;
  }
  std::optional<PlanAttr> plan = op.getPlan();
  printPicture(os, op, Axis(m, plan ? plan->getQueryGroup() : kDefaultBlock),
               Axis(n, plan ? plan->getKeyBlock() : kDefaultBlock));
}

namespace {
struct AnalysisPrintMaskPass final
    : attn::impl::AnalysisPrintMaskPassBase<AnalysisPrintMaskPass> {
  void runOnOperation() override {
    getOperation().walk([](SdpaOp op) {
      std::string text;
      llvm::raw_string_ostream os(text);
      printMask(os, op);
      emitRemark(op.getLoc()) << text;
    });
    markAllAnalysesPreserved();
  }
};
} // namespace
