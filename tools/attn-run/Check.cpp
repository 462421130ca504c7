//===- Check.cpp - Judges what compiled code computed ---------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "Judge.h"
#include "Tap.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace attn;

/// "attn.sdpa at file.mlir:3:8".
static std::string nameOf(Operation *op) {
  std::string name = op->getName().getStringRef().str();
  if (auto where = op->getLoc()->findInstanceOf<FileLineColLoc>())
    name +=
        (" at " + llvm::sys::path::filename(where.getFilename()) + ":" +
         llvm::Twine(where.getLine()) + ":" + llvm::Twine(where.getColumn()))
            .str();
  return name;
}

/// "[0, 3, 17, 5]".
static std::string positionOf(int64_t index, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> position(shape.size());
  for (size_t i = shape.size(); i-- > 0;) {
    position[i] = index % shape[i];
    index /= shape[i];
  }
  std::string text = "[";
  for (int64_t i : position)
    text += (text.size() > 1 ? ", " : "") + std::to_string(i);
  return text + "]";
}

bool CheckReport::passed() const {
  return !judged.empty() && llvm::all_of(judged, [](const Judgement &j) {
    return j.worst.withinBound();
  });
}

void CheckReport::print(llvm::raw_ostream &os) const {
  for (const Judgement &judgement : judged) {
    const reference::Worst &worst = judgement.worst;
    os << "check: " << judgement.op << ", " << judgement.result << ": ";
    os << (worst.withinBound() ? "ok" : "FAILED")
       << llvm::format(", max error %.3g, ratio to the bound %.3f over %lld "
                       "elements",
                       worst.maxError, worst.ratio,
                       static_cast<long long>(worst.judged));
    if (worst.exempt)
      os << " (" << worst.exempt << " more overflow the accumulator)";
    if (!worst.withinBound())
      os << "; worst at " << positionOf(worst.index, judgement.shape)
         << llvm::format(": expected %.9g within %.3g, found %.9g",
                         worst.expected, worst.bound, worst.found);
    os << "\n";
  }
  if (tapDifference >= 0.0)
    os << llvm::format("check: operands inside the entry were tapped; the "
                       "tapped run differs from the plain one by %.3g\n",
                       tapDifference);
  for (const std::string &reason : notJudged)
    os << "check: not judged: " << reason << "\n";
  if (judged.empty())
    os << "check: FAILED, nothing was judged\n";
}

SmallVector<reference::Dtype> attn::narrowWeightsOf(const TargetInfo &target) {
  SmallVector<reference::Dtype> types;
  if (target.isNVVM() ||
      (target.kind == TargetKind::CPU && target.hasBF16Products()))
    types.push_back(reference::Dtype::BF16);
  if (target.isNVVM())
    types.push_back(reference::Dtype::F16);
  return types;
}

llvm::Expected<CheckReport>
attn::checkEntry(func::FuncOp entry, ArrayRef<Tensor> inputs,
                 ArrayRef<Tensor> outputs, RunEntry run,
                 ArrayRef<reference::Dtype> narrowWeights) {
  llvm::Expected<TappedEntry> tapped = TappedEntry::create(entry);
  if (!tapped)
    return tapped.takeError();
  if (llvm::Error failed = tapped->evaluate(inputs, outputs, run))
    return std::move(failed);
  CheckReport report;
  report.tapDifference = tapped->getTapDifference();
  llvm::StringMap<int> seen;
  for (Operation *op : tapped->ops()) {
    // A function that is called twice has its ops twice.
    std::string name = nameOf(op);
    if (int earlier = seen[name]++)
      name += " (#" + std::to_string(earlier + 1) + ")";
    if (llvm::Error failed = judgeOp(
            op, name,
            [&](Value value) -> const Tensor & {
              return tapped->valueOf(value);
            },
            narrowWeights, report.judged))
      report.notJudged.push_back(name + ": " +
                                 llvm::toString(std::move(failed)));
  }
  for (std::string &other : tapped->describeOthers())
    report.notJudged.push_back(std::move(other));
  return report;
}
