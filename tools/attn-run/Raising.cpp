//===- Raising.cpp - A graph beside what was raised from it ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Raising.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;
using namespace attn;

bool attn::hasAttnOps(ModuleOp module) {
  return module
      .walk([](Operation *op) {
        return isa_and_nonnull<AttnDialect>(op->getDialect())
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

/// How far results may be apart, as a share of the largest: hundreds of
/// roundings in the type of the sums, or a few in one of fewer bits that the
/// graph goes through. Sums of both ways have other orders, and scores carry
/// their errors into exponents.
static double toleranceOf(ModuleOp graph) {
  double tolerance = 500 * 0x1p-53;
  auto allow = [&](Type type) {
    Type element = getElementTypeOrSelf(type);
    tolerance = std::max(tolerance, element.isF32()    ? 500 * 0x1p-24
                                    : element.isF16()  ? 8 * 0x1p-11
                                    : element.isBF16() ? 8 * 0x1p-8
                                                       : 0.0);
  };
  graph.walk([&](Operation *op) {
    llvm::for_each(op->getResultTypes(), allow);
    for (Region &region : op->getRegions())
      if (!region.empty())
        llvm::for_each(region.front().getArgumentTypes(), allow);
  });
  return tolerance;
}

bool attn::compareResults(llvm::raw_ostream &os, ModuleOp graph,
                          ArrayRef<Tensor> raised, ArrayRef<Tensor> plain) {
  double share = toleranceOf(graph);
  bool allFit = true;
  for (auto [i, a, b] : llvm::enumerate(raised, plain)) {
    double apart = 0.0, largest = 0.0;
    int64_t others = 0; // one is NaN or infinite, and the other something else
    for (int64_t k = 0; k < std::min(a.size(), b.size()); ++k) {
      double x = a.at(k), y = b.at(k);
      if (!std::isfinite(x) || !std::isfinite(y)) {
        others += !(x == y || (std::isnan(x) && std::isnan(y)));
        continue;
      }
      apart = std::max(apart, std::abs(x - y));
      largest = std::max(largest, std::abs(y));
    }
    bool fits = a.size() == b.size() && !others && apart <= share * largest;
    allFit &= fits;
    os << "check: raising, result #" << i << ": " << (fits ? "ok" : "FAILED")
       << llvm::format(", the graph as it stands differs by %.3g, allowed are "
                       "%.3g",
                       apart, share * largest);
    if (others)
      os << "; " << others << " elements are finite in one alone";
    os << "\n";
  }
  return allFit;
}
